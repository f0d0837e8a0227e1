-- The whole schema, as SQLite's migrations up to this number leave it:
-- 0001 0002 0003 0004 0005 0006 0007 0008 0009 0010 0011 0012 0013 0014 0015
-- 0016 0017 0018 0020 0021 0024 0025 0026 0028 0029 0030
-- What the tables and columns are for stands there. Differences: numbers of
-- rows come from the table "number" and are made by the program; texts are in the
-- order of their bytes, as they are in SQLite.

CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    at_us BIGINT NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    detail TEXT COLLATE "C" NOT NULL,
    mac BYTEA NOT NULL CHECK (length(mac) = 32)
);

CREATE TABLE client (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    key_name TEXT COLLATE "C" NOT NULL UNIQUE,
    key_hash BYTEA NOT NULL CHECK (length(key_hash) = 32),
    name TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('app', 'clerk', 'officer', 'admin')),
    created_at_s BIGINT NOT NULL,
    expires_at_s BIGINT NOT NULL,
    revoked_at_s BIGINT NOT NULL DEFAULT 0,
    purpose_names TEXT COLLATE "C" NOT NULL DEFAULT '',
    party TEXT COLLATE "C" NOT NULL DEFAULT '',
    networks TEXT COLLATE "C" NOT NULL DEFAULT '',
    per_minute BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE enrolment (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    client_id TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('received', 'processing', 'approved', 'review', 'rejected', 'failed')),
    created_at_s BIGINT NOT NULL,
    updated_at_s BIGINT NOT NULL,
    decided_at_s BIGINT NOT NULL DEFAULT 0,
    attempts BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    consent_version TEXT COLLATE "C" NOT NULL CHECK (length(consent_version) > 0),
    consent_at_s BIGINT NOT NULL CHECK (consent_at_s > 0),
    id_index BYTEA NOT NULL CHECK (length(id_index) = 32),
    holder_hash BYTEA NOT NULL CHECK (length(holder_hash) = 32),
    holder_sealed BYTEA NOT NULL,
    reasons TEXT COLLATE "C" NOT NULL DEFAULT '',
    similarity DOUBLE PRECISION,
    liveness DOUBLE PRECISION,
    decided_by TEXT COLLATE "C" NOT NULL DEFAULT '',
    credential_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    challenge TEXT COLLATE "C" NOT NULL DEFAULT '',
    first_decision TEXT COLLATE "C" NOT NULL DEFAULT '' CHECK (first_decision IN ('', 'approve', 'reject')),
    first_by TEXT COLLATE "C" NOT NULL DEFAULT '',
    first_at_s BIGINT NOT NULL DEFAULT 0,
    appealed_at_s BIGINT NOT NULL DEFAULT 0,
    barred TEXT COLLATE "C" NOT NULL DEFAULT '',
    statement_sealed BYTEA NOT NULL DEFAULT '',
    note_sealed BYTEA NOT NULL DEFAULT '',
    first_note_sealed BYTEA NOT NULL DEFAULT '',
    valid_until_s BIGINT NOT NULL DEFAULT 0,
    holder_generation BIGINT NOT NULL DEFAULT 0 CHECK (holder_generation >= 0),
    recovery_failures BIGINT NOT NULL DEFAULT 0 CHECK (recovery_failures >= 0),
    method TEXT COLLATE "C" NOT NULL DEFAULT 'face' CHECK (method IN ('face', 'counter')),
    consent_portrait BIGINT NOT NULL DEFAULT 0 CHECK (consent_portrait IN (0, 1)),
    replaces BIGINT NOT NULL DEFAULT 0 CHECK (replaces IN (0, 1)),
    CHECK (credential_id = '' OR state = 'approved')
);

CREATE TABLE idempotency (
    client_id TEXT COLLATE "C" NOT NULL,
    retry_key TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL CHECK (length(fingerprint) = 32),
    enrolment_id TEXT COLLATE "C" NOT NULL,
    created_at_s BIGINT NOT NULL,
    PRIMARY KEY (client_id, retry_key)
);

CREATE TABLE credential (
    serial BIGINT NOT NULL PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL,
    enrolment_id TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    assurance TEXT COLLATE "C" NOT NULL,
    issued_at_s BIGINT NOT NULL,
    state_since_s BIGINT NOT NULL DEFAULT 0,
    id_index BYTEA NOT NULL CHECK (length(id_index) = 32),
    holder_hash BYTEA NOT NULL CHECK (length(holder_hash) = 32),
    holder_sealed BYTEA NOT NULL,
    note_sealed BYTEA NOT NULL DEFAULT '',
    state TEXT COLLATE "C" NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'revoked', 'replaced')),
    suspended_by TEXT COLLATE "C" NOT NULL DEFAULT 'none' CHECK (suspended_by IN ('none', 'holder', 'app', 'officer')),
    revoke_reason TEXT COLLATE "C" NOT NULL DEFAULT '',
    replaced_by TEXT COLLATE "C" NOT NULL DEFAULT '',
    valid_until_s BIGINT NOT NULL DEFAULT 0,
    details_sealed BYTEA NOT NULL DEFAULT '',
    expiry_told BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE wrapped_key (
    use TEXT COLLATE "C" NOT NULL CHECK (use IN ('root', 'data', 'template', 'code')),
    version BIGINT NOT NULL CHECK (version BETWEEN 1 AND 255),
    made_at_s BIGINT NOT NULL,
    retired_at_s BIGINT NOT NULL DEFAULT 0,
    wrapped BYTEA NOT NULL CHECK (length(wrapped) = CASE WHEN retired_at_s = 0 THEN 62 ELSE 0 END),
    PRIMARY KEY (use, version)
);

