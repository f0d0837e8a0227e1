/* config_schema.c: the one table of settings, and how one value is read and
 * written. A setting that is not here does not exist. Constant; any thread. */
#include "config_schema.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/network.h"
#include "smartid/rand.h"
#include "smartid/secretfile.h"
#include "smartid/text.h"

#define AT(member)                                                             \
    .offset = offsetof(struct sid_config, member),                             \
    .size = sizeof(((struct sid_config *)NULL)->member)
#define INT(member, least, most, value, of)                                    \
    .name = #member, .type = SETTING_INT, .min = (least), .max = (most),       \
    .default_value = (value), .unit = (of), AT(member)
#define REAL(member, least, most, value)                                       \
    .name = #member, .type = SETTING_REAL, .min = (least), .max = (most),      \
    .default_value = (value), .unit = "", AT(member)
#define ADDRESS(member, value)                                                 \
    .name = #member, .type = SETTING_ADDRESS, .default_value = (value),        \
    .unit = "", AT(member)
#define PATH(member, value)                                                    \
    .name = #member, .type = SETTING_PATH, .default_value = (value),           \
    .unit = "", AT(member)
#define NETWORKS(member)                                                       \
    .name = #member, .type = SETTING_NETWORKS, .default_value = "",            \
    .may_be_empty = true, .unit = "", AT(member)
#define URL(member)                                                            \
    .name = #member, .type = SETTING_URL, .default_value = "",                 \
    .may_be_empty = true, .unit = "", AT(member)
/* A setting of [pages], where its name says enough. */
#define PAGE(as, member, value)                                                \
    .section = "pages", .name = (as), .type = SETTING_CHOICE,                  \
    .words = "on | off", .default_value = (value), .unit = "", AT(member),     \
    .reloadable = true
#define CHOICE(member, choices, value)                                         \
    .name = #member, .type = SETTING_CHOICE, .words = (choices),               \
    .default_value = (value), .unit = "", AT(member)

/* Rows of one section stand together. */
const struct setting config_settings[] = {
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
     .help = "The SQLite file. Its folder must belong to the daemon's user."},
    {.section = "store",
     PATH(control_socket, ""),
     .may_be_empty = true,
     .help = "Unix socket on which smartidctl talks to the running daemon. "
             "Empty: the database's path with .sock behind it. Not more than "
             "107 bytes with that."},

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
             "empty. The file is read again on SIGHUP."},

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
     .type = SETTING_CLIENT,
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
     .type = SETTING_PATH,
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

const struct setting *
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

static enum sid_err
refuse(const char **what, const char *why) {
    *what = why;
    return SID_E_CONFIG;
}

static void *
member(struct sid_config *config, const struct setting *setting) {
    return (char *)config + setting->offset;
}

static enum sid_err
parse_int(const struct setting *setting, const char *value, int64_t *out,
          const char **what) {
    char *end;
    errno = 0;
    long long n = strtoll(value, &end, 10);
    bool digit = *value == '-' || (*value >= '0' && *value <= '9');
    if (!digit || *end != '\0' || end == value)
        return refuse(what, "not a whole number");
    if (errno == ERANGE || (double)n < setting->min || (double)n > setting->max)
        return refuse(what, "out of range");
    *out = n;
    return SID_OK;
}

static enum sid_err
parse_real(const struct setting *setting, const char *value, double *out,
           const char **what) {
    /* strtod alone would take "inf", "nan" and hex as well. */
    bool plain =
        *value != '\0' && strspn(value, "0123456789.-") == strlen(value);
    char *end = NULL;
    double x = plain ? strtod(value, &end) : 0;
    if (!plain || *end != '\0')
        return refuse(what, "not a number");
    if (x < setting->min || x > setting->max)
        return refuse(what, "out of range");
    *out = x;
    return SID_OK;
}

static bool
is_word_of(const char *words, const char *value) {
    size_t len = strlen(value);
    for (const char *at = words; at != NULL;) {
        const char *end = strstr(at, " | ");
        size_t word = end == NULL ? strlen(at) : (size_t)(end - at);
        if (len == word && memcmp(at, value, len) == 0)
            return true;
        at = end == NULL ? NULL : end + 3;
    }
    return false;
}

/* "credential:NAME", see secretfile.h. */
static bool
is_credential(const char *value) {
    static const char prefix[] = SID_CREDENTIAL_PREFIX;
    const char *name = value + sizeof prefix - 1;
    return strncmp(value, prefix, sizeof prefix - 1) == 0 && name[0] != '\0' &&
           strchr(name, '/') == NULL;
}

/* What a listener takes without asking a name server. */
static bool
is_address(const char *value) {
    uint8_t bytes[16];
    return inet_pton(AF_INET, value, bytes) == 1 ||
           inet_pton(AF_INET6, value, bytes) == 1;
}

