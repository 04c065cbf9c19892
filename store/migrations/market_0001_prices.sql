-- What can be fetched again: the newest quotes, and exchange rates by day.

CREATE TABLE quote (
    symbol TEXT PRIMARY KEY,
    currency TEXT NOT NULL,
    bid_micro INTEGER CHECK (bid_micro > 0),
    ask_micro INTEGER CHECK (ask_micro > 0),
    last_micro INTEGER NOT NULL CHECK (last_micro > 0),
    previous_close_micro INTEGER CHECK (previous_close_micro > 0),
    at_ms INTEGER NOT NULL,
    market_open INTEGER CHECK (market_open IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Units of `currency` for one EUR, as a decimal text, published for the day `as_of`.
CREATE TABLE rate (
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    as_of TEXT NOT NULL CHECK (length(as_of) = 10),
    value TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (currency, as_of)
) STRICT, WITHOUT ROWID;
