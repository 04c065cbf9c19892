-- What the owner decides about a security; own_* stand over what the broker says, NULL leaves it.
-- Shares and multipliers are in millionths, instants are market time.

PRAGMA defer_foreign_keys = ON;
CREATE TABLE security_before AS SELECT * FROM security;
DROP TABLE security;

-- `symbol` is the key under which the journal knows it and never changes. `alias` is what it is
-- called now, `broker_symbol` what the broker calls it now; both NULL while that is the symbol.
CREATE TABLE security (
    security_id INTEGER PRIMARY KEY AUTOINCREMENT,
    symbol TEXT NOT NULL UNIQUE CHECK (symbol <> ''),
    isin TEXT NOT NULL,
    name TEXT NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    mic TEXT NOT NULL,
    country TEXT,
    industry TEXT,
    product_type TEXT NOT NULL CHECK (product_type IN ('EQUITY', 'ETF', 'ETC', 'MUTUALFUND',
        'BOND', 'COMMODITY', 'INDEX', 'FX', 'UNKNOWN')),
    lot_micro INTEGER CHECK (lot_micro > 0),
    tick_micro INTEGER NOT NULL CHECK (tick_micro > 0),
    tick_currency TEXT NOT NULL,
    synthetic INTEGER NOT NULL CHECK (synthetic IN (0, 1)),
    allow_buy INTEGER NOT NULL CHECK (allow_buy IN (0, 1)),
    allow_sell INTEGER NOT NULL CHECK (allow_sell IN (0, 1)),
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    confirmed INTEGER NOT NULL CHECK (confirmed IN (0, 1)),
    alias TEXT UNIQUE CHECK (alias <> '' AND alias <> symbol),
    broker_symbol TEXT UNIQUE CHECK (broker_symbol <> '' AND broker_symbol <> symbol),
    own_name TEXT CHECK (own_name <> ''),
    own_country TEXT CHECK (own_country <> ''),
    own_industry TEXT CHECK (own_industry <> ''),
    own_product_type TEXT CHECK (own_product_type IN ('EQUITY', 'ETF', 'ETC', 'MUTUALFUND',
        'BOND', 'COMMODITY', 'INDEX', 'UNKNOWN')),
    own_exchange TEXT CHECK (own_exchange <> ''),
    own_lot_micro INTEGER CHECK (own_lot_micro > 0),
    quote_symbol TEXT CHECK (quote_symbol <> ''),
    quote_source TEXT CHECK (quote_source IN ('owner', 'derived')),
    priority_micro INTEGER NOT NULL DEFAULT 1000000
        CHECK (priority_micro BETWEEN 100000 AND 3000000),
    min_target_micro INTEGER CHECK (min_target_micro BETWEEN 0 AND 200000),
    max_target_micro INTEGER CHECK (max_target_micro BETWEEN 0 AND 300000),
    bucket_id TEXT NOT NULL DEFAULT 'core' CHECK (bucket_id <> ''),
    -- Whether the broker still lists it, and since when not.
    listed INTEGER NOT NULL DEFAULT 1 CHECK (listed IN (0, 1)),
    unlisted_ms INTEGER,
    created_ms INTEGER,
    updated_ms INTEGER,
    CHECK (min_target_micro <= max_target_micro),
    CHECK ((quote_symbol IS NULL) = (quote_source IS NULL)),
    CHECK ((listed = 0) = (unlisted_ms IS NOT NULL)),
    -- What nobody can classify is not traded.
    CHECK (active = 0 OR coalesce(own_product_type, product_type) <> 'UNKNOWN')
) STRICT;

INSERT INTO security (security_id, symbol, isin, name, currency, mic, country, industry,
    product_type, lot_micro, tick_micro, tick_currency, synthetic, allow_buy, allow_sell, active,
    confirmed)
SELECT security_id, symbol, isin, name, currency, mic, country, industry, product_type, lot_micro,
    tick_micro, tick_currency, synthetic, allow_buy, allow_sell, active, confirmed
FROM security_before;
DROP TABLE security_before;

CREATE UNIQUE INDEX security_listing ON security (isin, currency, mic) WHERE isin <> '';

-- Every other name a security has or had; it is found under all of them.
CREATE TABLE symbol_alias (
    name TEXT PRIMARY KEY CHECK (name <> ''),
    security_id INTEGER NOT NULL REFERENCES security
) STRICT, WITHOUT ROWID;

CREATE VIEW symbol_name AS
SELECT a.name, s.symbol FROM symbol_alias a JOIN security s USING (security_id);
