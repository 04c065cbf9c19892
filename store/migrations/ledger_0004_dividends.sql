-- What the owner notes about a dividend, beside what the broker reports.

ALTER TABLE dividend ADD COLUMN pending_bonus_minor INTEGER NOT NULL DEFAULT 0
    CHECK (pending_bonus_minor >= 0);
ALTER TABLE dividend ADD COLUMN bonus_cleared_ms INTEGER;
ALTER TABLE dividend ADD COLUMN reinvested_micro INTEGER CHECK (reinvested_micro > 0);
ALTER TABLE dividend ADD COLUMN reinvested_ms INTEGER;
