-- Whether a conversion on a pair was seen to move the money the right way.

CREATE TABLE fx_proof (
    symbol TEXT PRIMARY KEY CHECK (symbol <> ''),
    proven_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
