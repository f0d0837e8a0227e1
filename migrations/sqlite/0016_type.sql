-- What a credential of its type has beside the person: fields, sealed under the
-- person's data key; empty: none.
ALTER TABLE credential ADD COLUMN details_sealed BLOB NOT NULL DEFAULT X'';
