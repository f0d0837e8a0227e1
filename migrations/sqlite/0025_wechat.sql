-- People who talk to the bureau's WeChat accounts. The openid lies sealed under
-- a key of the contact's own (subject_key); it is found by a keyed hash of
-- account and openid. A contact may be bound to an enrolment (its holder) or to
-- a client (a clerk).
CREATE TABLE wechat_contact (
    id            TEXT    NOT NULL PRIMARY KEY,
    account       TEXT    NOT NULL,
    person        BLOB    NOT NULL UNIQUE CHECK (length(person) = 32),
    openid_sealed BLOB    NOT NULL,
    enrolment_id  TEXT    NOT NULL DEFAULT '',
    client_id     TEXT    NOT NULL DEFAULT '',
    purpose       TEXT    NOT NULL DEFAULT '',
    made_at_s     INTEGER NOT NULL,
    seen_at_s     INTEGER NOT NULL
) STRICT;

CREATE INDEX wechat_contact_by_enrolment ON wechat_contact (enrolment_id)
    WHERE enrolment_id <> '';
CREATE INDEX wechat_contact_by_client ON wechat_contact (client_id)
    WHERE client_id <> '';
CREATE INDEX wechat_contact_by_age ON wechat_contact (seen_at_s)
    WHERE enrolment_id = '' AND client_id = '';

-- How far a conversation has come, and what was said in it.
CREATE TABLE wechat_chat (
    contact_id   TEXT    NOT NULL PRIMARY KEY REFERENCES wechat_contact (id),
    step         TEXT    NOT NULL,
    round        TEXT    NOT NULL,
    said_sealed  BLOB    NOT NULL DEFAULT X'',
    updated_at_s INTEGER NOT NULL
) STRICT;

CREATE INDEX wechat_chat_by_age ON wechat_chat (updated_at_s);

-- Photos that were sent in it.
CREATE TABLE wechat_photo (
    contact_id TEXT NOT NULL REFERENCES wechat_chat (contact_id),
    kind       TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    PRIMARY KEY (contact_id, kind)
) STRICT;

-- Pushes that were taken, by a keyed hash, for as long as they may come again.
-- run: of which start of the daemon; the answer is sealed under the contact's
-- key.
CREATE TABLE wechat_push (
    push          BLOB    NOT NULL PRIMARY KEY CHECK (length(push) = 32),
    run           TEXT    NOT NULL,
    answered      INTEGER NOT NULL DEFAULT 0,
    answer_sealed BLOB    NOT NULL DEFAULT X'',
    taken_at_s    INTEGER NOT NULL
) STRICT;

CREATE INDEX wechat_push_by_age ON wechat_push (taken_at_s);
