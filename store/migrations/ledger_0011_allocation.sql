-- The owner's groups of countries and industries. A member is in one group of its kind at most,
-- whatever the case of its name; a group that goes takes its members and its weight along.

CREATE TABLE allocation_group (
    kind TEXT NOT NULL CHECK (kind IN ('country', 'industry')),
    name TEXT NOT NULL CHECK (name <> ''),
    -- The raw weight that is wanted, in millionths; NULL while the owner has said nothing.
    wanted_micro INTEGER CHECK (wanted_micro BETWEEN 0 AND 1000000),
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE allocation_member (
    kind TEXT NOT NULL,
    member TEXT NOT NULL CHECK (member <> '') COLLATE NOCASE,
    name TEXT NOT NULL,
    PRIMARY KEY (kind, member),
    FOREIGN KEY (kind, name) REFERENCES allocation_group (kind, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
