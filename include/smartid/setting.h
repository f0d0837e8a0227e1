/* setting.h: one setting as a row of a table: its type, its bounds, where its
 * value lies in a struct.
 *
 * The daemon's settings (src/base/config_schema.c) and the WeChat accounts are
 * tables of such rows; parser, example and messages are made from them.
 * Constant; any thread. */
#ifndef SMARTID_SETTING_H
#define SMARTID_SETTING_H

#include <stdbool.h>
#include <stddef.h>

#include "smartid/err.h"

#define SID_PATH_SIZE 512

enum sid_setting_type {
    SID_SETTING_INT,      /* int64_t */
    SID_SETTING_REAL,     /* double */
    SID_SETTING_TEXT,     /* char[size], not empty */
    SID_SETTING_ADDRESS,  /* char[size], IPv4 or IPv6 in digits */
    SID_SETTING_PATH,     /* char[size], absolute */
    SID_SETTING_CHOICE,   /* char[size], one of `words` */
    SID_SETTING_NETWORKS, /* char[size], for sid_networks_parse(), or empty */
    SID_SETTING_URL,      /* char[size], for sid_url_target(), or empty */
    SID_SETTING_CLIENT,   /* char[SID_ID_SIZE], a client's id, or empty */
};

struct sid_setting {
    const char *section;
    const char *name;
    enum sid_setting_type type;
    double min, max;           /* INT and REAL */
    const char *default_value; /* as it would stand in the file */
    const char *unit;          /* "" when it has none */
    const char *words;         /* CHOICE: "a | b | c" */
    bool may_be_empty;         /* TEXT and PATH */
    bool may_be_credential;    /* PATH only: of systemd */
    bool may_be_server;        /* PATH only: a URI of PostgreSQL */
    bool reloadable;
    size_t offset; /* in the struct that holds the values */
    size_t size;   /* of the member */
    const char *help;
};

/* Reads a value into its member of *object. Errors: SID_E_CONFIG (object
 * untouched); what: why not, for example "out of range"; static. */
SID_FALLIBLE enum sid_err sid_setting_parse(const struct sid_setting *setting,
                                            const char *value, void *object,
                                            const char **what);

/* What would be taken, for example "a whole number, 0 to 65535". */
#define SID_SETTING_ACCEPTED_SIZE 192
void sid_setting_accepted(const struct sid_setting *setting,
                          char out[SID_SETTING_ACCEPTED_SIZE]);

/* The value in force, as it would stand in the file. */
#define SID_SETTING_VALUE_SIZE SID_PATH_SIZE
void sid_setting_value(const struct sid_setting *setting, const void *object,
                       char out[SID_SETTING_VALUE_SIZE]);

#endif
