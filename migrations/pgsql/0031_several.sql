-- Several daemons on one database have a slot each, from 0: a chain of the audit
-- log, numbers and counts of its own, so that none waits for another. There is
-- one daemon on a file, and its slot is 0.

-- Where each chain begins after its oldest rows were removed.
CREATE TABLE chain_anchor (
    slot BIGINT NOT NULL PRIMARY KEY CHECK (slot BETWEEN 0 AND 63),
    seq  BIGINT NOT NULL CHECK (seq > 0),
    mac  BYTEA    NOT NULL CHECK (length(mac) = 32),
    seal BYTEA    NOT NULL CHECK (length(seal) = 32)
);

INSERT INTO chain_anchor (slot, seq, mac, seal)
    SELECT 0, seq, mac, seal FROM audit_anchor;
DROP TABLE audit_anchor;
ALTER TABLE chain_anchor RENAME TO audit_anchor;

-- How far the app's backend has been told of each chain.
CREATE TABLE chain_place (
    slot BIGINT NOT NULL PRIMARY KEY CHECK (slot BETWEEN 0 AND 63),
    seq  BIGINT NOT NULL
);

INSERT INTO chain_place (slot, seq) SELECT 0, seq FROM webhook_place;
DROP TABLE webhook_place;
ALTER TABLE chain_place RENAME TO webhook_place;

-- What each slot has added, less what it has taken away: that may be less than
-- nothing, the sum is not.
CREATE TABLE slot_tally (
    name  TEXT COLLATE "C" NOT NULL,
    slot  BIGINT NOT NULL CHECK (slot BETWEEN 0 AND 63),
    count BIGINT NOT NULL,
    PRIMARY KEY (name, slot)
);

INSERT INTO slot_tally (name, slot, count) SELECT name, 0, count FROM tally;
DROP TABLE tally;
ALTER TABLE slot_tally RENAME TO tally;

-- The slot whose daemon has an enrolment that is not decided.
ALTER TABLE enrolment ADD COLUMN worker BIGINT NOT NULL DEFAULT 0;

-- A row of the lease for each slot; "one" is the slot's number and 1. purposes:
-- what the daemon has loaded, by which others see that theirs are not the same.
ALTER TABLE lease DROP CONSTRAINT IF EXISTS lease_one_check;
ALTER TABLE lease ADD COLUMN purposes TEXT COLLATE "C" NOT NULL DEFAULT '';
