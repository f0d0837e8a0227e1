/* config_schema.h: the one table of settings, for the files of this folder
 * that read it: config.c and config_print.c. Constant; any thread. */
#ifndef SID_BASE_CONFIG_SCHEMA_H
#define SID_BASE_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "smartid/config.h"

enum setting_type {
    SETTING_INT,      /* int64_t */
    SETTING_REAL,     /* double */
    SETTING_ADDRESS,  /* char[size], IPv4 or IPv6 in digits */
    SETTING_PATH,     /* char[size], absolute */
    SETTING_CHOICE,   /* char[size], one of `words` */
    SETTING_NETWORKS, /* char[size], for sid_networks_parse(), or empty */
    SETTING_URL,      /* char[size], for sid_url_target(), or empty */
    SETTING_CLIENT,   /* char[SID_ID_SIZE], a client's id, or empty */
};

struct setting {
    const char *section;
    const char *name;
    enum setting_type type;
    double min, max;           /* INT and REAL */
    const char *default_value; /* as it would stand in the file */
    const char *unit;          /* "" when it has none */
    const char *words;         /* CHOICE: "a | b | c" */
    bool may_be_empty;         /* PATH only */
    bool may_be_credential;    /* PATH only: of systemd */
    bool reloadable;
    size_t offset; /* in struct sid_config */
    size_t size;   /* of the member */
    const char *help;
};

extern const struct setting config_settings[];
extern const size_t config_settings_count;

/* The row of a setting; NULL when there is none. */
const struct setting *config_setting_find(const char *section,
                                          const char *name);
bool config_section_known(const char *section);

/* Reads a value into its member of *config. Errors: SID_E_CONFIG; what: why
 * not, for example "out of range". */
SID_FALLIBLE enum sid_err config_setting_parse(const struct setting *setting,
                                               const char *value,
                                               struct sid_config *config,
                                               const char **what);

/* What would be taken, for example "a whole number, 0 to 65535". */
#define CONFIG_ACCEPTED_SIZE 160
void config_setting_accepted(const struct setting *setting,
                             char out[CONFIG_ACCEPTED_SIZE]);

/* The value in force, as it would stand in the file. */
#define CONFIG_VALUE_SIZE SID_PATH_SIZE
void config_setting_value(const struct setting *setting,
                          const struct sid_config *config,
                          char out[CONFIG_VALUE_SIZE]);

#endif
