-- Whether the credential takes the place of one that stands: said by the officer
-- at the counter, and done when the second officer has decided, too.
ALTER TABLE enrolment ADD COLUMN replaces INTEGER NOT NULL DEFAULT 0
    CHECK (replaces IN (0, 1));
