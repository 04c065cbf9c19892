-- Currency pairs on which a conversion of ours was seen to move both balances the right way.

CREATE TABLE fx_proof (
    symbol TEXT PRIMARY KEY CHECK (symbol <> ''),
    -- The execution that proved it.
    fill_id TEXT NOT NULL CHECK (fill_id <> ''),
    proven_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
