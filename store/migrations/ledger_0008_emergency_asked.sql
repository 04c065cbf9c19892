-- What a repair asked its owner to let it sell for in all, in cents of EUR.

ALTER TABLE emergency_run ADD COLUMN asked_minor INTEGER CHECK (asked_minor > 0);