/* Why a text cannot be of this type; NULL: it can. */
static const char *
misfit(const struct setting *setting, const char *value) {
    struct sid_networks ignored;
    switch (setting->type) {
    case SETTING_ADDRESS:
        return is_address(value) ? NULL : "not an address in digits";
    case SETTING_PATH:
        return value[0] == '\0' || value[0] == '/' ||
                       (setting->may_be_credential && is_credential(value))
                   ? NULL
                   : "not an absolute path";
    case SETTING_CHOICE:
        return is_word_of(setting->words, value) ? NULL
                                                 : "not one of the words";
    case SETTING_NETWORKS:
        return sid_networks_parse(value, &ignored) == SID_OK ? NULL
                                                             : "not networks";
    case SETTING_URL:
        return value[0] == '\0' || sid_url_target(value)
                   ? NULL
                   : "not an address that may be sent to";
    case SETTING_CLIENT:
        return value[0] == '\0' || sid_id_valid("cli_", value)
                   ? NULL
                   : "not a client's id";
    case SETTING_INT:
    case SETTING_REAL:
        break;
    }
    return NULL;
}

static enum sid_err
parse_chars(const struct setting *setting, const char *value, char *out,
            const char **what) {
    size_t len = strlen(value);
    if (len == 0 && !setting->may_be_empty)
        return refuse(what, "empty");
    if (len >= setting->size)
        return refuse(what, "too long");
    if (!sid_utf8_clean(value, len))
        return refuse(what, "not clean text");
    const char *why = misfit(setting, value);
    if (why != NULL)
        return refuse(what, why);
    memset(out, 0, setting->size);
    memcpy(out, value, len);
    return SID_OK;
}

enum sid_err
config_setting_parse(const struct setting *setting, const char *value,
                     struct sid_config *config, const char **what) {
    void *to = member(config, setting);
    switch (setting->type) {
    case SETTING_INT:
        return parse_int(setting, value, to, what);
    case SETTING_REAL:
        return parse_real(setting, value, to, what);
    case SETTING_ADDRESS:
    case SETTING_PATH:
    case SETTING_CHOICE:
    case SETTING_NETWORKS:
    case SETTING_URL:
    case SETTING_CLIENT:
        break;
    }
    return parse_chars(setting, value, to, what);
}

void
config_setting_accepted(const struct setting *setting,
                        char out[CONFIG_ACCEPTED_SIZE]) {
    const size_t size = CONFIG_ACCEPTED_SIZE;
    const char *space = setting->unit[0] == '\0' ? "" : " ";
    switch (setting->type) {
    case SETTING_INT:
        (void)snprintf(out, size, "a whole number, %.0f to %.0f%s%s",
                       setting->min, setting->max, space, setting->unit);
        break;
    case SETTING_REAL:
        (void)snprintf(out, size, "a number, %g to %g%s%s", setting->min,
                       setting->max, space, setting->unit);
        break;
    case SETTING_ADDRESS:
        (void)snprintf(out, size, "an IPv4 or IPv6 address in digits");
        break;
    case SETTING_PATH:
        (void)snprintf(
            out, size, "an absolute path of up to %zu bytes%s%s",
            setting->size - 1, setting->may_be_empty ? ", or empty" : "",
            setting->may_be_credential ? ", or " SID_CREDENTIAL_PREFIX "NAME"
                                       : "");
        break;
    case SETTING_CHOICE:
        (void)snprintf(out, size, "%s", setting->words);
        break;
    case SETTING_NETWORKS:
        (void)snprintf(out, size,
                       "networks such as 10.1.0.0/16 2001:db8::/32, or empty");
        break;
    case SETTING_CLIENT:
        (void)snprintf(out, size,
                       "a client's id (smartidctl client list), or empty");
        break;
    case SETTING_URL:
        (void)snprintf(out, size,
                       "https://HOST/PATH, http:// on this machine, or empty");
        break;
    }
}

void
config_setting_value(const struct setting *setting,
                     const struct sid_config *config,
                     char out[CONFIG_VALUE_SIZE]) {
    const char *at = (const char *)config + setting->offset;
    int64_t n;
    double x;
    switch (setting->type) {
    case SETTING_INT:
        memcpy(&n, at, sizeof n);
        (void)snprintf(out, CONFIG_VALUE_SIZE, "%lld", (long long)n);
        break;
    case SETTING_REAL:
        memcpy(&x, at, sizeof x);
        (void)snprintf(out, CONFIG_VALUE_SIZE, "%.15g", x);
        break;
    case SETTING_ADDRESS:
    case SETTING_PATH:
    case SETTING_CHOICE:
    case SETTING_NETWORKS:
    case SETTING_URL:
    case SETTING_CLIENT:
        (void)snprintf(out, CONFIG_VALUE_SIZE, "%s", at);
        break;
    }
}
