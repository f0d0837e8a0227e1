/* config.h: the daemon's settings, from one schema table.
 *
 * src/base/config.c holds one table row per setting (section, name, type,
 * minimum, maximum, default, unit, help, reloadable). The example file, the
 * parser, --print-config and the reload report are all made from that table.
 * Loaded before threads start; afterwards read-only, except for a reload, which
 * makes a new struct. */
#ifndef SMARTID_CONFIG_H
#define SMARTID_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "smartid/err.h"
#include "smartid/inifile.h"
#include "smartid/setting.h"

struct sid_config {
    /* [http] */
    char listen_address[64]; /* default 127.0.0.1 */
    int64_t listen_port;     /* 0..65535; 0 = any free port, logged */
    int64_t io_threads;      /* 1..64, default 2 */
    int64_t max_connections; /* 8..60000, default 1024 */
    int64_t idle_timeout_s;  /* 1..3600, default 30 */
    int64_t wait_max_s;      /* longest Prefer: wait, 0..300, default 60 */
    char trusted_proxies[SID_PATH_SIZE]; /* networks whose X-Forwarded-For is
                                            believed; default none */
    /* [store] */
    char database[SID_PATH_SIZE];       /* path of the SQLite file */
    char control_socket[SID_PATH_SIZE]; /* smartidctl talks to the daemon here;
                                           empty: <database>.sock */
    /* [keys] */
    char master_key_file[SID_PATH_SIZE];
    /* [code] */
    int64_t code_period_s; /* 60..86400, default 86400 */
    int64_t code_grace_s;  /* 0..3600, default 120 */
    int64_t clock_skew_s;  /* 0..300, default 30 */
    /* [face] */
    char model_dir[SID_PATH_SIZE];
    int64_t workers;          /* 0 = number of cores; 0..64, default 0 */
    int64_t queue_capacity;   /* enrolments held at once, 1..4096, default 64 */
    double match_accept;      /* 0..1, default 0.50 */
    double match_review;      /* 0..1, default 0.35 */
    char liveness_action[16]; /* review | reject | off, default review */
    double liveness_review;   /* 0..1, default 0.10 */
    /* [purposes] */
    char purposes_file[SID_PATH_SIZE]; /* empty: the built-in ones */
    /* [limits] */
    int64_t photo_max_bytes;          /* 64 KiB..32 MiB, default 8 MiB */
    int64_t auth_failures_per_minute; /* of one source; 0..10000, default 5,
                                         0: no limit */
    /* [retention] */
    int64_t idempotency_s; /* how long an Idempotency-Key is remembered,
                              60..604800, default 86400 */
    /* [log] */
    char log_level[8]; /* debug | info | warn | error */
};

/* Every setting at its default. */
void sid_config_default(struct sid_config *out);

/* Reads FILE (INI, inih) over the defaults, then the environment
 * (SMARTIDD_<SECTION>_<NAME>). An unknown section or key, a repeated key, a
 * value of the wrong type or out of range, match_review > match_accept: all
 * refused. Errors: SID_E_IO (cannot be read), SID_E_CONFIG; problem says where
 * and what would be accepted; out untouched. */
SID_FALLIBLE enum sid_err sid_config_load(const char *path,
                                          struct sid_config *out,
                                          struct sid_config_problem *problem);

/* Writes the example file: every setting with help, unit, range, default,
 * commented out where the default stands. config/smartidd.conf.example is
 * this output. */
void sid_config_print_example(FILE *to);
/* Writes the settings in force, in the same form, one line each. */
void sid_config_print(const struct sid_config *config, FILE *to);

/* What a reload would do: calls `each` for every setting that differs, with
 * "section.name" and whether it can be taken over without a restart. */
void sid_config_diff(const struct sid_config *now,
                     const struct sid_config *next,
                     void (*each)(const char *name, bool reloadable, void *ctx),
                     void *ctx);
/* Copies only the reloadable settings of next into *now. */
void sid_config_take_reloadable(struct sid_config *now,
                                const struct sid_config *next);

#endif
