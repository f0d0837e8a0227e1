/* store_sql_query.c: the SQL.
 *
 * All statements stand here, so that one page shows what is asked of the
 * database, and most serve every engine: parameters are ? in their order, or
 * ?1, ?2 where one comes twice. Pure data; any thread. */
#include "store_sql.h"

#define CLIENT_COLUMNS                                                         \
    "id, key_name, key_hash, name, role, purpose_names, party, networks, "     \
    "created_at_s, expires_at_s, revoked_at_s, per_minute"
#define ENROL_LIST_COLUMNS                                                     \
    "id, client_id, state, created_at_s, updated_at_s, decided_at_s, "         \
    "attempts, consent_version, consent_at_s, reasons, similarity, liveness, " \
    "decided_by, note_sealed, credential_id, challenge, first_decision, "      \
    "first_by, first_at_s, first_note_sealed, appealed_at_s, barred, "         \
    "valid_until_s, method, holder_generation, recovery_failures, "            \
    "consent_portrait, replaces, worker"
#define SUBJECT_KEY                                                            \
    "data_version, data_wrapped, template_version, template_wrapped"
#define LIFE_COLUMNS                                                           \
    "state, state_since_s, suspended_by, revoke_reason, replaced_by, "         \
    "note_sealed"
#define CREDENTIAL_COLUMNS                                                     \
    "id, enrolment_id, client_id, type, assurance, issued_at_s, " LIFE_COLUMNS \
    ", valid_until_s, expiry_told, id_index, holder_hash, holder_sealed, "     \
    "details_sealed"
#define WHOLE_CREDENTIAL "serial, " CREDENTIAL_COLUMNS ", " SUBJECT_KEY
/* Ended for good, or by the card's end. A person is kept as long as what came
 * of the enrolment, whatever there is beside it. */
#define ENDED                                                                  \
    "type = 'resident_id' AND "                                                \
    "(state IN ('revoked', 'replaced') AND state_since_s < ?1 OR "             \
    "valid_until_s > 0 AND valid_until_s < ?1)"
#define CHECK_COLUMNS                                                          \
    "coalesce(a.at_us, 0), coalesce(c.party, ''), coalesce(a.outcome, ''), "   \
    "coalesce(a.detail, '')"
#define DISPUTES                                                               \
    "SELECT d.id, d.verification_id, d.credential_id, d.enrolment_id, "        \
    "d.opened_at_s, d.outcome, d.settled_at_s, d.settled_by, "                 \
    "d.audit_seq, " CHECK_COLUMNS                                              \
    ", d.reason_sealed, d.note_sealed, " SUBJECT_KEY " FROM dispute AS d "     \
    "LEFT JOIN audit AS a ON a.seq = d.audit_seq "                             \
    "LEFT JOIN client AS c ON c.id = a.actor "                                 \
    "LEFT JOIN subject_key AS k ON k.subject = d.enrolment_id "
#define WITH_KEY " LEFT JOIN subject_key ON subject = "
#define CONTACTS                                                               \
    "SELECT id, account, person, openid_sealed, enrolment_id, client_id, "     \
    "purpose, made_at_s, seen_at_s, " SUBJECT_KEY                              \
    " FROM wechat_contact" WITH_KEY "id "
#define ERRAND_COLUMNS                                                         \
    "operation, contact_id, account, kind, content_sealed, due_at_s, "         \
    "made_at_s"
/* As the index of checks has it. */
#define A_CHECK "event = 'verification' AND subject <> '' AND subject = ?1"
/* The row of this id or, when there is none, the one after it, which the caller
 * drops: an id that is unknown costs as much as one that is somebody else's.
 * The few ids behind the last row cost less and tell nobody anything. */
#define OR_NEXT " WHERE id >= ? ORDER BY id LIMIT 1"

#define APPEAL(nothing)                                                        \
    "UPDATE enrolment SET state = 'received', attempts = 0, "                  \
    "decided_at_s = 0, reasons = '', similarity = NULL, liveness = NULL, "     \
    "decided_by = '', note_sealed = " nothing ", first_decision = '', "        \
    "first_by = '', first_at_s = 0, first_note_sealed = " nothing ", "         \
    "updated_at_s = ?, challenge = ?, method = 'face', replaces = 0, "         \
    "appealed_at_s = ?, barred = ?, statement_sealed = ?, worker = ? "         \
    "WHERE id = ? AND state = 'rejected' AND appealed_at_s = 0"
