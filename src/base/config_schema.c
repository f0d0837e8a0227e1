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
#define TEXT(member, value)                                                    \
    .name = #member, .type = SID_SETTING_TEXT, .default_value = (value),       \
    .unit = "", AT(member)
#define PATH(member, value)                                                    \
    .name = #member, .type = SID_SETTING_PATH, .default_value = (value),       \
    .unit = "", AT(member)
#define NETWORKS(member)                                                       \
    .name = #member, .type = SID_SETTING_NETWORKS, .default_value = "",        \
    .may_be_empty = true, .unit = "", AT(member)
#define CHOICE(member, choices, value)                                         \
    .name = #member, .type = SID_SETTING_CHOICE, .words = (choices),           \
    .default_value = (value), .unit = "", AT(member)

/* Rows of one section stand together. */
const struct sid_setting config_settings[] = {
    {.section = "http",
     TEXT(listen_address, "127.0.0.1"),
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
             "Empty: the database's path with .sock behind it."},

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
     CHOICE(liveness_action, "review | reject | off", "review"),
     .reloadable = true,
     .help = "What happens to a selfie that does not look alive."},
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

    {.section = "limits",
     INT(photo_max_bytes, 65536, 33554432, "8388608", "bytes"),
     .reloadable = true,
     .help = "Largest photo that is taken."},
    {.section = "limits",
     INT(auth_failures_per_minute, 0, 10000, "5", "failures"),
     .reloadable = true,
     .help = "Wrong keys that one address may show in a minute; more are "
             "answered with 429. A good key always passes. 0: no limit."},

    {.section = "retention",
     INT(idempotency_s, 60, 604800, "86400", "seconds"),
     .reloadable = true,
     .help = "How long an Idempotency-Key is remembered."},

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
