-- What is still to be sent to people by WeChat, or fetched from there, in the
-- order of seq. taken: it is on the wire, or was when the process ended.
CREATE TABLE wechat_outbox (
    seq            INTEGER NOT NULL PRIMARY KEY,
    operation      TEXT    NOT NULL UNIQUE,
    contact_id     TEXT    NOT NULL REFERENCES wechat_contact (id),
    account        TEXT    NOT NULL,
    kind           TEXT    NOT NULL CHECK (kind IN ('fetch', 'text', 'event')),
    content_sealed BLOB    NOT NULL,
    attempts       INTEGER NOT NULL DEFAULT 0,
    taken          INTEGER NOT NULL DEFAULT 0,
    due_at_s       INTEGER NOT NULL,
    made_at_s      INTEGER NOT NULL
) STRICT;

CREATE INDEX wechat_outbox_by_contact ON wechat_outbox (contact_id, seq);
CREATE INDEX wechat_outbox_by_due ON wechat_outbox (due_at_s) WHERE taken = 0;
