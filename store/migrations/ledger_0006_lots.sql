-- Which lots the owner wants a sale to have taken, in millionths of a share.
CREATE TABLE lot_choice (
    fill_id TEXT NOT NULL REFERENCES fill (fill_id),
    lot_key TEXT NOT NULL CHECK (lot_key <> ''),
    quantity_micro INTEGER NOT NULL CHECK (quantity_micro > 0),
    PRIMARY KEY (fill_id, lot_key)
) STRICT, WITHOUT ROWID;

-- Rows of the broker that cannot be booked, as they came, until they can be (machine time).
CREATE TABLE quarantine (
    row_id INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,
    source_key TEXT NOT NULL,
    payload TEXT NOT NULL CHECK (json_valid(payload)),
    error TEXT NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    released_ms INTEGER,
    UNIQUE (stream, source_key)
) STRICT;
