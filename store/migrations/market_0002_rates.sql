-- When each rate was read (market time), and what was read but is not believed until a second
-- source confirms it. Whoever values anything reads `rate` alone.

ALTER TABLE rate ADD COLUMN fetched_ms INTEGER NOT NULL DEFAULT 0;

CREATE TABLE rate_held (
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    as_of TEXT NOT NULL CHECK (length(as_of) = 10),
    value TEXT NOT NULL,
    source TEXT NOT NULL,
    fetched_ms INTEGER NOT NULL,
    reason TEXT NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (currency, as_of)
) STRICT, WITHOUT ROWID;