CREATE TABLE subject_key (
    subject TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    data_version BIGINT NOT NULL CHECK (data_version BETWEEN 1 AND 255),
    data_wrapped BYTEA NOT NULL CHECK (length(data_wrapped) = 62),
    template_version BIGINT NOT NULL DEFAULT 0 CHECK (template_version BETWEEN 0 AND 255),
    template_wrapped BYTEA NOT NULL CHECK (length(template_wrapped) = CASE WHEN template_version = 0 THEN 0 ELSE 62 END)
);

CREATE TABLE challenge (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    client_id TEXT COLLATE "C" NOT NULL,
    steps TEXT COLLATE "C" NOT NULL,
    made_at_s BIGINT NOT NULL,
    expires_at_s BIGINT NOT NULL,
    enrolment_id TEXT COLLATE "C" NOT NULL DEFAULT ''
);

CREATE TABLE template (
    enrolment_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES enrolment (id),
    sealed BYTEA NOT NULL CHECK (length(sealed) = 2078)
);

CREATE TABLE erasure (
    enrolment_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    credential_id TEXT COLLATE "C" NOT NULL,
    erased_at_s BIGINT NOT NULL,
    cause TEXT COLLATE "C" NOT NULL CHECK (cause IN ('request', 'consent_withdrawn', 'purpose_ended', 'mistake', 'unlawful', 'undecided', 'rejected', 'failed', 'revoked'))
);

CREATE TABLE retention (
    rule TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (rule IN ('undecided', 'rejected', 'failed', 'revoked', 'audit')),
    ran_at_s BIGINT NOT NULL
);

CREATE TABLE audit_anchor (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    seq BIGINT NOT NULL CHECK (seq > 0),
    mac BYTEA NOT NULL CHECK (length(mac) = 32),
    seal BYTEA NOT NULL CHECK (length(seal) = 32)
);

CREATE TABLE attempt (
    enrolment_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    person BYTEA NOT NULL CHECK (length(person) = 32),
    made_at_s BIGINT NOT NULL
);

CREATE TABLE dead_serial (
    serial BIGINT NOT NULL PRIMARY KEY,
    credential_id TEXT COLLATE "C" NOT NULL,
    why TEXT COLLATE "C" NOT NULL CHECK (why IN ('recovered', 'erased'))
);

CREATE TABLE live_code (
    not_after_s BIGINT NOT NULL,
    serial BIGINT NOT NULL,
    draw BIGINT NOT NULL,
    PRIMARY KEY (not_after_s, serial, draw)
);

CREATE TABLE dispute (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    audit_seq BIGINT NOT NULL UNIQUE,
    verification_id TEXT COLLATE "C" NOT NULL,
    credential_id TEXT COLLATE "C" NOT NULL,
    enrolment_id TEXT COLLATE "C" NOT NULL,
    opened_at_s BIGINT NOT NULL,
    reason_sealed BYTEA NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('open', 'upheld', 'dismissed')),
    settled_at_s BIGINT NOT NULL DEFAULT 0,
    settled_by TEXT COLLATE "C" NOT NULL DEFAULT '',
    note_sealed BYTEA NOT NULL DEFAULT ''
);

CREATE TABLE webhook_place (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    seq BIGINT NOT NULL
);

CREATE TABLE webhook_dead (
    seq BIGINT NOT NULL PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    tries BIGINT NOT NULL,
    tried_at_s BIGINT NOT NULL,
    why TEXT COLLATE "C" NOT NULL,
    again BIGINT NOT NULL DEFAULT 0 CHECK (again IN (0, 1))
);

-- What a portrait refers to.
CREATE UNIQUE INDEX enrolment_portrait ON enrolment (id, consent_portrait);

CREATE TABLE portrait (
    enrolment_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    consent BIGINT NOT NULL DEFAULT 1 CHECK (consent = 1),
    sealed BYTEA NOT NULL,
    FOREIGN KEY (enrolment_id, consent) REFERENCES enrolment (id, consent_portrait)
);

CREATE TABLE wechat_contact (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account TEXT COLLATE "C" NOT NULL,
    person BYTEA NOT NULL UNIQUE CHECK (length(person) = 32),
    openid_sealed BYTEA NOT NULL,
    enrolment_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    client_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    purpose TEXT COLLATE "C" NOT NULL DEFAULT '',
    made_at_s BIGINT NOT NULL,
    seen_at_s BIGINT NOT NULL
);

