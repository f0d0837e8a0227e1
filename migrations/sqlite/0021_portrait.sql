-- The portrait that a counter may see: a small picture cut out of the selfie,
-- sealed under the person's own key. It cannot lie here unless the enrolment's
-- consent is to a portrait, too.
ALTER TABLE enrolment ADD COLUMN consent_portrait INTEGER NOT NULL DEFAULT 0
    CHECK (consent_portrait IN (0, 1));
CREATE UNIQUE INDEX enrolment_portrait ON enrolment (id, consent_portrait);
CREATE TABLE portrait (
    enrolment_id TEXT    NOT NULL PRIMARY KEY,
    consent      INTEGER NOT NULL DEFAULT 1 CHECK (consent = 1),
    sealed       BLOB    NOT NULL,
    FOREIGN KEY (enrolment_id, consent)
        REFERENCES enrolment (id, consent_portrait)
) STRICT;
