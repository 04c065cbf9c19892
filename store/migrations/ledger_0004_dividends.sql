-- Dividends that the owner tells of, and what the owner notes about any of them.

PRAGMA defer_foreign_keys = ON;
CREATE TABLE dividend_before AS SELECT * FROM dividend;
DROP VIEW pot;
DROP TABLE dividend;

-- A dividend's pot. It exists without money until flows arrive that carry its action_id, or until
-- the owner links the transaction it came with; net, currency and paid_ms are always those of all
-- these flows. It was told by the broker (fact_seq), by the owner (noted_*), or by both.
CREATE TABLE dividend (
    dividend_id INTEGER PRIMARY KEY AUTOINCREMENT,
    fact_seq INTEGER UNIQUE REFERENCES corporate_action,
    action_id TEXT NOT NULL UNIQUE CHECK (action_id <> ''),
    symbol TEXT NOT NULL CHECK (symbol <> ''),
    currency TEXT,
    net_minor INTEGER NOT NULL DEFAULT 0,
    paid_ms INTEGER,
    released_minor INTEGER NOT NULL DEFAULT 0 CHECK (released_minor >= 0),
    released_ms INTEGER,
    -- What other dividends of the security gave because money that was spent was taken back.
    repaid_minor INTEGER NOT NULL DEFAULT 0 CHECK (repaid_minor >= 0),
    isin TEXT,
    noted_minor INTEGER CHECK (noted_minor > 0),
    noted_currency TEXT CHECK (length(noted_currency) = 3),
    noted_eur_minor INTEGER CHECK (noted_eur_minor > 0),
    noted_day TEXT CHECK (length(noted_day) = 10),
    noted_ms INTEGER,
    transaction_id TEXT UNIQUE,
    -- EUR; NULL while nobody set it: then it is what the pot still holds.
    bonus_minor INTEGER CHECK (bonus_minor >= 0),
    bonus_cleared_ms INTEGER,
    -- The owner bought shares with it: what is left of its money is ordinary cash.
    marked_micro INTEGER CHECK (marked_micro > 0),
    marked_ms INTEGER,
    CHECK (fact_seq IS NOT NULL OR noted_ms IS NOT NULL),
    CHECK ((noted_ms IS NULL) = (noted_minor IS NULL)),
    CHECK ((noted_ms IS NULL) = (noted_currency IS NULL)),
    CHECK ((noted_ms IS NULL) = (noted_day IS NULL)),
    CHECK ((marked_ms IS NULL) = (marked_micro IS NULL))
) STRICT;

CREATE INDEX dividend_symbol ON dividend (symbol);
CREATE UNIQUE INDEX dividend_noted ON dividend (symbol, noted_day, noted_minor, noted_currency)
    WHERE noted_ms IS NOT NULL;

INSERT INTO dividend (dividend_id, fact_seq, action_id, symbol, currency, net_minor, paid_ms,
    released_minor, released_ms)
SELECT dividend_id, fact_seq, action_id, symbol, currency, net_minor, paid_ms, released_minor,
    released_ms
FROM dividend_before;
DROP TABLE dividend_before;

-- What the broker reports after the owner told of it is the same dividend, not a second one.
CREATE TRIGGER dividend_told_before BEFORE INSERT ON dividend
WHEN EXISTS (
    SELECT 1 FROM dividend WHERE action_id = NEW.action_id AND fact_seq IS NULL)
    AND NEW.fact_seq IS NOT NULL
BEGIN
    UPDATE dividend SET fact_seq = NEW.fact_seq WHERE action_id = NEW.action_id;
    SELECT RAISE(IGNORE);
END;

-- left_minor is negative when the broker took back what was already spent.
CREATE VIEW pot AS
SELECT d.*,
    coalesce(sum(a.reserved_minor), 0) AS reserved_minor,
    coalesce(sum(a.reinvested_minor), 0) AS reinvested_minor,
    min(
        d.net_minor + d.repaid_minor - d.released_minor
            - coalesce(sum(a.reserved_minor + a.reinvested_minor), 0),
        CASE WHEN d.marked_ms IS NULL THEN 9223372036854775807 ELSE 0 END) AS left_minor
FROM dividend d LEFT JOIN drip_allocation a USING (dividend_id)
GROUP BY d.dividend_id;
