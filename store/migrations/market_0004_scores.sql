-- Scores can be computed again from bars and reported figures, so they live beside them.
-- payload is the whole score; the columns are what is asked for.

CREATE TABLE score (
    security_id INTEGER PRIMARY KEY,
    day INTEGER NOT NULL CHECK (day > 0),
    payload TEXT NOT NULL CHECK (json_valid(payload))
) STRICT;

-- One row per security and day on which the score changed; figures in millionths.
CREATE TABLE score_history (
    security_id INTEGER NOT NULL,
    day INTEGER NOT NULL CHECK (day > 0),
    total_micro INTEGER,
    coverage_micro INTEGER NOT NULL CHECK (coverage_micro BETWEEN 0 AND 1000000),
    groups TEXT NOT NULL CHECK (json_valid(groups)),
    PRIMARY KEY (security_id, day)
) STRICT, WITHOUT ROWID;
