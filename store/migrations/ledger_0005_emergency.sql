-- One row per repair of negative cash, and one per sale it recommends. Instants are market time.

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
    note TEXT NOT NULL
) STRICT, WITHOUT ROWID;
