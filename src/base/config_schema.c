/* config_schema.c: the one table of settings. A setting that is not here does
 * not exist. Constant; any thread. */
#include "config_schema.h"

#include <string.h>

#define AT(member)                                                             \
    .offset = offsetof(struct sid_config, member),                             \
    .size = sizeof(((struct sid_config *)NULL)->member)
#define INT(member, least, most, value, of)                                    \
    .name = #member, .type = SID_SETTING_INT, .min = (least), .max = (most),   \
    .default_value = (value), .unit = (of), AT(member)
#define REAL(member, least, most, value)                                       \
    .name = #member, .type = SID_SETTING_REAL, .min = (least), .max = (most),  \
    .default_value = (value), .unit = "", AT(member)
#define ADDRESS(member, value)                                                 \
    .name = #member, .type = SID_SETTING_ADDRESS, .default_value = (value),    \
    .unit = "", AT(member)
#define PATH(member, value)                                                    \
    .name = #member, .type = SID_SETTING_PATH, .default_value = (value),       \
    .unit = "", AT(member)
#define NETWORKS(member)                                                       \
    .name = #member, .type = SID_SETTING_NETWORKS, .default_value = "",        \
    .may_be_empty = true, .unit = "", AT(member)
#define URL(member)                                                            \
    .name = #member, .type = SID_SETTING_URL, .default_value = "",             \
    .may_be_empty = true, .unit = "", AT(member)
/* A setting of [pages], where its name says enough. */
#define PAGE(as, member, value)                                                \
    .section = "pages", .name = (as), .type = SID_SETTING_CHOICE,              \
    .words = "on | off", .default_value = (value), .unit = "", AT(member),     \
    .reloadable = true
#define CHOICE(member, choices, value)                                         \
    .name = #member, .type = SID_SETTING_CHOICE, .words = (choices),           \
    .default_value = (value), .unit = "", AT(member)

