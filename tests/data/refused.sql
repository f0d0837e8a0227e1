-- What tests/lint/sql.sh refuses, and beside it what looks alike and is allowed.
-- No database is made of this.
LISTEN a; -- refused
NOTIFY a; -- refused
UNLISTEN a; -- refused
SELECT pg_advisory_lock(1); -- refused
SELECT pg_try_advisory_xact_lock(1); -- refused
CREATE TABLE planted (
    a BIGSERIAL, -- refused
    b SERIAL PRIMARY KEY, -- refused
    c SERIAL8, -- refused
    d BIGINT GENERATED ALWAYS AS IDENTITY, -- refused
    e BIGINT NOT NULL DEFAULT nextval('s'), -- refused
    f TEXT DEFAULT gen_random_uuid(), -- refused
    g BYTEA DEFAULT gen_random_bytes(16), -- refused
    h TEXT DEFAULT uuid_generate_v4(), -- refused
    i REAL DEFAULT random(), -- refused
    name TEXT UNIQUE, -- refused
    serial BIGINT NOT NULL,
    UNIQUE (name, serial), -- refused
    CONSTRAINT one UNIQUE (serial), -- refused
    PRIMARY KEY (name, serial)
) PARTITION BY HASH (name); -- refused
CREATE TABLE IF NOT EXISTS client (
    id TEXT NOT NULL PRIMARY KEY,
    key_name TEXT NOT NULL UNIQUE,
    key_name TEXT NOT NULL UNIQUE, other TEXT UNIQUE, -- refused
    party TEXT UNIQUE -- refused
);
CREATE TABLE brief (name TEXT UNIQUE); -- refused
ALTER TABLE client ADD UNIQUE (party); -- refused
CREATE UNIQUE INDEX u ON planted (name); -- refused
CREATE UNIQUE INDEX IF NOT EXISTS v ON planted (name); -- refused
CREATE UNIQUE INDEX credential_by_id ON credential (id);
CREATE UNIQUE INDEX credential_by_id ON credential (type); -- refused
CREATE UNIQUE INDEX credential_standing ON credential (id_index, type) -- refused
    WHERE state IN ('active');
CREATE UNIQUE -- refused
    INDEX w ON planted (name);
CREATE INDEX x ON planted (name);
UPDATE planted SET i = now(); -- refused
UPDATE planted SET i = current_timestamp; -- refused
UPDATE planted SET i = clock_timestamp(); -- refused
UPDATE planted SET i = statement_timestamp(); -- refused
UPDATE planted SET i = transaction_timestamp(); -- refused
UPDATE planted SET i = localtime; -- refused
UPDATE planted SET i = timeofday(); -- refused
UPDATE planted SET i = txid_current(); -- refused
UPDATE planted SET i = txid_current_if_assigned(); -- refused
UPDATE planted SET i = pg_current_xact_id(); -- refused
UPDATE planted SET known = 1 WHERE name = $1 RETURNING serial;
ALTER TABLE planted ALTER i SET DEFAULT 0;
INSERT INTO planted (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET i = 1;
SELECT name FROM planted LIMIT 1 FOR UPDATE SKIP LOCKED; -- refused
SELECT name FROM planted LIMIT 1 SKIP LOCKED; -- refused
SELECT name FROM planted FOR UPDATE; -- refused
SELECT name FROM planted FOR NO KEY UPDATE; -- refused
SELECT name FROM planted FOR KEY SHARE; -- refused
CREATE TRIGGER t AFTER INSERT ON planted EXECUTE FUNCTION f(); -- refused
CREATE OR REPLACE FUNCTION f() RETURNS INT; -- refused
CREATE SEQUENCE s; -- refused
CREATE MATERIALIZED VIEW w AS SELECT 1; -- refused
CREATE TABLE child () INHERITS (planted); -- refused
CREATE UNLOGGED TABLE fast (i INT); -- refused
CREATE TEMP TABLE short (i INT); -- refused
LOCK TABLE planted; -- refused
DECLARE c CURSOR WITH HOLD FOR SELECT 1; -- refused
SET search_path = a; -- refused
SET SESSION work_mem TO 1; -- refused
SET LOCAL jit = off; -- refused
SET jit = off; SET enable_seqscan = off; SET tcp_user_timeout = '5s';
SET jit = off; SET work_mem = 1; -- refused
UPDATE planted SET i = 1; SET work_mem = 1; -- refused
RESET ALL; -- refused
SELECT set_config('jit', 'off', false); -- refused
DISCARD ALL; -- refused
