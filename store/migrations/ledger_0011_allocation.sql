-- The owner's groups of countries and industries. `key` is a name without its case and spacing:
-- by it a group is one, and a member is in one group of its kind at most. A group that goes takes
-- its members and its weight along.

CREATE TABLE allocation_group (
    kind TEXT NOT NULL CHECK (kind IN ('country', 'industry')),
    key TEXT NOT NULL CHECK (key <> ''),
    name TEXT NOT NULL CHECK (name <> ''),
    -- The raw weight that is wanted, in millionths; NULL while the owner has said nothing.
    wanted_micro INTEGER CHECK (wanted_micro BETWEEN 0 AND 1000000),
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE allocation_member (
    kind TEXT NOT NULL,
    key TEXT NOT NULL CHECK (key <> ''),
    name TEXT NOT NULL CHECK (name <> ''),
    group_key TEXT NOT NULL,
    PRIMARY KEY (kind, key),
    FOREIGN KEY (kind, group_key) REFERENCES allocation_group (kind, key) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX allocation_member_group ON allocation_member (kind, group_key);
