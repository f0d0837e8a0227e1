-- What the app's backend is told is read from the audit log; here stands how far
-- it has been told (one row), and what it would not take.
CREATE TABLE webhook_place (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL
) STRICT;

-- seq: of the row in the audit log. again: to be sent once more.
CREATE TABLE webhook_dead (
    seq       INTEGER NOT NULL PRIMARY KEY,
    id        TEXT    NOT NULL,
    type      TEXT    NOT NULL,
    body      TEXT    NOT NULL,
    tries     INTEGER NOT NULL,
    tried_at_s INTEGER NOT NULL,
    why       TEXT    NOT NULL,
    again     INTEGER NOT NULL DEFAULT 0 CHECK (again IN (0, 1))
) STRICT;

-- 1: it was told that this credential will expire.
ALTER TABLE credential ADD COLUMN expiry_told INTEGER NOT NULL DEFAULT 0;
CREATE INDEX credential_untold ON credential (valid_until_s)
    WHERE valid_until_s > 0 AND expiry_told = 0;
