-- Who was erased, when, and by which cause: what explains the audit log once
-- the rows it names are gone. Nothing personal. serial is that of the
-- credential, which codes hold; 0 and '' when there was none.
CREATE TABLE erasure (
    enrolment_id  TEXT    NOT NULL PRIMARY KEY,
    credential_id TEXT    NOT NULL,
    serial        INTEGER NOT NULL,
    erased_at_s   INTEGER NOT NULL,
    cause         TEXT    NOT NULL
                  CHECK (cause IN ('request', 'consent_withdrawn',
                                   'purpose_ended', 'mistake', 'unlawful',
                                   'undecided', 'rejected', 'failed',
                                   'revoked'))
) STRICT;

CREATE UNIQUE INDEX erasure_by_serial ON erasure (serial) WHERE serial > 0;

-- When each rule of retention was applied last.
CREATE TABLE retention (
    rule     TEXT    NOT NULL PRIMARY KEY
             CHECK (rule IN ('undecided', 'rejected', 'failed', 'revoked',
                             'audit')),
    ran_at_s INTEGER NOT NULL
) STRICT;

-- For what is due, and for what goes with an enrolment.
CREATE INDEX enrolment_by_decision ON enrolment (state, decided_at_s, id);
CREATE INDEX credential_by_revocation ON credential (revoked_at_s)
    WHERE state = 'revoked';
CREATE INDEX idempotency_by_enrolment ON idempotency (enrolment_id);

-- Where the audit log begins after its oldest rows were removed: the number and
-- MAC of the last of them, and a seal under the key of the log, so that nobody
-- else can move the beginning. One row, or none.
CREATE TABLE audit_anchor (
    one  INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL CHECK (seq > 0),
    mac  BLOB    NOT NULL CHECK (length(mac) = 32),
    seal BLOB    NOT NULL CHECK (length(seal) = 32)
) STRICT;
