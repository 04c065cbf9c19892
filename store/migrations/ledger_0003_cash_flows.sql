-- Every version of a cash flow as the broker showed it; only a completed one is a fact.

CREATE TABLE flow_version (
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
    PRIMARY KEY (transaction_id, version)
) STRICT, WITHOUT ROWID;

-- How a deposit was divided between buckets, in its own currency.
CREATE TABLE deposit_allocation (
    fact_seq INTEGER NOT NULL REFERENCES fact,
    bucket_id TEXT NOT NULL REFERENCES bucket,
    minor INTEGER NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    PRIMARY KEY (fact_seq, bucket_id)
) STRICT, WITHOUT ROWID;
