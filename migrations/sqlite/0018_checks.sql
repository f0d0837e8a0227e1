-- What a person is told about the checks of a credential, the newest first, for
-- which a log of any length must be quick.
CREATE INDEX audit_checks ON audit (subject, seq)
    WHERE event = 'verification' AND subject <> '';

-- A holder says that a check was not right; an officer settles that. Rows of
-- the log may be pruned while their dispute stays. The words of both are sealed
-- under the person's data key.
CREATE TABLE dispute (
    id              TEXT    NOT NULL PRIMARY KEY,
    audit_seq       INTEGER NOT NULL UNIQUE,
    verification_id TEXT    NOT NULL,
    credential_id   TEXT    NOT NULL,
    enrolment_id    TEXT    NOT NULL,
    opened_at_s     INTEGER NOT NULL,
    reason_sealed   BLOB    NOT NULL,
    outcome         TEXT    NOT NULL
                    CHECK (outcome IN ('open', 'upheld', 'dismissed')),
    settled_at_s    INTEGER NOT NULL DEFAULT 0,
    settled_by      TEXT    NOT NULL DEFAULT '',
    note_sealed     BLOB    NOT NULL DEFAULT X''
) STRICT;

-- The queue, and what goes with a person.
CREATE INDEX dispute_by_outcome ON dispute (outcome, opened_at_s, id);
CREATE INDEX dispute_by_enrolment ON dispute (enrolment_id);
