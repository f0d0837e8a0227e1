/* config_schema.h: the one table of settings, for the files of this folder
 * that read it: config.c and config_print.c. Constant; any thread. */
#ifndef SID_BASE_CONFIG_SCHEMA_H
#define SID_BASE_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "smartid/config.h"
#include "smartid/setting.h"

/* Rows of struct sid_config. */
extern const struct sid_setting config_settings[];
extern const size_t config_settings_count;

/* The row of a setting; NULL when there is none. */
const struct sid_setting *config_setting_find(const char *section,
                                              const char *name);
bool config_section_known(const char *section);

#endif
