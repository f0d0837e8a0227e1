-- What a version to come might add: it is built for the test of an upgrade of
-- several daemons, one after the other.
ALTER TABLE client ADD COLUMN colour TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE enrolment ADD COLUMN counter BIGINT NOT NULL DEFAULT 0;
CREATE TABLE to_come (one BIGINT NOT NULL PRIMARY KEY);
