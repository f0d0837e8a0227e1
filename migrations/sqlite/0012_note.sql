-- The words that officers and others give as reasons can tell of a person, so
-- they are sealed under that person's data key like all else about them; empty:
-- none. What stood in clear is dropped, not carried over: SQL cannot seal it,
-- and no released version has had such columns with data in them.
ALTER TABLE enrolment ADD COLUMN note_sealed BLOB NOT NULL DEFAULT X'';
ALTER TABLE enrolment ADD COLUMN first_note_sealed BLOB NOT NULL DEFAULT X'';
ALTER TABLE credential ADD COLUMN note_sealed BLOB NOT NULL DEFAULT X'';

ALTER TABLE enrolment DROP COLUMN note;
ALTER TABLE enrolment DROP COLUMN first_note;
ALTER TABLE credential DROP COLUMN note;
