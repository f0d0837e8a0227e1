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
#include "smartid/rand.h"
#include "smartid/setting.h"
#include "smartid/url.h"

/* What photo_max_bytes may be set to. */
#define SID_PHOTO_BYTES_LIMIT 33554432
/* Writers of one daemon. Source: own choice: eight daemons of eight take all 64
 * places of a database. */
#define SID_WRITERS_MAX 8

struct sid_config {
    /* [http] */
    char listen_address[64]; /* default 127.0.0.1 */
    int64_t listen_port;     /* 0..65535; 0 = any free port, logged */
    int64_t io_threads;      /* 1..64, default 2 */
    int64_t max_connections; /* 8..60000, default 1024 */
    int64_t idle_timeout_s;  /* 1..3600, default 30 */
    int64_t head_timeout_s;  /* 1..3600, default 10 */
    int64_t body_timeout_s;  /* 1..3600, default 30 */
    int64_t wait_max_s;      /* longest Prefer: wait, 0..300, default 60 */
    char trusted_proxies[SID_PATH_SIZE]; /* networks whose X-Forwarded-For is
                                            believed; default none */
    /* [store] */
    char database[SID_PATH_SIZE];       /* path of the SQLite file, or a
                                           server, see store.h */
    char control_socket[SID_PATH_SIZE]; /* smartidctl talks to the daemon here;
                                           empty: <database>.sock */
    int64_t pg_writers; /* 1..SID_WRITERS_MAX, default 1: to a server */
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
    char face_isolation[16];  /* process | thread, default process */
    char liveness_action[16]; /* review | off, default review */
    double liveness_review;   /* 0..1, default 0.10 */
    /* [purposes] */
    char purposes_file[SID_PATH_SIZE]; /* empty: the built-in ones */
    /* [challenge] */
    char challenge[16];  /* required | preferred | off, default preferred */
    int64_t life_s;      /* of a challenge, 30..3600, default 120 */
    double min_turn_deg; /* of a frame, 10..45, default 15 */
    double match_accept_without; /* 0..1, default 0.60 */
    /* [review] */
    char review_two_person[8]; /* on | off, default off */
    int64_t appeal_days;       /* 0..3650, default 30; 0: no appeals */
    /* [limits] */
    int64_t attempts_per_day; /* of a person, 0..1000, default 5; 0: any */
    int64_t photo_max_bytes;  /* 64 KiB..32 MiB, default 8 MiB */
    int64_t clerk_per_minute; /* requests of a clerk's key, unless it has a
                                 number of its own; 0..1000000, default 60, 0:
                                 no limit */
    int64_t auth_failures_per_minute; /* of one source; 0..10000, default 5,
                                         0: no limit */
    int64_t upload_total_bytes; /* one enrolment..64 GiB, default 256 MiB */
    /* [retention] */
    int64_t idempotency_s;  /* how long an Idempotency-Key is remembered,
                               60..604800, default 86400 */
    int64_t undecided_days; /* 1..3650, default 30 */
    int64_t rejected_days;  /* 1..3650, default 30 */
    int64_t failed_days;    /* 1..3650, default 30 */
    int64_t revoked_days;   /* 1..3650, default 365 */
    int64_t audit_days;     /* 0..36500, default 0 = for ever */
    int64_t faces_alarm;    /* 1..1000000000, default 90000 */
    /* [audit] */
    int64_t head_interval_s;       /* 5..3600, default 60 */
    char head_file[SID_PATH_SIZE]; /* empty: <database>.heads */
    /* [webhook] */
    char webhook_url[SID_URL_SIZE];      /* empty: none; see url.h */
    char webhook_ca_file[SID_PATH_SIZE]; /* empty: the system's authorities */
    char webhook_checks[8];              /* on | off, default off */
    int64_t webhook_expiry_days;         /* 0..365, default 30; 0: not told */
    /* [wechat] */
    char wechat_accounts[SID_PATH_SIZE]; /* empty: there are none */
    int64_t wechat_timeout_s;            /* 1..60, default 10 */
    int64_t wechat_attempts;             /* 1..10, default 3 */
    int64_t wechat_pause_after;          /* 1..100 failures, default 5 */
    int64_t wechat_pause_s;              /* 1..3600, default 5 */
    /* [pages] */
    char page_enroll[8];           /* on | off, default off; needs a client */
    char page_card[8];             /* on | off, default off */
    char page_scan[8];             /* on | off, default off */
    char page_console[8];          /* on | off, default off */
    char page_docs[8];             /* on | off, default on */
    char page_client[SID_ID_SIZE]; /* whose enrolments those of the page are;
                                      empty: nobody's */
    char page_dir[SID_PATH_SIZE];  /* empty: what is built in */
    int64_t session_idle_s;        /* 60..86400, default 1800 */
    int64_t session_life_s;        /* 60..604800, default 28800 */
    int64_t applicant_per_minute; /* of one source; 0..100000, default 60, 0: no
                                     limit */
    /* [log] */
    char log_level[8]; /* debug | info | warn | error */
};

/* A frame of a challenge is a picture of a camera's preview, not a photo: this
 * part of a photo's largest size is plenty. Own choice: a frame of 1920 x 1080
 * as JPEG has under 1 MB. */
#define SID_FRAME_SHARE 4
/* What an enrolment's body may have beyond its photos. */
#define SID_UPLOAD_EXTRA_BYTES 65536
/* The largest body of an enrolment: two photos and three frames. */
static inline int64_t
sid_config_upload_max_bytes(const struct sid_config *config) {
    return 2 * config->photo_max_bytes +
           3 * (config->photo_max_bytes / SID_FRAME_SHARE) +
           SID_UPLOAD_EXTRA_BYTES;
}

/* Every setting at its default. */
void sid_config_default(struct sid_config *out);

/* Reads FILE (INI, inih) over the defaults, then the environment
 * (SMARTIDD_<SECTION>_<NAME>). An unknown section or key, a repeated key, a
 * value of the wrong type or out of range, match_review > match_accept,
 * upload_total_bytes < one enrolment, a control socket whose path is too long
 * for one, a page to enrol without a client: all refused. Errors: SID_E_IO
 * (cannot be read), SID_E_NO_MEMORY, SID_E_CONFIG; problem says where and what
 * would be accepted; out untouched. */
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
 * "section.name", its next value, and whether it can be taken over without a
 * restart. Both texts are borrowed for the call. */
void sid_config_diff(const struct sid_config *now,
                     const struct sid_config *next,
                     void (*each)(const char *name, const char *value,
                                  bool reloadable, void *ctx),
                     void *ctx);
/* Calls `each` for every setting with "section.name" and its value as it would
 * stand in the file; is_default: it has not been touched. Both texts are
 * borrowed for the call. */
void sid_config_each(const struct sid_config *config,
                     void (*each)(const char *name, const char *value,
                                  bool is_default, void *ctx),
                     void *ctx);
/* The value of a setting that is empty for "beside the database": `setting`
 * itself, or the database's path with `suffix` behind it. */
#define SID_BESIDE_SIZE (SID_PATH_SIZE + 8)
void sid_config_beside(const struct sid_config *config, const char *setting,
                       const char *suffix, char out[SID_BESIDE_SIZE]);
/* Copies only the reloadable settings of next into *now. */
void sid_config_take_reloadable(struct sid_config *now,
                                const struct sid_config *next);

#endif
