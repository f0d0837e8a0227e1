-- What becomes of a credential: it can be suspended for a while, and ends as
-- revoked (for a reason of a list) or replaced (by another one of its type).
-- state_since_s: 0 while it has been active since it was issued. valid_until_s:
-- from this second on it has expired; 0: never. Columns are added and dropped
-- instead of a new table, because the serials that were given must stay given.
ALTER TABLE credential ADD COLUMN life TEXT NOT NULL DEFAULT 'active'
    CHECK (life IN ('active', 'suspended', 'revoked', 'replaced'));
UPDATE credential SET life = state;
DROP INDEX credential_active;
DROP INDEX credential_by_revocation;
ALTER TABLE credential DROP COLUMN state;
ALTER TABLE credential RENAME COLUMN life TO state;
ALTER TABLE credential RENAME COLUMN revoked_at_s TO state_since_s;
ALTER TABLE credential ADD COLUMN suspended_by TEXT NOT NULL DEFAULT 'none'
    CHECK (suspended_by IN ('none', 'holder', 'app', 'officer'));
ALTER TABLE credential ADD COLUMN revoke_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE credential ADD COLUMN replaced_by TEXT NOT NULL DEFAULT '';
ALTER TABLE credential ADD COLUMN valid_until_s INTEGER NOT NULL DEFAULT 0;

-- One person, at most one credential of a type that stands.
CREATE UNIQUE INDEX credential_standing ON credential (id_index, type)
    WHERE state IN ('active', 'suspended');
-- For what is due.
CREATE INDEX credential_by_end ON credential (state_since_s)
    WHERE state IN ('revoked', 'replaced');
CREATE INDEX credential_by_validity ON credential (valid_until_s)
    WHERE valid_until_s > 0;

-- Of the card, as stated at the enrolment; 0: not stated.
ALTER TABLE enrolment ADD COLUMN valid_until_s INTEGER NOT NULL DEFAULT 0;
