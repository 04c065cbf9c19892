-- Money is INTEGER minor units beside its currency, quantities and prices are INTEGER millionths,
-- instants are INTEGER milliseconds since 1970 (UTC). Columns ending in _ms are market time unless
-- the table says otherwise.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE latch (
    name TEXT PRIMARY KEY CHECK (name IN (
        'owner', 'file', 'broker_silent', 'order_escalated', 'books', 'restore', 'actor_failed')),
    reason TEXT NOT NULL,
    set_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who changed mode or latches, and when.
CREATE TABLE audit (
    audit_id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    before TEXT,
    after TEXT
) STRICT;

CREATE TABLE cursor (
    stream TEXT PRIMARY KEY,
    position TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE security (
    security_id INTEGER PRIMARY KEY AUTOINCREMENT,
    symbol TEXT NOT NULL UNIQUE CHECK (symbol <> ''),
    isin TEXT NOT NULL,
    name TEXT NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    mic TEXT NOT NULL,
    country TEXT,
    industry TEXT,
    product_type TEXT NOT NULL CHECK (product_type IN (
        'EQUITY', 'ETF', 'BOND', 'COMMODITY', 'INDEX', 'FX')),
    lot_micro INTEGER CHECK (lot_micro > 0),
    tick_micro INTEGER NOT NULL CHECK (tick_micro > 0),
    tick_currency TEXT NOT NULL,
    synthetic INTEGER NOT NULL CHECK (synthetic IN (0, 1)),
    allow_buy INTEGER NOT NULL CHECK (allow_buy IN (0, 1)),
    allow_sell INTEGER NOT NULL CHECK (allow_sell IN (0, 1)),
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    confirmed INTEGER NOT NULL CHECK (confirmed IN (0, 1))
) STRICT;

CREATE UNIQUE INDEX security_listing ON security (isin, currency, mic) WHERE isin <> '';

-- Orders -------------------------------------------------------------------------------------

CREATE TABLE intent (
    intent_id INTEGER PRIMARY KEY AUTOINCREMENT,
    order_class TEXT NOT NULL CHECK (order_class IN (
        'planner', 'drip', 'manual', 'emergency', 'fx')),
    source_id TEXT NOT NULL CHECK (source_id <> ''),
    step INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    bucket_id TEXT NOT NULL CHECK (bucket_id <> ''),
    symbol TEXT NOT NULL CHECK (symbol <> ''),
    security_id INTEGER REFERENCES security,
    side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')),
    quantity_micro INTEGER NOT NULL CHECK (quantity_micro > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    decision_micro INTEGER NOT NULL CHECK (decision_micro > 0),
    decision_currency TEXT NOT NULL,
    value_minor INTEGER,
    value_currency TEXT,
    reason TEXT NOT NULL,
    force TEXT NOT NULL CHECK (json_valid(force)),
    mode TEXT NOT NULL CHECK (mode IN ('research', 'live')),
    state TEXT NOT NULL CHECK (state IN (
        'proposed', 'refused', 'simulated', 'submitting', 'accepted', 'rejected', 'unknown',
        'not_placed', 'escalated', 'active', 'partially_filled', 'filled', 'cancelled',
        'expired')),
    proposed_ms INTEGER NOT NULL,
    client_order_id INTEGER UNIQUE,
    limit_micro INTEGER CHECK (limit_micro > 0),
    limit_currency TEXT,
    reserved_minor INTEGER CHECK (reserved_minor >= 0),
    reserved_currency TEXT,
    reserved_fee_minor INTEGER CHECK (reserved_fee_minor >= 0),
    reserved_fee_currency TEXT,
    submitted_ms INTEGER,
    submitted_machine_ms INTEGER,
    broker_order_id TEXT UNIQUE CHECK (broker_order_id <> ''),
    -- Executions in our journal, and what the broker last claimed to have executed.
    filled_micro INTEGER NOT NULL DEFAULT 0 CHECK (filled_micro >= 0),
    claimed_micro INTEGER NOT NULL DEFAULT 0 CHECK (claimed_micro >= 0),
    error TEXT,
    retry_after_ms INTEGER,
    blocked_by TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(blocked_by)),
    UNIQUE (order_class, source_id, step, attempt),
    -- Nothing is sent without a tag, a limit, a reservation and the instant of sending.
    CHECK (state IN ('proposed', 'refused', 'simulated') OR (
        client_order_id IS NOT NULL AND limit_micro IS NOT NULL AND reserved_minor IS NOT NULL
        AND reserved_fee_minor IS NOT NULL AND submitted_ms IS NOT NULL
        AND submitted_machine_ms IS NOT NULL AND mode = 'live'))
) STRICT;

CREATE INDEX intent_state ON intent (state);
CREATE INDEX intent_submitted ON intent (submitted_ms) WHERE submitted_ms IS NOT NULL;

CREATE TABLE order_event (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT,
    intent_id INTEGER NOT NULL REFERENCES intent,
    at_ms INTEGER NOT NULL,
    before TEXT,
    after TEXT NOT NULL,
    note TEXT NOT NULL,
    verdicts TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(verdicts))
) STRICT;

CREATE INDEX order_event_intent ON order_event (intent_id);

CREATE TRIGGER order_event_kept_u BEFORE UPDATE ON order_event
BEGIN SELECT RAISE(ABORT, 'order_event is append-only'); END;

CREATE TRIGGER order_event_kept_d BEFORE DELETE ON order_event
BEGIN SELECT RAISE(ABORT, 'order_event is append-only'); END;

-- What research mode would have sent; never read by a live rule.
CREATE TABLE simulated_order (
    intent_id INTEGER PRIMARY KEY REFERENCES intent,
    at_ms INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')),
    quantity_micro INTEGER NOT NULL CHECK (quantity_micro > 0),
    limit_micro INTEGER NOT NULL CHECK (limit_micro > 0),
    limit_currency TEXT NOT NULL
) STRICT;

-- Complete looks at the broker that did not show an order of unknown fate (machine time).
CREATE TABLE order_look (
    intent_id INTEGER PRIMARY KEY REFERENCES intent,
    looks INTEGER NOT NULL CHECK (looks > 0),
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL
) STRICT;

-- The journal --------------------------------------------------------------------------------

-- happened_ms is when it happened, market_ms when we recorded it (both market time);
-- recorded_ms is machine time.
CREATE TABLE fact (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('fill', 'flow', 'action', 'opening', 'adjustment')),
    source_key TEXT NOT NULL UNIQUE CHECK (source_key <> ''),
    happened_ms INTEGER NOT NULL,
    market_ms INTEGER NOT NULL,
    recorded_ms INTEGER NOT NULL,
    payload TEXT NOT NULL CHECK (json_valid(payload))
) STRICT;

