-- Who may ask. Only the SHA-256 of a key is kept. Clients are revoked, never
-- deleted: the audit log names them.
CREATE TABLE client (
    id           TEXT    NOT NULL PRIMARY KEY,
    key_name     TEXT    NOT NULL UNIQUE,
    key_hash     BLOB    NOT NULL CHECK (length(key_hash) = 32),
    name         TEXT    NOT NULL,
    role         TEXT    NOT NULL
                 CHECK (role IN ('app', 'clerk', 'officer', 'admin')),
    purposes     INTEGER NOT NULL,
    created_at_s INTEGER NOT NULL,
    expires_at_s INTEGER NOT NULL,
    revoked_at_s INTEGER NOT NULL DEFAULT 0
) STRICT;
