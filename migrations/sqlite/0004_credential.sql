-- What a code stands for. The serial is inside every code and must never be
-- given twice, not even after its row is gone: hence AUTOINCREMENT. There is
-- no foreign key to enrolment, because an enrolment may be forgotten before
-- the credential that came of it.
CREATE TABLE credential (
    serial        INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT    NOT NULL,
    enrolment_id  TEXT    NOT NULL,
    client_id     TEXT    NOT NULL,
    type          TEXT    NOT NULL,
    assurance     TEXT    NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('active', 'revoked')),
    issued_at_s   INTEGER NOT NULL,
    revoked_at_s  INTEGER NOT NULL DEFAULT 0,
    note          TEXT    NOT NULL DEFAULT '',
    id_index      BLOB    NOT NULL CHECK (length(id_index) = 32),
    holder_hash   BLOB    NOT NULL CHECK (length(holder_hash) = 32),
    holder_sealed BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX credential_by_id ON credential (id);

-- One person, at most one credential that counts.
CREATE UNIQUE INDEX credential_active ON credential (id_index)
    WHERE state = 'active';
