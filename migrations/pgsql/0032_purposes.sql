-- Sets of purposes that were in force on a database with several daemons; the
-- last one is in force at all of them. said: as the purposes' file has it.
-- lease.purposes has no meaning any more; an older daemon still uses it.
CREATE TABLE purpose_set (
    seq      BIGINT NOT NULL PRIMARY KEY CHECK (seq > 0),
    sha256   BYTEA NOT NULL CHECK (length(sha256) = 32),
    said     TEXT COLLATE "C" NOT NULL CHECK (length(said) > 0),
    since_us BIGINT NOT NULL,
    slot     BIGINT NOT NULL CHECK (slot BETWEEN 0 AND 63)
);
