-- The template of a face: the selfie's embedding, turned by the transform of
-- the template key's version that wraps the person's own template key, sealed
-- under that own key. It cannot lie here without its enrolment, and an
-- enrolment not without the consent: which text was agreed to, and when.
CREATE TABLE template (
    enrolment_id TEXT NOT NULL PRIMARY KEY REFERENCES enrolment (id),
    sealed       BLOB NOT NULL CHECK (length(sealed) = 2078)
) STRICT;
