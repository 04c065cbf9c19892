-- Daily bars as received, with what makes them raw: raw price = received × split_num / split_den.
-- Days are proleptic ordinals of the exchange's own calendar. Keyed by the security of the ledger.

CREATE TABLE bar (
    security_id INTEGER NOT NULL,
    day INTEGER NOT NULL CHECK (day > 0),
    open_micro INTEGER,
    high_micro INTEGER,
    low_micro INTEGER,
    close_micro INTEGER NOT NULL,
    volume INTEGER,
    split_num INTEGER NOT NULL DEFAULT 1 CHECK (split_num > 0),
    split_den INTEGER NOT NULL DEFAULT 1 CHECK (split_den > 0),
    source TEXT NOT NULL,
    PRIMARY KEY (security_id, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE split_event (
    security_id INTEGER NOT NULL,
    ex_day INTEGER NOT NULL CHECK (ex_day > 0),
    ratio TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (security_id, ex_day)
) STRICT, WITHOUT ROWID;

-- `number` tells dividends of one day apart.
CREATE TABLE dividend_event (
    security_id INTEGER NOT NULL,
    ex_day INTEGER NOT NULL CHECK (ex_day > 0),
    number INTEGER NOT NULL CHECK (number >= 0),
    pay_day INTEGER,
    per_share_micro INTEGER NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    source TEXT NOT NULL,
    PRIMARY KEY (security_id, ex_day, number)
) STRICT, WITHOUT ROWID;

-- Reported figures, each under the day it became known.
CREATE TABLE fundamental (
    security_id INTEGER NOT NULL,
    metric TEXT NOT NULL,
    as_of INTEGER NOT NULL CHECK (as_of > 0),
    value TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (security_id, metric, as_of)
) STRICT, WITHOUT ROWID;

-- How far the bars of a security reach, and when they were last asked for (market time).
CREATE TABLE bar_coverage (
    security_id INTEGER PRIMARY KEY,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    first_day INTEGER,
    last_day INTEGER,
    bars INTEGER NOT NULL CHECK (bars >= 0),
    synced_ms INTEGER NOT NULL
) STRICT;
