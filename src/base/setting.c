/* setting.c: how the value of one setting is read and written, by the row that
 * describes it. Pure; any thread. */
#include "smartid/setting.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/network.h"
#include "smartid/rand.h"
#include "smartid/secretfile.h"
#include "smartid/text.h"
#include "smartid/url.h"

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

/* What a listener takes without asking a name server. */
static bool
is_address(const char *value) {
    uint8_t bytes[16];
    return inet_pton(AF_INET, value, bytes) == 1 ||
           inet_pton(AF_INET6, value, bytes) == 1;
}

/* Why a text cannot be of this type; NULL: it can. */
static const char *
misfit(const struct sid_setting *setting, const char *value) {
    struct sid_networks ignored;
    switch (setting->type) {
    case SID_SETTING_ADDRESS:
        return is_address(value) ? NULL : "not an address in digits";
    case SID_SETTING_PATH:
        return value[0] == '\0' || value[0] == '/' ||
                       (setting->may_be_credential && is_credential(value)) ||
                       (setting->may_be_server && sid_url_is_server(value) &&
                        !sid_url_has_password(value))
                   ? NULL
               : setting->may_be_server
                   ? "neither an absolute path nor a server without password"
                   : "not an absolute path";
    case SID_SETTING_CHOICE:
        return is_word_of(setting->words, value) ? NULL
                                                 : "not one of the words";
    case SID_SETTING_NETWORKS:
        return sid_networks_parse(value, &ignored) == SID_OK ? NULL
                                                             : "not networks";
    case SID_SETTING_URL:
        return value[0] == '\0' || sid_url_target(value)
                   ? NULL
                   : "not an address that may be sent to";
    case SID_SETTING_CLIENT:
        return value[0] == '\0' || sid_id_valid("cli_", value)
                   ? NULL
                   : "not a client's id";
    case SID_SETTING_INT:
    case SID_SETTING_REAL:
    case SID_SETTING_TEXT:
        break;
    }
    return NULL;
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
    const char *why = misfit(setting, value);
    if (why != NULL)
        return refuse(what, why);
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
    case SID_SETTING_ADDRESS:
    case SID_SETTING_PATH:
    case SID_SETTING_CHOICE:
    case SID_SETTING_NETWORKS:
    case SID_SETTING_URL:
    case SID_SETTING_CLIENT:
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
    case SID_SETTING_ADDRESS:
        (void)snprintf(out, size, "an IPv4 or IPv6 address in digits");
        break;
    case SID_SETTING_PATH:
        (void)snprintf(
            out, size, "an absolute path of up to %zu bytes%s%s",
            setting->size - 1, setting->may_be_empty ? ", or empty" : "",
            setting->may_be_credential ? ", or " SID_CREDENTIAL_PREFIX "NAME"
            : setting->may_be_server   ? ", or postgresql:// (passfile=)"
                                       : "");
        break;
    case SID_SETTING_CHOICE:
        (void)snprintf(out, size, "%s", setting->words);
        break;
    case SID_SETTING_NETWORKS:
        (void)snprintf(out, size,
                       "networks such as 10.1.0.0/16 2001:db8::/32, or empty");
        break;
    case SID_SETTING_CLIENT:
        (void)snprintf(out, size, "a client's id (smartidctl client list)%s",
                       setting->may_be_empty ? ", or empty" : "");
        break;
    case SID_SETTING_URL:
        (void)snprintf(out, size,
                       "https://HOST/PATH, http:// on this machine, or empty");
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
    case SID_SETTING_ADDRESS:
    case SID_SETTING_PATH:
    case SID_SETTING_CHOICE:
    case SID_SETTING_NETWORKS:
    case SID_SETTING_URL:
    case SID_SETTING_CLIENT:
        (void)snprintf(out, SID_SETTING_VALUE_SIZE, "%s", at);
        break;
    }
}
