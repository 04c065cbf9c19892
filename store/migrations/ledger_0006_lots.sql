-- Which lots the owner wants a sale to have taken, in millionths of a share.

CREATE TABLE lot_choice (
    fill_id TEXT NOT NULL REFERENCES fill (fill_id),
    lot_key TEXT NOT NULL CHECK (lot_key <> ''),
    quantity_micro INTEGER NOT NULL CHECK (quantity_micro > 0),
    PRIMARY KEY (fill_id, lot_key)
) STRICT, WITHOUT ROWID;
