-- The audit log: rows are only ever appended. mac covers the row and the mac
-- before it, under a key that is not in this database.
CREATE TABLE audit (
    seq     INTEGER NOT NULL PRIMARY KEY,
    at_us   INTEGER NOT NULL,
    event   TEXT    NOT NULL,
    actor   TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    outcome TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    mac     BLOB    NOT NULL CHECK (length(mac) = 32)
) STRICT;
