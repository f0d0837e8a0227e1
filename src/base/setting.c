/* setting.c: how the value of one setting is read and written, by the row that
 * describes it. Pure; any thread. */
#include "smartid/setting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/network.h"
#include "smartid/secretfile.h"
#include "smartid/text.h"

static enum sid_err
refuse(const char **what, const char *why) {
    *what = why;
    return SID_E_CONFIG;
}

static enum sid_err
parse_int(const struct sid_setting *setting, const char *value, int64_t *out,
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
parse_real(const struct sid_setting *setting, const char *value, double *out,
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

static enum sid_err
parse_chars(const struct sid_setting *setting, const char *value, char *out,
            const char **what) {
    size_t len = strlen(value);
    if (len == 0 && !setting->may_be_empty)
        return refuse(what, "empty");
    if (len >= setting->size)
        return refuse(what, "too long");
    if (!sid_utf8_clean(value, len))
        return refuse(what, "not clean text");
    if (setting->type == SID_SETTING_PATH && len > 0 && value[0] != '/' &&
        !(setting->may_be_credential && is_credential(value)))
        return refuse(what, "not an absolute path");
    if (setting->type == SID_SETTING_CHOICE &&
        !is_word_of(setting->words, value))
        return refuse(what, "not one of the words");
    struct sid_networks ignored;
    if (setting->type == SID_SETTING_NETWORKS &&
        sid_networks_parse(value, &ignored) != SID_OK)
        return refuse(what, "not networks");
    memset(out, 0, setting->size);
    memcpy(out, value, len);
    return SID_OK;
}

enum sid_err
sid_setting_parse(const struct sid_setting *setting, const char *value,
                  void *object, const char **what) {
    void *to = (char *)object + setting->offset;
    switch (setting->type) {
    case SID_SETTING_INT:
        return parse_int(setting, value, to, what);
    case SID_SETTING_REAL:
        return parse_real(setting, value, to, what);
    case SID_SETTING_TEXT:
    case SID_SETTING_PATH:
    case SID_SETTING_CHOICE:
    case SID_SETTING_NETWORKS:
        break;
    }
    return parse_chars(setting, value, to, what);
}

void
sid_setting_accepted(const struct sid_setting *setting,
                     char out[SID_SETTING_ACCEPTED_SIZE]) {
    const size_t size = SID_SETTING_ACCEPTED_SIZE;
    const char *space = setting->unit[0] == '\0' ? "" : " ";
    switch (setting->type) {
    case SID_SETTING_INT:
        (void)snprintf(out, size, "a whole number, %.0f to %.0f%s%s",
                       setting->min, setting->max, space, setting->unit);
        break;
    case SID_SETTING_REAL:
        (void)snprintf(out, size, "a number, %g to %g%s%s", setting->min,
                       setting->max, space, setting->unit);
        break;
    case SID_SETTING_TEXT:
        (void)snprintf(out, size, "%d to %zu bytes of text",
                       setting->may_be_empty ? 0 : 1, setting->size - 1);
        break;
    case SID_SETTING_PATH:
        (void)snprintf(
            out, size, "an absolute path of up to %zu bytes%s%s",
            setting->size - 1, setting->may_be_empty ? ", or empty" : "",
            setting->may_be_credential ? ", or " SID_CREDENTIAL_PREFIX "NAME"
                                       : "");
        break;
    case SID_SETTING_CHOICE:
        (void)snprintf(out, size, "%s", setting->words);
        break;
    case SID_SETTING_NETWORKS:
        (void)snprintf(out, size,
                       "networks such as 10.1.0.0/16 2001:db8::/32, or empty");
        break;
    }
}

void
sid_setting_value(const struct sid_setting *setting, const void *object,
                  char out[SID_SETTING_VALUE_SIZE]) {
    const char *at = (const char *)object + setting->offset;
    int64_t n;
    double x;
    switch (setting->type) {
    case SID_SETTING_INT:
        memcpy(&n, at, sizeof n);
        (void)snprintf(out, SID_SETTING_VALUE_SIZE, "%lld", (long long)n);
        break;
    case SID_SETTING_REAL:
        memcpy(&x, at, sizeof x);
        (void)snprintf(out, SID_SETTING_VALUE_SIZE, "%.15g", x);
        break;
    case SID_SETTING_TEXT:
    case SID_SETTING_PATH:
    case SID_SETTING_CHOICE:
    case SID_SETTING_NETWORKS:
        (void)snprintf(out, SID_SETTING_VALUE_SIZE, "%s", at);
        break;
    }
}
