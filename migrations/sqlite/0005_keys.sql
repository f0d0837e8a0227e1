-- The daemon's keys, each wrapped by a key that HKDF makes of the master key,
-- which is not in this database. A retired key is destroyed (wrapped is empty);
-- its row stays, so that no version is given twice.
CREATE TABLE wrapped_key (
    use          TEXT    NOT NULL
                 CHECK (use IN ('root', 'data', 'template', 'code')),
    version      INTEGER NOT NULL CHECK (version BETWEEN 1 AND 255),
    made_at_s    INTEGER NOT NULL,
    retired_at_s INTEGER NOT NULL DEFAULT 0,
    wrapped      BLOB    NOT NULL
                 CHECK (length(wrapped) =
                        CASE WHEN retired_at_s = 0 THEN 62 ELSE 0 END),
    PRIMARY KEY (use, version)
) STRICT;

-- People's own keys, by enrolment, each wrapped by a version of the data or
-- template key. To delete a row is to erase the person, wherever copies of the
-- other rows may be. A template key of version 0 was never made or is gone.
CREATE TABLE subject_key (
    subject          TEXT    NOT NULL PRIMARY KEY,
    data_version     INTEGER NOT NULL CHECK (data_version BETWEEN 1 AND 255),
    data_wrapped     BLOB    NOT NULL CHECK (length(data_wrapped) = 62),
    template_version INTEGER NOT NULL DEFAULT 0
                     CHECK (template_version BETWEEN 0 AND 255),
    template_wrapped BLOB    NOT NULL
                     CHECK (length(template_wrapped) =
                            CASE WHEN template_version = 0 THEN 0 ELSE 62 END)
) STRICT;

-- For wrapping again what older versions wrapped.
CREATE INDEX subject_key_by_data_version ON subject_key (data_version);
CREATE INDEX subject_key_by_template_version
    ON subject_key (template_version);
