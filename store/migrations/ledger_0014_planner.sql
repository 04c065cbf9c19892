-- Configurations, autonomy, what plans are made from, and what became of their steps.

ALTER TABLE bucket ADD COLUMN autonomy TEXT
    CHECK (autonomy IN ('advise', 'approve', 'act_below', 'act'));
ALTER TABLE bucket ADD COLUMN act_below_minor INTEGER CHECK (act_below_minor >= 0);

CREATE TABLE planner_config (
    config_id TEXT PRIMARY KEY,
    name TEXT NOT NULL CHECK (name <> ''),
    toml TEXT NOT NULL,
    bucket_id TEXT UNIQUE REFERENCES bucket,
    version INTEGER NOT NULL CHECK (version >= 1),
    text_hash TEXT NOT NULL,
    -- What the bucket plans by; it may be older than the text above.
    applied_hash TEXT,
    applied_toml TEXT,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE planner_config_history (
    history_id TEXT PRIMARY KEY,
    config_id TEXT NOT NULL REFERENCES planner_config ON DELETE CASCADE,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    toml TEXT NOT NULL,
    text_hash TEXT NOT NULL,
    summary TEXT NOT NULL,
    saved_ms INTEGER NOT NULL,
    UNIQUE (config_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE plan_input (
    input_hash TEXT PRIMARY KEY,
    payload BLOB NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE plan ADD COLUMN input_hash TEXT REFERENCES plan_input;
ALTER TABLE plan ADD COLUMN postponed_ms INTEGER;
CREATE INDEX plan_by_input ON plan (input_hash);
CREATE INDEX plan_by_bucket ON plan (bucket_id, created_ms);

CREATE TABLE planner_run (
    run_id TEXT PRIMARY KEY,
    bucket_id TEXT NOT NULL REFERENCES bucket,
    fingerprint TEXT NOT NULL,
    input_hash TEXT NOT NULL REFERENCES plan_input,
    state TEXT NOT NULL CHECK (state IN (
        'generating', 'evaluating', 'complete', 'failed', 'cancelled')),
    explored INTEGER NOT NULL DEFAULT 0,
    checkpoint BLOB,
    started_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    plan_id TEXT REFERENCES plan,
    error TEXT
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX planner_run_open ON planner_run (bucket_id)
    WHERE state IN ('generating', 'evaluating');
CREATE INDEX planner_run_by_input ON planner_run (input_hash);
CREATE INDEX planner_run_by_plan ON planner_run (plan_id);

-- What the owner does not want proposed while everything stays as it is.
CREATE TABLE dismissal (
    bucket_id TEXT NOT NULL REFERENCES bucket,
    portfolio_hash TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')),
    at_ms INTEGER NOT NULL,
    by TEXT NOT NULL,
    PRIMARY KEY (bucket_id, portfolio_hash, symbol, side)
) STRICT, WITHOUT ROWID;

-- Purchases from dividends that wait for the owner's word; an answer covers one order. No id is ever
-- used twice: an answer that comes late must not meet another purchase.
CREATE TABLE reinvestment_ask (
    ask_id INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket_id TEXT NOT NULL REFERENCES bucket,
    symbol TEXT NOT NULL,
    value_minor INTEGER NOT NULL CHECK (value_minor > 0),
    detail TEXT NOT NULL,
    asked_ms INTEGER NOT NULL,
    answer TEXT CHECK (answer IN ('approve', 'reject')),
    answered_ms INTEGER,
    intent_id INTEGER REFERENCES intent
) STRICT;

CREATE UNIQUE INDEX reinvestment_ask_open ON reinvestment_ask (bucket_id, symbol)
    WHERE intent_id IS NULL AND answer IS NOT 'reject';

CREATE TABLE plan_step_new (
    plan_id TEXT NOT NULL REFERENCES plan,
    number INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN (
        'proposed', 'approved', 'submitting', 'submitted', 'partially_filled', 'filled', 'refused',
        'rejected', 'expired', 'superseded', 'dismissed', 'failed')),
    intent_id INTEGER REFERENCES intent,
    payload TEXT NOT NULL CHECK (json_valid(payload)),
    decided_ms INTEGER,
    decided_by TEXT,
    PRIMARY KEY (plan_id, number)
) STRICT, WITHOUT ROWID;
INSERT INTO plan_step_new (plan_id, number, state, intent_id, payload)
    SELECT plan_id, number, state, intent_id, payload FROM plan_step;
DROP TABLE plan_step;
ALTER TABLE plan_step_new RENAME TO plan_step;

-- Steps whose order is on its way: a handful among all that ever were.
CREATE INDEX plan_step_sent ON plan_step (intent_id)
    WHERE state IN ('submitting', 'submitted', 'partially_filled');
