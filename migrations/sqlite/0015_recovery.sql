-- A lost phone: the holder's secret is derived with a number that rises with
-- each recovery. recovery_failures: since the last one that succeeded. method:
-- how the person was recognised when enrolling, by face or at a counter.
ALTER TABLE enrolment ADD COLUMN holder_generation INTEGER NOT NULL DEFAULT 0
    CHECK (holder_generation >= 0);
ALTER TABLE enrolment ADD COLUMN recovery_failures INTEGER NOT NULL DEFAULT 0
    CHECK (recovery_failures >= 0);
ALTER TABLE enrolment ADD COLUMN method TEXT NOT NULL DEFAULT 'face'
    CHECK (method IN ('face', 'counter'));

-- Serials that codes may still have, and nothing stands for any more: the
-- credential has got another one, or was erased. For the audit log.
CREATE TABLE dead_serial (
    serial        INTEGER NOT NULL PRIMARY KEY,
    credential_id TEXT    NOT NULL,
    why           TEXT    NOT NULL CHECK (why IN ('recovered', 'erased'))
) STRICT;
CREATE INDEX dead_serial_by_credential ON dead_serial (credential_id);
INSERT INTO dead_serial (serial, credential_id, why)
    SELECT serial, credential_id, 'erased' FROM erasure WHERE serial > 0;
DROP INDEX erasure_by_serial;
ALTER TABLE erasure DROP COLUMN serial;

CREATE INDEX credential_by_enrolment ON credential (enrolment_id, serial);
