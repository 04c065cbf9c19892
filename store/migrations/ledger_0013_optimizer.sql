-- Runs of the optimizer (market_ms is market time). inputs_hash names everything it depended on.

CREATE TABLE optimizer_run (
    run_id TEXT PRIMARY KEY,
    market_ms INTEGER NOT NULL,
    machine_ms INTEGER NOT NULL,
    inputs_hash TEXT NOT NULL,
    success INTEGER NOT NULL CHECK (success IN (0, 1)),
    payload TEXT NOT NULL CHECK (json_valid(payload))
) STRICT, WITHOUT ROWID;

CREATE INDEX optimizer_run_time ON optimizer_run (machine_ms, market_ms);
