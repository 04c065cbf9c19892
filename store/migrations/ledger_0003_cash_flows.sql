-- Every version of a cash flow as the broker showed it; only a completed one becomes a fact.
-- seen_ms is the market time at which we read it.
CREATE TABLE flow_version (
    version_id INTEGER PRIMARY KEY AUTOINCREMENT,
    transaction_id TEXT NOT NULL CHECK (transaction_id <> ''),
    version INTEGER NOT NULL CHECK (version > 0),
    status TEXT NOT NULL CHECK (status IN (
        'pending', 'processing', 'completed', 'cancelled', 'rejected')),
    type TEXT NOT NULL,
    type_doc_id INTEGER,
    category TEXT NOT NULL CHECK (category IN (
        'deposit', 'withdrawal', 'dividend', 'tax', 'fee', 'interest', 'coupon', 'maturity',
        'fx', 'other')),
    minor INTEGER NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    booked_ms INTEGER NOT NULL,
    symbol TEXT,
    reference TEXT,
    description TEXT NOT NULL,
    seen_ms INTEGER NOT NULL,
    UNIQUE (transaction_id, version)
) STRICT;

CREATE INDEX flow_version_day ON flow_version (booked_ms / 86400000, version_id);

CREATE TRIGGER flow_version_kept_u BEFORE UPDATE ON flow_version
BEGIN SELECT RAISE(ABORT, 'flow_version is append-only'); END;

CREATE TRIGGER flow_version_kept_d BEFORE DELETE ON flow_version
BEGIN SELECT RAISE(ABORT, 'flow_version is append-only'); END;

-- Which version of which transaction a fact of the journal books.
CREATE TABLE flow_fact (
    fact_seq INTEGER PRIMARY KEY REFERENCES fact,
    transaction_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    FOREIGN KEY (transaction_id, version) REFERENCES flow_version (transaction_id, version)
) STRICT;

CREATE INDEX flow_fact_transaction ON flow_fact (transaction_id);

CREATE TRIGGER flow_fact_kept_u BEFORE UPDATE ON flow_fact
BEGIN SELECT RAISE(ABORT, 'flow_fact is append-only'); END;

CREATE TRIGGER flow_fact_kept_d BEFORE DELETE ON flow_fact
BEGIN SELECT RAISE(ABORT, 'flow_fact is append-only'); END;

-- How a deposit was divided between buckets, in its own currency.
CREATE TABLE deposit_allocation (
    fact_seq INTEGER NOT NULL REFERENCES fact,
    bucket_id TEXT NOT NULL REFERENCES bucket,
    minor INTEGER NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    PRIMARY KEY (fact_seq, bucket_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER deposit_allocation_kept_u BEFORE UPDATE ON deposit_allocation
BEGIN SELECT RAISE(ABORT, 'deposit_allocation is append-only'); END;

CREATE TRIGGER deposit_allocation_kept_d BEFORE DELETE ON deposit_allocation
BEGIN SELECT RAISE(ABORT, 'deposit_allocation is append-only'); END;

-- Flows that were booked before versions were kept are their own first version.
INSERT INTO flow_version (transaction_id, version, status, type, category, minor, currency,
    booked_ms, symbol, reference, description, seen_ms)
SELECT c.flow_id, 1, 'completed', c.category, c.category, c.minor, c.currency, c.booked_ms,
    c.symbol, c.reference, c.description, f.market_ms
FROM cash_flow c JOIN fact f ON f.seq = c.fact_seq
ORDER BY c.fact_seq;

INSERT INTO flow_fact SELECT fact_seq, flow_id, 1 FROM cash_flow;

INSERT INTO deposit_allocation
SELECT fact_seq, 'core', minor, currency FROM cash_flow WHERE category = 'deposit';