CREATE TRIGGER fact_kept_u BEFORE UPDATE ON fact
BEGIN SELECT RAISE(ABORT, 'fact is append-only'); END;

CREATE TRIGGER fact_kept_d BEFORE DELETE ON fact
BEGIN SELECT RAISE(ABORT, 'fact is append-only'); END;

CREATE TABLE posting (
    posting_id INTEGER PRIMARY KEY AUTOINCREMENT,
    fact_seq INTEGER NOT NULL REFERENCES fact,
    bucket_id TEXT NOT NULL CHECK (bucket_id <> ''),
    account TEXT NOT NULL CHECK (account IN ('cash', 'holding')),
    key TEXT NOT NULL CHECK (key <> ''),
    delta INTEGER NOT NULL
) STRICT;

CREATE INDEX posting_fact ON posting (fact_seq);

CREATE TABLE balance (
    bucket_id TEXT NOT NULL,
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (bucket_id, account, key)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER posting_moves_balance AFTER INSERT ON posting
BEGIN
    INSERT INTO balance (bucket_id, account, key, amount)
    VALUES (NEW.bucket_id, NEW.account, NEW.key, NEW.delta)
    ON CONFLICT DO UPDATE SET amount = amount + excluded.amount;
END;

CREATE TRIGGER posting_kept_u BEFORE UPDATE ON posting
BEGIN SELECT RAISE(ABORT, 'posting is append-only'); END;

CREATE TRIGGER posting_kept_d BEFORE DELETE ON posting
BEGIN SELECT RAISE(ABORT, 'posting is append-only'); END;

CREATE TABLE opening (
    fact_seq INTEGER PRIMARY KEY REFERENCES fact,
    currency TEXT,
    minor INTEGER,
    symbol TEXT,
    quantity_micro INTEGER,
    CHECK ((minor IS NULL) = (currency IS NULL)),
    CHECK ((quantity_micro IS NULL) = (symbol IS NULL)),
    CHECK ((minor IS NULL) <> (quantity_micro IS NULL))
) STRICT;

CREATE TABLE fill (
    fact_seq INTEGER PRIMARY KEY REFERENCES fact,
    fill_id TEXT NOT NULL UNIQUE,
    broker_order_id TEXT NOT NULL,
    client_order_id INTEGER,
    intent_id INTEGER REFERENCES intent,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')),
    quantity_micro INTEGER NOT NULL CHECK (quantity_micro > 0),
    price_micro INTEGER NOT NULL CHECK (price_micro > 0),
    price_currency TEXT NOT NULL,
    gross_minor INTEGER NOT NULL,
    gross_currency TEXT NOT NULL,
    executed_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX fill_symbol ON fill (symbol, executed_ms);
CREATE INDEX fill_time ON fill (executed_ms);
CREATE INDEX fill_intent ON fill (intent_id) WHERE intent_id IS NOT NULL;
CREATE INDEX fill_foreign ON fill (broker_order_id) WHERE intent_id IS NULL;

CREATE TABLE fill_fee (
    fact_seq INTEGER NOT NULL REFERENCES fill,
    number INTEGER NOT NULL,
    minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    PRIMARY KEY (fact_seq, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE cash_flow (
    fact_seq INTEGER PRIMARY KEY REFERENCES fact,
    flow_id TEXT NOT NULL UNIQUE,
    category TEXT NOT NULL CHECK (category IN (
        'deposit', 'withdrawal', 'dividend', 'tax', 'fee', 'interest', 'coupon', 'maturity',
        'fx', 'other')),
    minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    booked_ms INTEGER NOT NULL,
    symbol TEXT,
    reference TEXT,
    description TEXT NOT NULL
) STRICT;

CREATE INDEX cash_flow_reference ON cash_flow (reference) WHERE reference IS NOT NULL;
CREATE INDEX cash_flow_time ON cash_flow (booked_ms);

CREATE TABLE corporate_action (
    fact_seq INTEGER PRIMARY KEY REFERENCES fact,
    action_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('split', 'dividend')),
    symbol TEXT NOT NULL,
    ex_date TEXT NOT NULL,
    pay_date TEXT,
    effective_ms INTEGER NOT NULL,
    gross_minor INTEGER,
    gross_currency TEXT,
    tax_minor INTEGER,
    tax_currency TEXT,
    UNIQUE (kind, action_id)
) STRICT;

-- A dividend's pot. It exists without money until the flows that carry its action_id arrive;
-- net, currency and paid_ms are always those of all the flows that are known.
CREATE TABLE dividend (
    dividend_id INTEGER PRIMARY KEY AUTOINCREMENT,
    fact_seq INTEGER NOT NULL REFERENCES corporate_action,
    action_id TEXT NOT NULL UNIQUE,
    symbol TEXT NOT NULL,
    currency TEXT,
    net_minor INTEGER NOT NULL DEFAULT 0,
    paid_ms INTEGER,
    released_minor INTEGER NOT NULL DEFAULT 0 CHECK (released_minor >= 0),
    released_ms INTEGER
) STRICT;

-- What an order takes from a pot: `minor` was set aside when it was proposed; of that,
-- `reserved_minor` still waits for the order and `reinvested_minor` was spent by its fills.
CREATE TABLE drip_allocation (
    dividend_id INTEGER NOT NULL REFERENCES dividend,
    intent_id INTEGER NOT NULL REFERENCES intent,
    minor INTEGER NOT NULL CHECK (minor > 0),
    reserved_minor INTEGER NOT NULL CHECK (reserved_minor >= 0),
    reinvested_minor INTEGER NOT NULL DEFAULT 0 CHECK (reinvested_minor >= 0),
    PRIMARY KEY (dividend_id, intent_id),
    CHECK (reserved_minor + reinvested_minor <= minor)
) STRICT, WITHOUT ROWID;

CREATE INDEX drip_allocation_intent ON drip_allocation (intent_id);

CREATE VIEW pot AS
SELECT d.dividend_id, d.fact_seq, d.action_id, d.symbol, d.currency, d.net_minor, d.paid_ms,
    d.released_minor, d.released_ms,
    coalesce(sum(a.reserved_minor), 0) AS reserved_minor,
    coalesce(sum(a.reinvested_minor), 0) AS reinvested_minor,
    d.net_minor - d.released_minor - coalesce(sum(a.reserved_minor + a.reinvested_minor), 0)
        AS left_minor
FROM dividend d LEFT JOIN drip_allocation a USING (dividend_id)
GROUP BY d.dividend_id;

-- Differences between books and broker -------------------------------------------------------

CREATE TABLE book_item (
    item_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    books INTEGER NOT NULL,
    broker INTEGER NOT NULL,
    blocking INTEGER NOT NULL CHECK (blocking IN (0, 1)),
    found_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL,
    resolved_ms INTEGER,
    how TEXT,
    CHECK ((resolved_ms IS NULL) = (how IS NULL))
) STRICT;

CREATE UNIQUE INDEX book_item_open ON book_item (account, key) WHERE resolved_ms IS NULL;

-- Plans --------------------------------------------------------------------------------------

-- payload is the whole plan without its steps; the columns are what is asked for.
CREATE TABLE plan (
    plan_id TEXT PRIMARY KEY,
    bucket_id TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    superseded INTEGER NOT NULL DEFAULT 0 CHECK (superseded IN (0, 1)),
    payload TEXT NOT NULL CHECK (json_valid(payload))
) STRICT, WITHOUT ROWID;

CREATE INDEX plan_current ON plan (bucket_id, created_ms) WHERE superseded = 0;

CREATE TABLE plan_step (
    plan_id TEXT NOT NULL REFERENCES plan,
    number INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN (
        'proposed', 'submitting', 'filled', 'refused', 'rejected', 'expired', 'superseded')),
    intent_id INTEGER REFERENCES intent,
    payload TEXT NOT NULL CHECK (json_valid(payload)),
    PRIMARY KEY (plan_id, number)
) STRICT, WITHOUT ROWID;

-- Runs and history (run instants are machine time but market_ms) -----------------------------

CREATE TABLE run (
    run_id TEXT PRIMARY KEY,
    job TEXT NOT NULL,
    trigger TEXT NOT NULL CHECK (trigger IN ('schedule', 'api', 'socket', 'event', 'startup')),
    status TEXT NOT NULL CHECK (status IN (
        'queued', 'running', 'succeeded', 'partial', 'failed', 'skipped', 'cancelled',
        'interrupted')),
    reason TEXT,
    requested_ms INTEGER NOT NULL,
    market_ms INTEGER NOT NULL,
    started_ms INTEGER,
    ended_ms INTEGER,
    error TEXT,
    result TEXT
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX run_open ON run (job) WHERE status IN ('queued', 'running');
CREATE INDEX run_job ON run (job, requested_ms);

CREATE TABLE snapshot (
    day TEXT PRIMARY KEY CHECK (length(day) = 10),
    at_ms INTEGER NOT NULL,
    total_minor INTEGER,
    cash_minor INTEGER,
    invested_minor INTEGER,
    positions INTEGER NOT NULL CHECK (positions >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshot_point (
    at_ms INTEGER PRIMARY KEY,
    day TEXT NOT NULL CHECK (length(day) = 10),
    total_minor INTEGER,
    cash_minor INTEGER,
    invested_minor INTEGER,
    positions INTEGER NOT NULL CHECK (positions >= 0)
) STRICT;

-- What each start found unfinished, line by line (market time).
CREATE TABLE recovery (
    recovery_id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    line TEXT NOT NULL
) STRICT;
