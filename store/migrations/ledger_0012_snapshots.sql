-- Money that came from and went to the owner since the snapshot of the day before, in EUR minor
-- units: NULL when it is not known. Gains against cost of what is held.

ALTER TABLE snapshot ADD COLUMN flow_minor INTEGER;
ALTER TABLE snapshot ADD COLUMN profit_minor INTEGER;
