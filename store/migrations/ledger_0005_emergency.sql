-- One row per repair of negative cash, every move of it, and the sales it recommends. Instants are
-- market time. At most one run is open at any time.

CREATE TABLE emergency_run (
    run_id TEXT PRIMARY KEY CHECK (run_id <> ''),
    mode TEXT NOT NULL CHECK (mode IN ('research', 'live')),
    state TEXT NOT NULL CHECK (state IN (
        'detected', 'exchanging', 'waiting_market', 'waiting_owner', 'selling', 'awaiting_fill',
        'final_exchange', 'resolved', 'partial', 'failed', 'aborted')),
    started_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    deficits TEXT NOT NULL CHECK (json_valid(deficits)),
    note TEXT NOT NULL,
    waits_until_ms INTEGER,
    balances_before TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(balances_before)),
    owner TEXT CHECK (owner IN ('confirm', 'abort')),
    CHECK ((ended_ms IS NOT NULL) = (state IN ('resolved', 'partial', 'failed', 'aborted')))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX emergency_run_open ON emergency_run (ended_ms IS NULL) WHERE ended_ms IS NULL;
CREATE INDEX emergency_run_started ON emergency_run (started_ms);

CREATE TABLE emergency_event (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL REFERENCES emergency_run,
    at_ms INTEGER NOT NULL,
    before TEXT,
    after TEXT NOT NULL,
    note TEXT NOT NULL
) STRICT;

CREATE INDEX emergency_event_run ON emergency_event (run_id);

CREATE TRIGGER emergency_event_kept_u BEFORE UPDATE ON emergency_event
BEGIN SELECT RAISE(ABORT, 'emergency_event is append-only'); END;

CREATE TRIGGER emergency_event_kept_d BEFORE DELETE ON emergency_event
BEGIN SELECT RAISE(ABORT, 'emergency_event is append-only'); END;

CREATE TABLE emergency_sale (
    run_id TEXT NOT NULL REFERENCES emergency_run,
    number INTEGER NOT NULL CHECK (number > 0),
    symbol TEXT NOT NULL CHECK (symbol <> ''),
    side TEXT NOT NULL DEFAULT 'SELL' CHECK (side = 'SELL'),
    quantity_micro INTEGER NOT NULL CHECK (quantity_micro > 0),
    price_micro INTEGER NOT NULL CHECK (price_micro > 0),
    price_currency TEXT NOT NULL CHECK (length(price_currency) = 3),
    value_minor INTEGER NOT NULL,
    reason TEXT NOT NULL,
    priority INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'executed', 'dismissed')),
    intent_id INTEGER UNIQUE REFERENCES intent,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;
