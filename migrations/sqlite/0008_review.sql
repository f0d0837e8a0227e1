-- The first of two officers' decisions, while the second one is waited for, and
-- as a record afterwards.
ALTER TABLE enrolment ADD COLUMN first_decision TEXT NOT NULL DEFAULT ''
    CHECK (first_decision IN ('', 'approve', 'reject'));
ALTER TABLE enrolment ADD COLUMN first_by TEXT NOT NULL DEFAULT '';
ALTER TABLE enrolment ADD COLUMN first_at_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE enrolment ADD COLUMN first_note TEXT NOT NULL DEFAULT '';

-- An appeal: when (0: none), the officers who had decided and may not again,
-- and the person's words, sealed.
ALTER TABLE enrolment ADD COLUMN appealed_at_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE enrolment ADD COLUMN barred TEXT NOT NULL DEFAULT '';
ALTER TABLE enrolment ADD COLUMN statement_sealed BLOB NOT NULL DEFAULT X'';

-- For counting a person's attempts of one day.
CREATE INDEX enrolment_by_person ON enrolment (id_index, created_at_s);
