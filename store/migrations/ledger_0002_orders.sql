-- Manual orders with a limit of their own, buckets, and snapshots that name their place in the
-- journal, so that the money which flowed since can be told from gains and losses.

ALTER TABLE intent ADD COLUMN asked_limit_micro INTEGER CHECK (asked_limit_micro > 0);

CREATE TABLE bucket (
    bucket_id TEXT PRIMARY KEY CHECK (bucket_id <> ''),
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN (
        'research', 'accumulating', 'active', 'hibernating', 'paused', 'retired'))
) STRICT, WITHOUT ROWID;

INSERT INTO bucket VALUES ('core', 'Core', 'active');

ALTER TABLE snapshot ADD COLUMN ledger_seq INTEGER;
ALTER TABLE snapshot_point ADD COLUMN ledger_seq INTEGER;