#define DESTROYED(data, template)                                              \
    "EXISTS (SELECT 1 FROM wrapped_key WHERE retired_at_s <> 0 AND "           \
    "(use = 'data' AND version = " data                                        \
    " OR use = 'template' AND version = " template "))"
/* Where there is one slot, 0, what was another's on a server is its own. */
#define BEGIN_WORK(is)                                                         \
    "UPDATE enrolment SET state = 'processing', attempts = attempts + 1, "     \
    "updated_at_s = ? WHERE id = ? AND worker " is " ? AND "                   \
    "state IN ('received', 'processing') RETURNING attempts"
#define UNFINISHED(is)                                                         \
    "SELECT id, attempts FROM enrolment WHERE worker " is " ? AND "            \
    "state IN ('received', 'processing') ORDER BY created_at_s, id"
/* Slots that somebody renews. */
#define LIVING "(SELECT one - 1 FROM lease WHERE until_us >= ?2)"
#define FORGET(zeros)                                                          \
    "UPDATE idempotency SET fingerprint = " zeros " WHERE enrolment_id = ?"

static const struct {
    const char *name;
    const char *sql[SID_SQL_DIALECTS];
} statements[SID_SQL_COUNT] = {
#define S(symbol, text) [SID_SQL_##symbol] = {#symbol, {text, text}}
/* Where the engines differ. */
#define TWO(symbol, sqlite, pgsql)                                             \
    [SID_SQL_##symbol] = {#symbol, {sqlite, pgsql}}
    /* Where the writer is the only one, a higher level buys nothing but
     * transactions that the server asks to be run again. */
    TWO(BEGIN_WRITE, "BEGIN IMMEDIATE", "BEGIN ISOLATION LEVEL READ COMMITTED"),
    /* Where there are several, what one has read must still be so when it
     * writes. */
    TWO(BEGIN_SHARED, NULL, "BEGIN ISOLATION LEVEL SERIALIZABLE"),
    TWO(BEGIN_READ, "BEGIN DEFERRED",
        "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"),
    S(COMMIT, "COMMIT"),
    S(ROLLBACK, "ROLLBACK"),
    S(SAVEPOINT, "SAVEPOINT op"),
    S(SAVEPOINT_RELEASE, "RELEASE SAVEPOINT op"),
    S(SAVEPOINT_UNDO, "ROLLBACK TO SAVEPOINT op"),
    /* Means nothing here, but is written whatever its value was. */
    TWO(TOUCH, "PRAGMA user_version = 1", NULL),

    S(AUDIT_HEAD,
      "SELECT seq, at_us, mac FROM audit WHERE seq > ? AND seq <= ? "
      "ORDER BY seq DESC LIMIT 1"),
    S(AUDIT_APPEND, "INSERT INTO audit (seq, at_us, event, actor, subject, "
                    "outcome, detail, mac) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
    S(AUDIT_SCAN,
      "SELECT seq, at_us, event, actor, subject, outcome, detail, "
      "mac FROM audit WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"),
    S(AUDIT_PRUNE, "DELETE FROM audit WHERE seq > ? AND seq <= ?"),
    S(ANCHOR_GET, "SELECT seq, mac, seal FROM audit_anchor WHERE slot = ?"),
    S(ANCHOR_PUT, "INSERT INTO audit_anchor (slot, seq, mac, seal) "
                  "VALUES (?, ?, ?, ?) ON CONFLICT (slot) DO UPDATE SET "
                  "seq = excluded.seq, mac = excluded.mac, "
                  "seal = excluded.seal"),

    S(KEY_PUT, "INSERT INTO wrapped_key (use, version, made_at_s, "
               "retired_at_s, wrapped) VALUES (?, ?, ?, ?, ?)"),
    S(KEY_EACH, "SELECT use, version, made_at_s, retired_at_s, wrapped "
                "FROM wrapped_key ORDER BY use, version"),
    S(KEY_REWRAP, "UPDATE wrapped_key SET wrapped = ? "
                  "WHERE use = ? AND version = ? AND retired_at_s = 0"),
    S(KEY_RETIRE, "UPDATE wrapped_key SET retired_at_s = ?, wrapped = ? "
                  "WHERE use = ? AND version = ? AND retired_at_s = 0"),

    /* Another daemon may have destroyed the key that wraps this one. */
    TWO(SUBJECT_PUT,
        "INSERT INTO subject_key (subject, " SUBJECT_KEY
        ") VALUES (?, ?, ?, ?, ?)",
        "INSERT INTO subject_key (subject, " SUBJECT_KEY
        ") SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT " DESTROYED("?2", "?4")),
    TWO(SUBJECT_REWRAP,
        "UPDATE subject_key SET data_version = ?, data_wrapped = ?, "
        "template_version = ?, template_wrapped = ? WHERE subject = ?",
        "UPDATE subject_key SET data_version = ?1, data_wrapped = ?2, "
        "template_version = ?3, template_wrapped = ?4 WHERE subject = ?5 AND "
        "NOT " DESTROYED("?1", "?3")),
    S(SUBJECT_GET, "SELECT " SUBJECT_KEY " FROM subject_key WHERE subject = ?"),
    /* Versions only rise; 0 is no key. */
    S(SUBJECT_STALE, "SELECT subject FROM subject_key WHERE data_version < ?1 "
                     "OR template_version BETWEEN 1 AND ?2 - 1 "
                     "LIMIT ?3"),
    S(SUBJECT_COUNT,
      "SELECT count(*) FROM subject_key WHERE data_version < ?1 OR "
      "template_version BETWEEN 1 AND ?2 - 1"),
    S(SUBJECT_FORGET, "DELETE FROM subject_key WHERE subject = ?"),

    S(CLIENT_PUT, "INSERT INTO client (" CLIENT_COLUMNS
                  ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    S(CLIENT_REVOKE, "UPDATE client SET revoked_at_s = ? "
                     "WHERE id = ? AND revoked_at_s = 0"),
    /* Clients are added and revoked, and never changed otherwise. */
    S(CLIENT_MARK, "SELECT count(*), CAST(coalesce(sum(revoked_at_s), 0) AS "
                   "BIGINT) FROM client"),
    S(CLIENT_HAS, "SELECT 1 FROM client WHERE id = ?"),
    S(CLIENT_EACH,
      "SELECT " CLIENT_COLUMNS " FROM client ORDER BY created_at_s, id"),
    S(PURPOSES_LAST, "SELECT seq, said FROM purpose_set WHERE seq > ? "
                     "ORDER BY seq DESC LIMIT 1"),
    S(PURPOSES_HAD, "SELECT 1 FROM purpose_set WHERE sha256 = ? LIMIT 1"),
    S(PURPOSES_PUT,
      "INSERT INTO purpose_set (seq, sha256, said, since_us, slot) "
      "VALUES (?, ?, ?, ?, ?)"),

    S(ENROL_INSERT,
      "INSERT INTO enrolment (" ENROL_LIST_COLUMNS
      ", id_index, holder_hash, holder_sealed) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    S(ENROL_GET,
      "SELECT " ENROL_LIST_COLUMNS ", id_index, holder_hash, holder_sealed, "
      "statement_sealed, " SUBJECT_KEY " FROM enrolment" WITH_KEY "id" OR_NEXT),
    S(ENROL_HAS, "SELECT created_at_s FROM enrolment WHERE id = ?"),
    TWO(ENROL_BEGIN_WORK, BEGIN_WORK(">="), BEGIN_WORK("=")),
    S(ENROL_DECIDE,
      "UPDATE enrolment SET state = ?, updated_at_s = ?, decided_at_s = ?, "
      "reasons = ?, similarity = ?, liveness = ?, decided_by = ?, "
      "note_sealed = ?, credential_id = ?, challenge = ? WHERE id = ? AND "
      "state = ?"),
    S(ENROL_FIRST,
      "UPDATE enrolment SET first_decision = ?, first_by = ?, first_at_s = ?, "
      "first_note_sealed = ?, updated_at_s = ? WHERE id = ? AND state = "
      "'review'"),
    TWO(ENROL_APPEAL, APPEAL("X''"), APPEAL("''::bytea")),
    S(ENROL_RECOVERY,
      "UPDATE enrolment SET holder_generation = ?, holder_hash = ?, "
      "recovery_failures = ? WHERE id = ?"),
    S(ATTEMPT_PUT, "INSERT INTO attempt (enrolment_id, person, made_at_s) "
                   "VALUES (?, ?, ?)"),
    S(ATTEMPT_GET,
      "SELECT enrolment_id, made_at_s FROM attempt WHERE person = ? AND "
      "made_at_s > ? ORDER BY made_at_s DESC LIMIT 1 OFFSET ?"),
    S(ATTEMPT_PURGE,
      "DELETE FROM attempt WHERE made_at_s < ? OR made_at_s > ?"),
    S(ENROL_LIST,
      "SELECT " ENROL_LIST_COLUMNS ", " SUBJECT_KEY " FROM enrolment" WITH_KEY
      "id WHERE state = ?1 AND "
      "(created_at_s, id) > (?2, ?3) AND first_by BETWEEN ?4 AND ?5 "
      "ORDER BY created_at_s, id LIMIT ?6"),
    TWO(ENROL_UNFINISHED, UNFINISHED(">="), UNFINISHED("=")),
    TWO(ENROL_ORPHANS, NULL,
        "SELECT 1 FROM enrolment WHERE state IN ('received', 'processing') AND "
        "worker <> ?1 AND worker NOT IN " LIVING " LIMIT 1"),
    TWO(ENROL_TAKE_OVER, NULL,
        "UPDATE enrolment SET worker = ?1 WHERE "
        "state IN ('received', 'processing') AND worker <> ?1 AND worker "
        "NOT IN " LIVING " RETURNING id, attempts"),

    S(PHOTO_PUT, "INSERT INTO photo (enrolment_id, kind, sealed, blob) "
                 "VALUES (?, ?, ?, ?)"),
    S(PHOTO_GET,
      "SELECT sealed, blob FROM photo WHERE enrolment_id = ? AND kind = ?"),
    S(PHOTO_DELETE_ALL, "DELETE FROM photo WHERE enrolment_id = ?"),
    S(PHOTO_COUNT, "SELECT count(*) FROM photo"),
    S(PHOTO_BLOB, "SELECT blob FROM photo WHERE enrolment_id = ? "
                  "AND blob <> '' LIMIT 1"),
    S(PHOTO_BLOB_COUNT, "SELECT count(*) FROM photo WHERE blob = ?"),

    S(CHALLENGE_PUT, "INSERT INTO challenge (id, client_id, steps, made_at_s, "
                     "expires_at_s, enrolment_id) VALUES (?, ?, ?, ?, ?, ?)"),
    S(CHALLENGE_GET, "SELECT id, client_id, steps, made_at_s, expires_at_s, "
                     "enrolment_id FROM challenge WHERE id = ?"),
    S(CHALLENGE_HAS, "SELECT 1 FROM challenge WHERE id = ?"),
    S(CHALLENGE_USE, "UPDATE challenge SET enrolment_id = ? "
                     "WHERE id = ? AND enrolment_id = ''"),
    S(CHALLENGE_PURGE, "DELETE FROM challenge WHERE expires_at_s < ?"),
    S(WEBHOOK_PLACE, "SELECT seq FROM webhook_place WHERE slot = ?"),
    S(WEBHOOK_TOLD, "INSERT INTO webhook_place (slot, seq) VALUES (?, ?) "
                    "ON CONFLICT (slot) DO UPDATE SET seq = excluded.seq"),
    S(WEBHOOK_BURY,
      "INSERT INTO webhook_dead (seq, id, type, body, tries, tried_at_s, why, "
      "again) VALUES (?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (seq) DO UPDATE SET "
      "tries = excluded.tries, tried_at_s = excluded.tried_at_s, "
      "why = excluded.why, again = 0"),
    S(WEBHOOK_DEAD, "SELECT seq, id, type, body, tries, tried_at_s, why, again "
                    "FROM webhook_dead WHERE seq > ? AND again >= ? "
                    "ORDER BY seq LIMIT ?"),
    S(WEBHOOK_DEAD_COUNT, "SELECT count(*) FROM webhook_dead"),
    S(WEBHOOK_AGAIN, "UPDATE webhook_dead SET again = 1 "
                     "WHERE seq = ?1 OR ?1 = 0"),
    S(WEBHOOK_EXHUME, "DELETE FROM webhook_dead WHERE seq = ?"),
    S(EXPIRING, "UPDATE credential SET expiry_told = 1 WHERE id IN ("
                "SELECT id FROM credential WHERE valid_until_s > 0 AND "
                "valid_until_s < ? AND expiry_told = 0 AND state = 'active' "
                "ORDER BY valid_until_s LIMIT ?) RETURNING id, valid_until_s"),
    S(TEMPLATE_UPDATE, "UPDATE template SET sealed = ? WHERE enrolment_id = ?"),
    S(TEMPLATE_INSERT,
      "INSERT INTO template (sealed, enrolment_id) VALUES (?, ?)"),
    S(TEMPLATE_GET, "SELECT sealed FROM template WHERE enrolment_id = ?"),
    S(TEMPLATE_DELETE, "DELETE FROM template WHERE enrolment_id = ?"),
    S(TEMPLATE_COUNT,
      "SELECT CAST(coalesce(sum(CASE WHEN slot = ?1 THEN count ELSE 0 END), 0) "
      "AS BIGINT), CAST(coalesce(sum(CASE WHEN slot = ?1 THEN 0 ELSE count "
      "END), 0) AS BIGINT) FROM tally WHERE name = 'template'"),
    S(TEMPLATE_TALLY,
      "INSERT INTO tally (name, slot, count) VALUES ('template', ?, ?) "
      "ON CONFLICT (name, slot) DO UPDATE SET count = excluded.count"),
    S(PORTRAIT_PUT,
      "INSERT INTO portrait (enrolment_id, sealed) VALUES (?, ?) "
      "ON CONFLICT (enrolment_id) DO UPDATE SET sealed = excluded.sealed"),
    /* Nobody is shown the one of somebody who is in review. */
    S(PORTRAIT_GET,
      "SELECT sealed FROM portrait JOIN enrolment ON id = enrolment_id "
      "WHERE enrolment_id = ? AND state = 'approved'"),
    S(PORTRAIT_HAS, "SELECT 1 FROM portrait JOIN enrolment ON "
                    "id = enrolment_id WHERE enrolment_id = ? AND "
                    "state = 'approved'"),
    S(PORTRAIT_DELETE, "DELETE FROM portrait WHERE enrolment_id = ?"),

    S(IDEMPOTENCY_GET,
      "SELECT client_id, retry_key, fingerprint, enrolment_id, created_at_s "
      "FROM idempotency WHERE client_id = ? AND retry_key = ?"),
    S(IDEMPOTENCY_PUT,
      "INSERT INTO idempotency (client_id, retry_key, fingerprint, "
      "enrolment_id, created_at_s) VALUES (?, ?, ?, ?, ?)"),
    S(IDEMPOTENCY_PURGE, "DELETE FROM idempotency WHERE created_at_s < ?"),

    S(CREDENTIAL_INSERT,
      "INSERT INTO credential (serial, " CREDENTIAL_COLUMNS
      ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    S(CREDENTIAL_GET, "SELECT " WHOLE_CREDENTIAL " FROM credential" WITH_KEY
                      "enrolment_id" OR_NEXT),
    S(CREDENTIAL_BY_SERIAL,
      "SELECT " WHOLE_CREDENTIAL " FROM credential" WITH_KEY
      "enrolment_id WHERE serial = ?"),
    S(CREDENTIAL_HAS, "SELECT 1 FROM credential WHERE id = ?"),
    S(CREDENTIAL_STANDING,
      "SELECT " WHOLE_CREDENTIAL " FROM credential" WITH_KEY
      "enrolment_id WHERE id_index = ? AND type = ? AND "
      "state IN ('active', 'suspended')"),
    S(CREDENTIAL_CHANGE,
      "UPDATE credential SET (" LIFE_COLUMNS
      ", assurance) = (?, ?, ?, ?, ?, ?, ?) WHERE id = ? AND "
      "state IN ('active', 'suspended')"),
    S(CREDENTIAL_NEXT, "SELECT " WHOLE_CREDENTIAL " FROM credential" WITH_KEY
                       "enrolment_id WHERE enrolment_id = ? AND serial > ? "
                       "ORDER BY serial LIMIT 1"),
    S(SERIAL_RETIRED,
      "INSERT INTO dead_serial (serial, credential_id, why) "
      "SELECT serial, id, 'recovered' FROM credential WHERE serial = ?"),
    S(CREDENTIAL_DELETE, "DELETE FROM credential WHERE serial = ?"),

    S(LIVE_USE, "INSERT INTO live_code (not_after_s, serial, draw) "
                "VALUES (?, ?, ?) ON CONFLICT DO NOTHING"),
    S(LIVE_PURGE, "DELETE FROM live_code WHERE not_after_s < ?"),

    S(CHECK_LIST,
      "SELECT a.seq, " CHECK_COLUMNS ", coalesce(d.id, ''), "
      "coalesce(d.outcome, 'open'), coalesce(d.settled_at_s, 0) "
      "FROM audit AS a LEFT JOIN client AS c ON c.id = a.actor "
      "LEFT JOIN dispute AS d ON d.audit_seq = a.seq "
      "WHERE " A_CHECK " AND (?2 = 9223372036854775807 OR (a.at_us, a.seq) < "
      "(SELECT at_us, seq FROM audit WHERE seq = ?2)) "
      "ORDER BY a.at_us DESC, a.seq DESC LIMIT ?3"),
    /* A check's detail begins with "id=". */
    S(CHECK_FIND, "SELECT seq FROM audit WHERE " A_CHECK
                  " AND substr(detail, 4, length(?2)) = ?2"),
    S(DISPUTE_PUT,
      "INSERT INTO dispute (id, audit_seq, verification_id, credential_id, "
      "enrolment_id, opened_at_s, reason_sealed, outcome) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
    S(DISPUTE_GET, DISPUTES "WHERE d.id = ?"),
    S(DISPUTE_HAS, "SELECT opened_at_s FROM dispute WHERE id = ?"),
    S(DISPUTE_LIST,
      DISPUTES "WHERE d.outcome = ?1 AND (d.opened_at_s, d.id) > (?2, ?3) "
               "ORDER BY d.opened_at_s, d.id LIMIT ?4"),
    S(DISPUTE_SETTLE,
      "UPDATE dispute SET outcome = ?, settled_at_s = ?, settled_by = ?, "
      "note_sealed = ? WHERE id = ? AND outcome = 'open'"),
    S(DISPUTE_FORGET, "DELETE FROM dispute WHERE enrolment_id = ?"),

    TWO(IDEMPOTENCY_FORGET, FORGET("zeroblob(32)"),
        FORGET("decode(repeat('00', 32), 'hex')")),
    S(OLD_SERIALS_ERASED,
      "UPDATE dead_serial SET why = 'erased' WHERE credential_id IN "
      "(SELECT id FROM credential WHERE enrolment_id = ?)"),
    S(SERIALS_ERASED,
      "INSERT INTO dead_serial (serial, credential_id, why) "
      "SELECT serial, id, 'erased' FROM credential WHERE enrolment_id = ?"),
    S(CREDENTIALS_DELETE, "DELETE FROM credential WHERE enrolment_id = ?"),
    S(ENROL_DELETE, "DELETE FROM enrolment WHERE id = ?"),
    S(ERASURE_PUT, "INSERT INTO erasure (enrolment_id, credential_id, "
                   "erased_at_s, cause) VALUES (?, ?, ?, ?)"),
    S(DEAD_SERIAL_GET,
      "SELECT credential_id, why FROM dead_serial WHERE serial = ?"),
    S(DUE_ENROLMENTS,
      "SELECT id, credential_id FROM enrolment WHERE state = ? AND "
      "decided_at_s < ? ORDER BY decided_at_s, id LIMIT ?"),
    S(DUE_CREDENTIALS, "SELECT enrolment_id, id FROM credential WHERE " ENDED
                       " ORDER BY state_since_s, serial LIMIT ?2"),
    S(OVERVIEW_REVIEW,
      "SELECT count(*), coalesce(sum(CASE WHEN first_by <> '' THEN 1 ELSE 0 "
      "END), 0), coalesce(min(created_at_s), 0) FROM enrolment "
      "WHERE state = 'review'"),
    S(OVERVIEW_DISPUTES,
      "SELECT count(*), coalesce(min(opened_at_s), 0) FROM dispute "
      "WHERE outcome = 'open'"),
    S(OVERVIEW_STATE, "SELECT count(*) FROM enrolment "
                      "WHERE state = ? AND created_at_s >= ?"),
    S(REASONS_SINCE,
      "SELECT reasons FROM enrolment WHERE state = ? AND created_at_s >= ? "
      "ORDER BY created_at_s DESC LIMIT ?"),
    S(PHOTO_KINDS, "SELECT kind FROM photo WHERE enrolment_id = ?"),
    S(ENROL_EARLIER,
      "SELECT id, state, method, created_at_s, reasons FROM enrolment "
      "WHERE id_index = ? AND id <> ? ORDER BY created_at_s DESC, id DESC "
      "LIMIT ?"),
    S(COUNT_ENROLMENTS,
      "SELECT (SELECT count(*) FROM enrolment WHERE state = ?1 AND "
      "decided_at_s < ?2), (SELECT coalesce(min(decided_at_s), 0) "
      "FROM enrolment WHERE state = ?1)"),
    S(COUNT_CREDENTIALS,
      "SELECT (SELECT count(*) FROM credential WHERE " ENDED "), "
      "coalesce((SELECT min(at_s) FROM (SELECT min(state_since_s) AS at_s "
      "FROM credential WHERE type = 'resident_id' AND "
      "state IN ('revoked', 'replaced') UNION ALL "
      "SELECT min(valid_until_s) FROM credential WHERE type = 'resident_id' "
      "AND valid_until_s > 0 AND valid_until_s < ?1) AS ends), 0)"),
    S(RETENTION_RAN,
      "INSERT INTO retention (rule, ran_at_s) VALUES (?, ?) "
      "ON CONFLICT (rule) DO UPDATE SET ran_at_s = excluded.ran_at_s"),
    S(RETENTION_LAST, "SELECT ran_at_s FROM retention WHERE rule = ?"),

    S(CONTACT_PUT,
      "INSERT INTO wechat_contact (id, account, person, openid_sealed, "
      "enrolment_id, client_id, purpose, made_at_s, seen_at_s) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    S(CONTACT_FIND, CONTACTS "WHERE person = ?"),
    S(CONTACT_GET, CONTACTS "WHERE id = ?"),
    S(CONTACT_CHANGE,
      "UPDATE wechat_contact SET enrolment_id = ?, client_id = ?, "
      "purpose = ?, seen_at_s = ? WHERE id = ?"),
    S(CONTACT_OF, CONTACTS "WHERE enrolment_id = ?1 AND enrolment_id <> '' "
                           "ORDER BY id LIMIT ?2"),
    S(CONTACT_DELETE, "DELETE FROM wechat_contact WHERE id = ?"),
    S(CONTACT_STALE,
      "SELECT id FROM wechat_contact WHERE enrolment_id = '' AND "
      "client_id = '' AND seen_at_s < ? AND NOT EXISTS (SELECT 1 FROM "
      "wechat_chat WHERE contact_id = id) AND NOT EXISTS (SELECT 1 FROM "
      "wechat_outbox WHERE contact_id = id) LIMIT 1"),
    S(CONTACT_UNBIND_CLIENT, "UPDATE wechat_contact SET client_id = '', "
                             "purpose = '' WHERE client_id = ?"),
    S(CHAT_PUT,
      "INSERT INTO wechat_chat (contact_id, step, round, said_sealed, "
      "updated_at_s) VALUES (?, ?, ?, ?, ?) ON CONFLICT (contact_id) DO "
      "UPDATE SET step = excluded.step, round = excluded.round, "
      "said_sealed = excluded.said_sealed, "
      "updated_at_s = excluded.updated_at_s"),
    S(CHAT_GET, "SELECT contact_id, step, round, said_sealed, updated_at_s "
                "FROM wechat_chat WHERE contact_id = ?"),
    S(CHAT_DELETE, "DELETE FROM wechat_chat WHERE contact_id = ?"),
    S(CHAT_STALE,
      "SELECT contact_id FROM wechat_chat AS c WHERE updated_at_s < ? AND "
      "NOT EXISTS (SELECT 1 FROM wechat_outbox AS o WHERE "
      "o.contact_id = c.contact_id AND o.kind = 'fetch') LIMIT 1"),
    S(CHAT_PHOTO_PUT,
      "INSERT INTO wechat_photo (contact_id, kind, sealed) VALUES (?, ?, ?) "
      "ON CONFLICT (contact_id, kind) DO UPDATE SET "
      "sealed = excluded.sealed"),
    S(CHAT_PHOTO_GET,
      "SELECT sealed FROM wechat_photo WHERE contact_id = ? AND kind = ?"),
    S(CHAT_PHOTO_DELETE, "DELETE FROM wechat_photo WHERE contact_id = ?"),
    S(PUSH_PUT,
      "INSERT INTO wechat_push (push, run, answered, answer_sealed, "
      "taken_at_s) VALUES (?, ?, ?, ?, ?) ON CONFLICT (push) DO UPDATE SET "
      "run = excluded.run, answered = excluded.answered, "
      "answer_sealed = excluded.answer_sealed"),
    S(PUSH_GET, "SELECT run, answered, answer_sealed, taken_at_s "
                "FROM wechat_push WHERE push = ?"),
    S(PUSH_PURGE, "DELETE FROM wechat_push WHERE taken_at_s < ?"),
    S(ERRAND_PUT,
      "INSERT INTO wechat_outbox (seq, " ERRAND_COLUMNS
      ") VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (operation) DO NOTHING"),
    /* Of each contact the first only, be it taken or not due. */
    S(ERRAND_NEXT,
      "SELECT seq, attempts, " ERRAND_COLUMNS
      " FROM wechat_outbox AS o WHERE taken = 0 AND due_at_s <= ? AND "
      "account = ? AND seq = (SELECT min(seq) FROM wechat_outbox AS p WHERE "
      "p.contact_id = o.contact_id) ORDER BY due_at_s, seq LIMIT 1"),
    S(ERRAND_TAKE, "UPDATE wechat_outbox SET taken = 1, "
                   "attempts = attempts + 1 WHERE seq = ?"),
    S(ERRAND_BACK,
      "UPDATE wechat_outbox SET taken = 0, due_at_s = ? WHERE seq = ?"),
    S(ERRAND_END, "DELETE FROM wechat_outbox WHERE seq = ?"),
    S(ERRAND_DELETE_ALL, "DELETE FROM wechat_outbox WHERE contact_id = ? AND "
                         "(kind = 'fetch' OR ? = 0)"),
    S(ERRAND_LOST,
      "DELETE FROM wechat_outbox WHERE taken = 1 AND kind <> 'fetch'"),
    S(ERRAND_RECOVER, "UPDATE wechat_outbox SET taken = 0 WHERE taken = 1"),
    S(ERRAND_COUNT, "SELECT count(*) FROM wechat_outbox"),

    TWO(LOOK_AHEAD, NULL,
        "SELECT " WHOLE_CREDENTIAL " FROM credential" WITH_KEY
        "enrolment_id WHERE serial = ANY (?) ORDER BY serial"),
    /* One statement that is refused must not cost the whole transaction. */
    TWO(GUARD, NULL, "SAVEPOINT st"),
    TWO(GUARD_RELEASE, NULL, "RELEASE SAVEPOINT st"),
    TWO(GUARD_UNDO, NULL, "ROLLBACK TO SAVEPOINT st"),
    TWO(NUMBER_NEXT, NULL,
        "INSERT INTO number AS n (sort, last) VALUES (?, 1) ON CONFLICT (sort) "
        "DO UPDATE SET last = n.last + 1 RETURNING last"),
    /* Fails, and the transaction with it, once another process or connection
     * is the owner: batch must not be below 0. */
    TWO(LEASE_HOLD, NULL,
        "UPDATE lease SET until_us = ?2, "
        "batch = CASE WHEN owner = ?1 THEN ?3 ELSE -1 END WHERE one = ?4"),
    TWO(LEASE_GET, NULL,
        "SELECT owner, until_us, batch FROM lease WHERE one = ?"),
    TWO(LEASE_PUT, NULL,
        "INSERT INTO lease (one, owner, until_us, batch) VALUES (?, '', 0, 0) "
        "ON CONFLICT (one) DO NOTHING"),
    TWO(LEASE_TAKE, NULL,
        "UPDATE lease SET owner = ?1, until_us = ?2 WHERE one = ?5 AND "
        "owner = ?3 AND until_us = ?4 RETURNING batch"),
    TWO(LEASE_MOVE, NULL,
        "UPDATE lease SET owner = ?1, until_us = ?2 WHERE one = ?4 AND "
        "owner >= ?3 AND owner < ?1 RETURNING batch"),
    TWO(LEASE_EACH, NULL,
        "SELECT one FROM lease WHERE until_us >= ? ORDER BY one"),
    TWO(LEASE_FREE, NULL,
        "UPDATE lease SET until_us = 0 WHERE one = ? AND owner = ?"),
#undef TWO
#undef S
};

const char *
sid_sql_text(enum sid_sql_stmt which, enum sid_sql_dialect dialect) {
    return statements[which].sql[dialect];
}

const char *
sid_sql_name(enum sid_sql_stmt which) {
    return statements[which].name;
}
