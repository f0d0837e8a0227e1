-- Large photos lie in files of their own beside the database; the row has the
-- file's name, and an empty `sealed`. '' says that the photo is in the row.
ALTER TABLE photo ADD COLUMN blob TEXT NOT NULL DEFAULT '';

-- For files that are left over, at the start.
CREATE INDEX photo_by_blob ON photo (blob);
