-- What the owner decides about a security; own_* stand over what the broker says, NULL leaves it.
-- Shares and multipliers are in millionths.

ALTER TABLE security ADD COLUMN own_name TEXT CHECK (own_name <> '');
ALTER TABLE security ADD COLUMN own_country TEXT CHECK (own_country <> '');
ALTER TABLE security ADD COLUMN own_industry TEXT CHECK (own_industry <> '');
ALTER TABLE security ADD COLUMN own_product_type TEXT CHECK (own_product_type <> '');
ALTER TABLE security ADD COLUMN own_exchange TEXT CHECK (own_exchange <> '');
ALTER TABLE security ADD COLUMN own_lot_micro INTEGER CHECK (own_lot_micro > 0);
ALTER TABLE security ADD COLUMN quote_symbol TEXT CHECK (quote_symbol <> '');
ALTER TABLE security ADD COLUMN priority_micro INTEGER NOT NULL DEFAULT 1000000
    CHECK (priority_micro BETWEEN 100000 AND 3000000);
ALTER TABLE security ADD COLUMN min_target_micro INTEGER
    CHECK (min_target_micro BETWEEN 0 AND 1000000);
ALTER TABLE security ADD COLUMN max_target_micro INTEGER
    CHECK (max_target_micro BETWEEN 0 AND 1000000);
ALTER TABLE security ADD COLUMN bucket_id TEXT NOT NULL DEFAULT 'core' CHECK (bucket_id <> '');
-- Whether the broker still lists it, and since when not (market time).
ALTER TABLE security ADD COLUMN listed INTEGER NOT NULL DEFAULT 1 CHECK (listed IN (0, 1));
ALTER TABLE security ADD COLUMN unlisted_ms INTEGER;
ALTER TABLE security ADD COLUMN created_ms INTEGER;
ALTER TABLE security ADD COLUMN updated_ms INTEGER;