/* Rows of one section stand together. */
const struct sid_setting config_settings[] = {
    {.section = "http",
     ADDRESS(listen_address, "127.0.0.1"),
     .help = "Address to listen on. Stay on the loopback: nginx stands in "
             "front and does TLS."},
    {.section = "http",
     INT(listen_port, 0, 65535, "8080", ""),
     .help = "TCP port. 0 takes any free port and logs it."},
    {.section = "http",
     INT(io_threads, 1, 64, "2", "threads"),
     .help = "Threads that move bytes; they never wait for a face or a disk."},
    {.section = "http",
     INT(max_connections, 8, 60000, "1024", "connections"),
     .help = "Connections held open at once."},
    {.section = "http",
     INT(idle_timeout_s, 1, 3600, "30", "seconds"),
     .help = "A connection on which nothing happens for this long is closed."},
    {.section = "http",
     INT(head_timeout_s, 1, 3600, "10", "seconds"),
     .help = "A new connection whose first request is not complete up to its "
             "body after this time is closed, whatever it has sent."},
    {.section = "http",
     INT(body_timeout_s, 1, 3600, "30", "seconds"),
     .help = "Time for a request's body to arrive, and for its answer to be "
             "taken. Two photos of 2 MB take 30 s at 1 Mbit/s."},
    {.section = "http",
     INT(wait_max_s, 0, 300, "60", "seconds"),
     .reloadable = true,
     .help = "Longest time a request may be held by Prefer: wait=N."},

    {.section = "http",
     NETWORKS(trusted_proxies),
     .help = "Networks (of nginx, say) whose X-Forwarded-For is believed: the "
             "right-most address in it that is not one of theirs is where a "
             "request comes from. With nginx on this machine: 127.0.0.1/32 "
             "::1/128"},

    {.section = "store",
     PATH(database, "/var/lib/smartidd/smartidd.db"),
     .may_be_server = true,
     .help = "The SQLite file, whose folder must belong to the daemon's user; "
             "or a PostgreSQL server as libpq takes it: "
             "postgresql://smartidd@db1,db2/smartidd?sslmode=verify-full , its "
             "password in the file that passfile= names. Then control_socket "
             "and audit.head_file must be set, too."},
    {.section = "store",
     PATH(control_socket, ""),
     .may_be_empty = true,
     .help = "Unix socket on which smartidctl talks to the running daemon. "
             "Empty: the database's path with .sock behind it. Not more than "
             "107 bytes with that."},

    {.section = "store",
     INT(pg_writers, 1, SID_WRITERS_MAX, "1", "connections"),
     .help = "Connections that write to a PostgreSQL server. With more than "
             "one, checks of codes go to one that is free: where a commit took "
             "4 ms, 3 did 1 to 13 % more of them; on the server's own machine "
             "one is better. Each takes one of the 64 places of the database "
             "and has an audit chain of its own."},

    {.section = "keys",
     PATH(master_key_file, "/etc/smartidd/master.key"),
     .may_be_credential = true,
     .help = "64 hex digits in a file of the daemon's user with mode 0600 or "
             "0400; made by smartidctl init. credential:NAME takes it from "
             "systemd (LoadCredential=, LoadCredentialEncrypted=). Without it "
             "nothing stored can be read: keep a copy apart from the "
             "backups."},

    {.section = "code",
     INT(code_period_s, 60, 86400, "86400", "seconds"),
     .help = "How long a code is shown before the next one takes its place."},
    {.section = "code",
     INT(code_grace_s, 0, 3600, "120", "seconds"),
     .reloadable = true,
     .help = "How long a code is still taken after its last second, for the "
             "one who is just standing at the counter."},
    {.section = "code",
     INT(clock_skew_s, 0, 300, "30", "seconds"),
     .reloadable = true,
     .help = "By how much the clocks of two servers may differ."},

    {.section = "face",
     PATH(model_dir, "/usr/local/share/smartidd/models"),
     .help = "Folder of the model pack with its manifest."},
    {.section = "face",
     INT(workers, 0, 64, "0", "threads"),
     .help = "Threads that compare faces. 0: as many as there are cores."},
    {.section = "face",
     INT(queue_capacity, 1, 4096, "64", "enrolments"),
     .help = "Enrolments held at once; one more is refused with 503."},
    {.section = "face",
     CHOICE(face_isolation, "process | thread", "process"),
     .help = "Where photos are taken apart: process, one for each worker, "
             "without keys, files, network or rights; or the worker's thread "
             "(for debuggers and ThreadSanitizer only: what breaks out of a "
             "photo then has everything)."},
    {.section = "face",
     REAL(match_accept, 0, 1, "0.5"),
     .reloadable = true,
     .help = "Similarity (cosine) from which on two faces are the same person."
             " Calibrate it on the people it serves: smartidctl calibrate."},
    {.section = "face",
     REAL(match_review, 0, 1, "0.35"),
     .reloadable = true,
     .help = "Similarity below which they are not. Between the two an officer "
             "looks. Not above match_accept."},
    {.section = "face",
     CHOICE(liveness_action, "review | off", "review"),
     .reloadable = true,
     .help = "What happens to a selfie that does not look alive: an officer "
             "looks, or nothing."},
    {.section = "face",
     REAL(liveness_review, 0, 1, "0.1"),
     .reloadable = true,
     .help = "Liveness score below which a selfie does not look alive."},

    {.section = "purposes",
     PATH(purposes_file, ""),
     .may_be_empty = true,
     .reloadable = true,
     .help = "What clerks may ask for, and what each purpose tells; see "
             "purposes.example, which is what is in force while this is "
             "empty. The file is read again on SIGHUP. Several daemons on one "
             "database have the same, see README."},

    {.section = "challenge",
     CHOICE(challenge, "required | preferred | off", "preferred"),
     .reloadable = true,
     .help = "Turns of the head that the app lets the person show. required: "
             "no enrolment without; preferred: without, the match must be "
             "better, else an officer looks; off: not missed."},
    {.section = "challenge",
     INT(life_s, 30, 3600, "120", "seconds"),
     .reloadable = true,
     .help = "How long a challenge may be answered."},
    {.section = "challenge",
     REAL(min_turn_deg, 10, 45, "15"),
     .reloadable = true,
     .help = "Degrees by which the head must have turned from the selfie to "
             "the side that was asked."},
    {.section = "challenge",
     REAL(match_accept_without, 0, 1, "0.6"),
     .reloadable = true,
     .help = "Similarity from which on an enrolment without a challenge is "
             "approved all the same. Below match_accept it has no effect."},

    {.section = "review",
     CHOICE(review_two_person, "on | off", "off"),
     .reloadable = true,
     .help = "Whether each decision of an officer needs a second one."},
    {.section = "review",
     INT(appeal_days, 0, 3650, "30", "days"),
     .reloadable = true,
     .help = "How long a rejected person may appeal. 0: not at all."},

    {.section = "limits",
     INT(attempts_per_day, 0, 1000, "5", "enrolments"),
     .reloadable = true,
     .help = "Enrolments of one ID number within 24 hours; one more is refused "
             "with 429. 0: as many as there come."},
    {.section = "limits",
     INT(photo_max_bytes, 65536, SID_PHOTO_BYTES_LIMIT, "8388608", "bytes"),
     .reloadable = true,
     .help = "Largest photo that is taken."},
    {.section = "limits",
     INT(clerk_per_minute, 0, 1000000, "60", "requests"),
     .reloadable = true,
     .help = "What a clerk's key may ask in a minute, on average and at once, "
             "before 429. A key that stands for many counters gets a number "
             "of its own: smartidctl client add --per-minute. 0: no limit."},
    {.section = "limits",
     INT(auth_failures_per_minute, 0, 10000, "5", "failures"),
     .reloadable = true,
     .help = "Wrong keys that one address may show in a minute; more are "
             "answered with 429. A good key always passes. 0: no limit."},
    {.section = "limits",
     INT(upload_total_bytes, 245760, 68719476736, "268435456", "bytes"),
     .reloadable = true,
     .help = "Bytes of enrolments that are being sent at once, by their "
             "Content-Length, until their photos are stored; one more is "
             "refused with 503. Not below one enrolment: 2.75 times "
             "photo_max_bytes and 65536."},

    {.section = "retention",
     INT(idempotency_s, 60, 604800, "86400", "seconds"),
     .reloadable = true,
     .help = "How long an Idempotency-Key is remembered."},
    {.section = "retention",
     INT(undecided_days, 1, 3650, "30", "days"),
     .reloadable = true,
     .help = "An enrolment that was in review this long is erased."},
    {.section = "retention",
     INT(rejected_days, 1, 3650, "30", "days"),
     .reloadable = true,
     .help = "A rejected enrolment is erased after so long."},
    {.section = "retention",
     INT(failed_days, 1, 3650, "30", "days"),
     .reloadable = true,
     .help = "One that could not be processed is erased after so long."},
    {.section = "retention",
     INT(revoked_days, 1, 3650, "365", "days"),
     .reloadable = true,
     .help = "A person is erased so long after the credential was revoked."},
    {.section = "retention",
     INT(audit_days, 0, 36500, "0", "days"),
     .reloadable = true,
     .help = "Rows of the audit log are removed after so long. 0: never."},
    /* Source: reliability.md section 4: the filing duty at 100,000 faces. */
    {.section = "retention",
     INT(faces_alarm, 1, 1000000000, "90000", "faces"),
     .reloadable = true,
     .help = "With so many faces stored an alarm is raised. Whoever stores "
             "100,000 has to file with the authority within 30 working "
             "days."},

    {.section = "audit",
     INT(head_interval_s, 5, 3600, "60", "seconds"),
     .reloadable = true,
     .help = "How often, when rows were added, the end of the audit log is "
             "signed and written to a second place: head_file and the log."},
    {.section = "audit",
     PATH(head_file, ""),
     .may_be_empty = true,
     .help = "File that the signed heads are appended to. Empty: the "
             "database's path with .heads behind it. Better on another disk "
             "or machine, and append-only (chattr +a)."},

    {.section = "wechat",
     .name = "accounts",
     .type = SID_SETTING_PATH,
     .default_value = "",
     .unit = "",
     .may_be_empty = true,
     AT(wechat_accounts),
     .help = "File with the bureau's accounts on WeChat, see smartidctl wechat "
             "accounts-example. Empty: there are none, and nothing is called."},
    {.section = "wechat",
     .name = "timeout_s",
     .type = SID_SETTING_INT,
     .min = 1,
     .max = 60,
     .default_value = "10",
     .unit = "seconds",
     AT(wechat_timeout_s),
     .help = "Longest wait for an answer of WeChat's API. Nobody else waits "
             "meanwhile."},
    {.section = "wechat",
     .name = "attempts",
     .type = SID_SETTING_INT,
     .min = 1,
     .max = 10,
     .default_value = "3",
     .unit = "attempts",
     AT(wechat_attempts),
     .help = "How often a call is tried before it goes back to the outbox."},
    {.section = "wechat",
     .name = "pause_after",
     .type = SID_SETTING_INT,
     .min = 1,
     .max = 100,
     .default_value = "5",
     .unit = "failures",
     AT(wechat_pause_after),
     .help = "After this many failures in a row an account's calls pause."},
    {.section = "wechat",
     .name = "pause_s",
     .type = SID_SETTING_INT,
     .min = 1,
     .max = 3600,
     .default_value = "5",
     .unit = "seconds",
     AT(wechat_pause_s),
     .help = "The first pause; each that follows is twice as long, up to two "
             "minutes."},
    {.section = "webhook",
     URL(webhook_url),
     .reloadable = true,
     .help = "Where the app's backend is told what happens: it gets POST "
             "requests, signed (smartidctl webhook secret). https, or http on "
             "this machine. Empty: nobody is told."},
    {.section = "webhook",
     PATH(webhook_ca_file, ""),
     .may_be_empty = true,
     .reloadable = true,
     .help = "Certificates (PEM) of the authorities that its certificate may "
             "come from. Empty: those that the system trusts."},
    {.section = "webhook",
     CHOICE(webhook_checks, "on | off", "off"),
     .reloadable = true,
     .help = "Whether it is told of each check of a credential, too."},
    {.section = "webhook",
     INT(webhook_expiry_days, 0, 365, "30", "days"),
     .reloadable = true,
     .help = "How long before a credential expires it is told so. 0: not."},

    {PAGE("enroll", page_enroll, "off"),
     .help = "The page /enroll, on which people enrol themselves. Needs "
             "client."},
    {PAGE("card", page_card, "off"),
     .help = "The page /card, which shows their code."},
    {PAGE("scan", page_scan, "off"), .help = "The page /scan, for clerks."},
    {PAGE("console", page_console, "off"),
     .help = "The page /console, for officers."},
    {PAGE("docs", page_docs, "on"),
     .help = "The page /docs and /openapi.json: the API explained."},
    {.section = "pages",
     .name = "client",
     .type = SID_SETTING_CLIENT,
     .default_value = "",
     .may_be_empty = true,
     .unit = "",
     AT(page_client),
     .reloadable = true,
     .help =
         "Client of role app (smartidctl client add) whose enrolments those "
         "of the page are."},
    {.section = "pages",
     .name = "dir",
     .type = SID_SETTING_PATH,
     .default_value = "",
     .may_be_empty = true,
     .unit = "",
     AT(page_dir),
     .reloadable = true,
     .help = "Folder whose files take the place of those of the same name that "
             "are built in. Read at the start and at a reload."},
    {.section = "pages",
     INT(session_idle_s, 60, 86400, "1800", "seconds"),
     .reloadable = true,
     .help = "Who has signed in on a page and does nothing for so long is "
             "signed out."},
    {.section = "pages",
     INT(session_life_s, 60, 604800, "28800", "seconds"),
     .reloadable = true,
     .help = "Longest time for which one is signed in."},
    {.section = "pages",
     INT(applicant_per_minute, 0, 100000, "60", "requests"),
     .reloadable = true,
     .help = "How much people on the page to enrol may send in a minute, all "
             "that share an address (of IPv6, a /64). 0: any number."},

    {.section = "log",
     CHOICE(log_level, "debug | info | warn | error", "info"),
     .reloadable = true,
     .help = "Lines below this level are not written."},
};
const size_t config_settings_count =
    sizeof config_settings / sizeof config_settings[0];

const struct sid_setting *
config_setting_find(const char *section, const char *name) {
    for (size_t i = 0; i < config_settings_count; i++) {
        if (strcmp(config_settings[i].section, section) == 0 &&
            strcmp(config_settings[i].name, name) == 0)
            return &config_settings[i];
    }
    return NULL;
}

bool
config_section_known(const char *section) {
    for (size_t i = 0; i < config_settings_count; i++) {
        if (strcmp(config_settings[i].section, section) == 0)
            return true;
    }
    return false;
}
