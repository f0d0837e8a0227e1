-- An enrolment, its photos while they are needed, and the retry keys that led
-- to it. holder_sealed and photo.sealed are ciphertext. Times of 0 and empty
-- texts mean "not yet" or "none".
CREATE TABLE enrolment (
    id              TEXT    NOT NULL PRIMARY KEY,
    client_id       TEXT    NOT NULL,
    state           TEXT    NOT NULL
                    CHECK (state IN ('received', 'processing', 'approved',
                                     'review', 'rejected', 'failed')),
    created_at_s    INTEGER NOT NULL,
    updated_at_s    INTEGER NOT NULL,
    decided_at_s    INTEGER NOT NULL DEFAULT 0,
    attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    consent_version TEXT    NOT NULL CHECK (length(consent_version) > 0),
    consent_at_s    INTEGER NOT NULL CHECK (consent_at_s > 0),
    id_index        BLOB    NOT NULL CHECK (length(id_index) = 32),
    holder_hash     BLOB    NOT NULL CHECK (length(holder_hash) = 32),
    holder_sealed   BLOB    NOT NULL,
    reasons         TEXT    NOT NULL DEFAULT '',
    similarity      REAL,
    liveness        REAL,
    decided_by      TEXT    NOT NULL DEFAULT '',
    note            TEXT    NOT NULL DEFAULT '',
    credential_id   TEXT    NOT NULL DEFAULT '',
    CHECK (credential_id = '' OR state = 'approved')
) STRICT;

-- For the officers' list and for what is taken up again at start.
CREATE INDEX enrolment_by_state ON enrolment (state, created_at_s, id);

CREATE TABLE photo (
    enrolment_id TEXT NOT NULL REFERENCES enrolment (id),
    kind         TEXT NOT NULL CHECK (kind IN ('id_photo', 'selfie')),
    sealed       BLOB NOT NULL,
    PRIMARY KEY (enrolment_id, kind)
) STRICT;

CREATE TABLE idempotency (
    client_id    TEXT    NOT NULL,
    retry_key    TEXT    NOT NULL,
    fingerprint  BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    enrolment_id TEXT    NOT NULL,
    created_at_s INTEGER NOT NULL,
    PRIMARY KEY (client_id, retry_key)
) STRICT;

CREATE INDEX idempotency_by_age ON idempotency (created_at_s);
