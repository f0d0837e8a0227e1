-- Sets of purposes that were in force on a database with several daemons; the
-- last one is in force at all of them. said: as the purposes' file has it. On a
-- file, which has one daemon, nothing is added.
CREATE TABLE purpose_set (
    seq      INTEGER NOT NULL PRIMARY KEY CHECK (seq > 0),
    sha256   BLOB    NOT NULL CHECK (length(sha256) = 32),
    said     TEXT    NOT NULL CHECK (length(said) > 0),
    since_us INTEGER NOT NULL,
    slot     INTEGER NOT NULL CHECK (slot BETWEEN 0 AND 63)
) STRICT;