CREATE TABLE wechat_chat (
    contact_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES wechat_contact (id),
    step TEXT COLLATE "C" NOT NULL,
    round TEXT COLLATE "C" NOT NULL,
    said_sealed BYTEA NOT NULL DEFAULT '',
    updated_at_s BIGINT NOT NULL
);

CREATE TABLE wechat_photo (
    contact_id TEXT COLLATE "C" NOT NULL REFERENCES wechat_chat (contact_id),
    kind TEXT COLLATE "C" NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (contact_id, kind)
);

CREATE TABLE wechat_push (
    push BYTEA NOT NULL PRIMARY KEY CHECK (length(push) = 32),
    run TEXT COLLATE "C" NOT NULL,
    answered BIGINT NOT NULL DEFAULT 0,
    answer_sealed BYTEA NOT NULL DEFAULT '',
    taken_at_s BIGINT NOT NULL
);

CREATE TABLE wechat_outbox (
    seq BIGINT NOT NULL PRIMARY KEY,
    operation TEXT COLLATE "C" NOT NULL UNIQUE,
    contact_id TEXT COLLATE "C" NOT NULL REFERENCES wechat_contact (id),
    account TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('fetch', 'text', 'event')),
    content_sealed BYTEA NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    taken BIGINT NOT NULL DEFAULT 0,
    due_at_s BIGINT NOT NULL,
    made_at_s BIGINT NOT NULL
);

CREATE TABLE photo (
    enrolment_id TEXT COLLATE "C" NOT NULL REFERENCES enrolment (id),
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('id_photo', 'selfie', 'frame_1', 'frame_2', 'frame_3', 'id_face', 'selfie_face')),
    sealed BYTEA NOT NULL,
    blob TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (enrolment_id, kind)
);

CREATE TABLE tally (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    count BIGINT NOT NULL CHECK (count >= 0)
);

CREATE INDEX enrolment_by_state ON enrolment (state, created_at_s, id);
CREATE INDEX idempotency_by_age ON idempotency (created_at_s);
CREATE UNIQUE INDEX credential_by_id ON credential (id);
CREATE INDEX subject_key_by_data_version ON subject_key (data_version);
CREATE INDEX subject_key_by_template_version ON subject_key (template_version);
CREATE INDEX challenge_by_expiry ON challenge (expires_at_s);
CREATE INDEX enrolment_by_decision ON enrolment (state, decided_at_s, id);
CREATE INDEX idempotency_by_enrolment ON idempotency (enrolment_id);
CREATE INDEX attempt_by_person ON attempt (person, made_at_s);
CREATE INDEX attempt_by_time ON attempt (made_at_s);
CREATE UNIQUE INDEX credential_standing ON credential (id_index, type)
    WHERE state IN ('active', 'suspended');
CREATE INDEX credential_by_end ON credential (state_since_s)
    WHERE state IN ('revoked', 'replaced');
CREATE INDEX credential_by_validity ON credential (valid_until_s)
    WHERE valid_until_s > 0;
CREATE INDEX dead_serial_by_credential ON dead_serial (credential_id);
CREATE INDEX credential_by_enrolment ON credential (enrolment_id, serial);
CREATE INDEX audit_checks ON audit (subject, seq)
    WHERE event = 'verification' AND subject <> '';
CREATE INDEX dispute_by_outcome ON dispute (outcome, opened_at_s, id);
CREATE INDEX dispute_by_enrolment ON dispute (enrolment_id);
CREATE INDEX credential_untold ON credential (valid_until_s)
    WHERE valid_until_s > 0 AND expiry_told = 0;
CREATE INDEX wechat_contact_by_enrolment ON wechat_contact (enrolment_id)
    WHERE enrolment_id <> '';
CREATE INDEX wechat_contact_by_client ON wechat_contact (client_id)
    WHERE client_id <> '';
CREATE INDEX wechat_contact_by_age ON wechat_contact (seen_at_s)
    WHERE enrolment_id = '' AND client_id = '';
CREATE INDEX wechat_chat_by_age ON wechat_chat (updated_at_s);
CREATE INDEX wechat_push_by_age ON wechat_push (taken_at_s);
CREATE INDEX wechat_outbox_by_contact ON wechat_outbox (contact_id, seq);
CREATE INDEX wechat_outbox_by_due ON wechat_outbox (due_at_s) WHERE taken = 0;
CREATE INDEX enrolment_by_person ON enrolment (id_index, created_at_s);
CREATE INDEX photo_by_blob ON photo (blob);

-- The last number that was given to a row of a sort.
CREATE TABLE number (
    sort TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL CHECK (last >= 0)
);

INSERT INTO number (sort, last) VALUES ('credential', 0), ('errand', 0);
INSERT INTO tally (name, count) VALUES ('template', 0);
