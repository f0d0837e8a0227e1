/* account.c: the accounts' file, one table row per setting, and the secrets it
 * names. Runs on the main thread; owns nothing but the list it makes. */
#include "smartid/wechat_account.h"

#include <stdlib.h>
#include <string.h>

#include "smartid/secretfile.h"
#include "smartid/text.h"

#define SECTION_PREFIX "wechat."
#define SETTINGS_MAX 16

#define AT(member, of)                                                         \
    .name = #member, .section = "wechat", .unit = (of),                        \
    .offset = offsetof(struct sid_wechat_account, member),                     \
    .size = sizeof(((struct sid_wechat_account *)NULL)->member)

/* No default: it has to be given. */
static const struct sid_setting settings[] = {
    {AT(app_id, ""), .type = SID_SETTING_TEXT,
     .help = "The account's AppID, as its admin page shows it."},
    {AT(app_secret_file, ""), .type = SID_SETTING_PATH,
     .may_be_credential = true,
     .help = "File with the AppSecret; of the daemon's user, mode 0600 or "
             "0400, as all of these."},
    {AT(token_file, ""), .type = SID_SETTING_PATH, .may_be_credential = true,
     .help = "File with the Token: 3 to 32 letters and digits, made up by you "
             "and written into the admin page."},
    {AT(mode, ""), .type = SID_SETTING_CHOICE,
     .words = "plain | compat | secure", .default_value = "secure",
     .help = "As chosen in the admin page. In plain mode nothing protects what "
             "a message says."},
    {AT(aes_key_file, ""), .type = SID_SETTING_PATH, .may_be_empty = true,
     .may_be_credential = true, .default_value = "",
     .help = "File with the EncodingAESKey: 43 characters. Needed in every "
             "mode but plain."},
    {AT(aes_key_previous_file, ""), .type = SID_SETTING_PATH,
     .may_be_empty = true, .may_be_credential = true, .default_value = "",
     .help = "File with the key before, while it is being changed."},
    {AT(api_base, ""), .type = SID_SETTING_TEXT,
     .default_value = "https://api.weixin.qq.com",
     .help = "Where WeChat's API is; the only place the daemon calls. https, "
             "or http on the loopback."},
    {AT(oauth_base, ""), .type = SID_SETTING_TEXT,
     .default_value = "https://open.weixin.qq.com",
     .help = "Where browsers are sent to be told apart."},
    {AT(page_base, ""), .type = SID_SETTING_TEXT, .may_be_empty = true,
     .default_value = "",
     .help = "Where the residents' pages are, as their phones see it. Empty: "
             "everything happens inside the chat."},
    {AT(client, ""), .type = SID_SETTING_CLIENT,
     .help = "The client, of role app, whose enrolments are those of this "
             "account."},
    {AT(consent_version, ""), .type = SID_SETTING_TEXT,
     .default_value = "wechat-1",
     .help = "Which version of the consent's words the chat shows; stored with "
             "each enrolment."},
    {AT(domain_file, ""), .type = SID_SETTING_PATH, .may_be_empty = true,
     .default_value = "",
     .help = "The file MP_verify_….txt that WeChat asks for at the root of "
             "page_base. Empty: somebody else serves it."},
    {AT(texts_file, ""), .type = SID_SETTING_PATH, .may_be_empty = true,
     .default_value = "",
     .help = "The bureau's own wording. Empty: the texts built in."},
    {AT(purposes, ""), .type = SID_SETTING_TEXT, .may_be_empty = true,
     .default_value = "",
     .help = "Names of the purposes for which clerks may check codes in this "
             "chat, with spaces between. Empty: none."},
    {AT(window_s, "seconds"), .type = SID_SETTING_INT, .min = 30, .max = 3600,
     .default_value = "600",
     .help = "By how much WeChat's clock and ours may differ."},
};
#define SETTINGS_COUNT (sizeof settings / sizeof settings[0])
_Static_assert(SETTINGS_COUNT <= SETTINGS_MAX, "a row has a line number");

bool
sid_wechat_account_sealed(const struct sid_wechat_account *account) {
    return strcmp(account->mode, "plain") != 0;
}

/* ---- the file ----------------------------------------------------------- */

struct section {
    int line;                  /* where it begins */
    int line_of[SETTINGS_MAX]; /* where a row was set; 0: not in the file */
};

struct reading {
    struct sid_ini ini;
    struct sid_wechat_accounts list;
    struct section section[SID_WECHAT_ACCOUNTS_MAX];
};

static bool
name_fits(const char *name) {
    size_t len = strlen(name);
    return len > 0 && len < sizeof((struct sid_wechat_account *)NULL)->name &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static void
set_defaults(struct sid_wechat_account *account) {
    const char *what;
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        if (settings[i].default_value != NULL)
            SID_ASSERT(sid_setting_parse(&settings[i],
                                         settings[i].default_value, account,
                                         &what) == SID_OK);
    }
}

static enum sid_err
take_section(struct sid_ini *ini, const char *section) {
    struct reading *r = ini->ctx;
    const char *name = section + sizeof SECTION_PREFIX - 1;
    if (strncmp(section, SECTION_PREFIX, sizeof SECTION_PREFIX - 1) != 0 ||
        !name_fits(name))
        return sid_ini_refuse(ini,
                              "[%.60s]: unknown section; accepted: "
                              "[wechat.NAME], NAME of 1 to 32 of a-z 0-9 -",
                              section);
    for (size_t i = 0; i < r->list.count; i++) {
        if (strcmp(r->list.item[i].name, name) == 0)
            return sid_ini_refuse(
                ini, "[%s]: begun on line %d already; accepted: once", section,
                r->section[i].line);
    }
    if (r->list.count == SID_WECHAT_ACCOUNTS_MAX)
        return sid_ini_refuse(ini,
                              "[%s]: too many; accepted: up to %d accounts",
                              section, SID_WECHAT_ACCOUNTS_MAX);
    struct sid_wechat_account *account = &r->list.item[r->list.count];
    (void)snprintf(account->name, sizeof account->name, "%s", name);
    set_defaults(account);
    r->section[r->list.count].line = ini->line;
    r->list.count++;
    return SID_OK;
}

/* A name, IPv4 or bracketed IPv6 address, and a port or none; nothing else. */
static bool
is_host(const char *host) {
    size_t len = 0;
    if (*host == '[') {
        len = 1 + strspn(host + 1, "0123456789abcdefABCDEF:.");
        if (host[len++] != ']')
            return false;
    } else {
        len = strspn(host, "abcdefghijklmnopqrstuvwxyz"
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
    }
    if (len == 0 || host[0] == '-' || host[0] == '.')
        return false;
    if (host[len] == '\0')
        return true;
    size_t digits = strspn(host + len + 1, "0123456789");
    return host[len] == ':' && digits >= 1 && digits <= 5 &&
           host[len + 1 + digits] == '\0';
}

static bool
is_loopback(const char *host) {
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t len = strlen(names[i]);
        if (strncmp(host, names[i], len) == 0 &&
            (host[len] == '\0' || host[len] == ':'))
            return true;
    }
    return false;
}

/* What is wrong with a base address; NULL for none. "" passes. */
static const char *
base_problem(const char *base) {
    bool tls = strncmp(base, "https://", 8) == 0;
    if (base[0] == '\0')
        return NULL;
    if (!tls && strncmp(base, "http://", 7) != 0)
        return "neither https:// nor http://";
    const char *host = base + (tls ? 8 : 7);
    if (!is_host(host))
        return "not just a host";
    return tls || is_loopback(host) ? NULL : "http beyond the loopback";
}

/* Names of purposes as grants are stored: single spaces, each once. */
static bool
names_fit(const char *names) {
    char again[SID_PURPOSE_NAMES_SIZE] = "";
    char name[SID_PURPOSE_NAME_SIZE];
    for (const char *at = names; sid_purpose_names_next(&at, name);) {
        if (sid_purpose_names_add(again, name) != SID_OK)
            return false;
    }
    return strcmp(again, names) == 0;
}

/* What the table cannot say; NULL when it is good. */
static const char *
form_problem(const struct sid_setting *s, const char *value,
             const char **accepted) {
    if (strcmp(s->name, "app_id") == 0) {
        *accepted = "1 to 32 letters and digits";
        return strspn(value, "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789_-") == strlen(value)
                   ? NULL
                   : "not an AppID";
    }
    if (strstr(s->name, "_base") != NULL) {
        *accepted = "https://HOST or https://HOST:PORT; http:// for 127.0.0.1, "
                    "localhost, [::1]";
        return base_problem(value);
    }
    if (strcmp(s->name, "purposes") == 0) {
        *accepted = "names of purposes with single spaces between, each once";
        return names_fit(value) ? NULL : "not names";
    }
    return NULL;
}

static enum sid_err
fail_unknown_key(struct sid_ini *ini, const char *section, const char *name) {
    char known[400] = "";
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        size_t have = strlen(known);
        (void)snprintf(known + have, sizeof known - have, "%s%s",
                       have > 0 ? ", " : "", settings[i].name);
    }
    return sid_ini_refuse(ini, "%.40s.%.40s: unknown setting; accepted: %s",
                          section, name, known);
}

static enum sid_err
take_pair(struct sid_ini *ini, const char *section, const char *name,
          const char *value) {
    struct reading *r = ini->ctx;
    if (r->list.count == 0)
        return sid_ini_refuse(ini,
                              "%.40s: before any section; accepted: a "
                              "[wechat.NAME] line before it",
                              name);
    size_t row = 0;
    while (row < SETTINGS_COUNT && strcmp(settings[row].name, name) != 0)
        row++;
    if (row == SETTINGS_COUNT)
        return fail_unknown_key(ini, section, name);
    const struct sid_setting *s = &settings[row];
    int *line = &r->section[r->list.count - 1].line_of[row];
    if (*line != 0)
        return sid_ini_refuse(ini,
                              "%s.%s: set on line %d already; accepted: once",
                              section, name, *line);
    *line = ini->line;
    char accepted[SID_SETTING_ACCEPTED_SIZE];
    const char *what = NULL, *form = accepted;
    sid_setting_accepted(s, accepted);
    if (sid_setting_parse(s, value, &r->list.item[r->list.count - 1], &what) ==
        SID_OK)
        what = form_problem(s, value, &form);
    if (what == NULL)
        return SID_OK;
    return sid_ini_refuse(ini, "%s.%s: %s; accepted: %s", section, name, what,
                          form);
}

/* ---- the secrets -------------------------------------------------------- */

static enum sid_err
fail_at(struct reading *r, size_t account, size_t row, const char *what,
        const char *accepted) {
    const struct section *section = &r->section[account];
    int line =
        section->line_of[row] > 0 ? section->line_of[row] : section->line;
    r->ini.line = line;
    return sid_ini_refuse(&r->ini, "wechat.%s.%s: %s; accepted: %s",
                          r->list.item[account].name, settings[row].name, what,
                          accepted);
}

static const char *
secret_problem(enum sid_err err) {
    if (err == SID_E_NOT_FOUND)
        return "there is no such file";
    if (err == SID_E_SECRET_MODE)
        return "no regular file of this user with mode 0600 or 0400";
    return err == SID_E_SECRET_FORMAT ? "not of its form" : "cannot be read";
}

/* Reads the secret that a row's file holds. */
static enum sid_err
read_secret(struct reading *r, size_t account, const char *path, size_t row,
            char *out, size_t out_size, const char *accepted) {
    enum sid_err err = sid_secretfile_read_text(path, out, out_size);
    if (err == SID_OK)
        return SID_OK;
    return fail_at(r, account, row, secret_problem(err), accepted);
}

static size_t
row_of(const char *name) {
    size_t row = 0;
    while (strcmp(settings[row].name, name) != 0) {
        row++;
        SID_ASSERT(row < SETTINGS_COUNT);
    }
    return row;
}

static enum sid_err
read_aes_key(struct reading *r, size_t account, const char *path,
             const char *name) {
    static const char form[] = "a file with 43 characters of Base64";
    struct sid_wechat_account *a = &r->list.item[account];
    char text[SID_WECHAT_AES_KEY_CHARS + 1] = "";
    size_t row = row_of(name);
    enum sid_err err =
        read_secret(r, account, path, row, text, sizeof text, form);
    if (err == SID_OK &&
        sid_wechat_aes_key_parse(text, &a->aes_keys[a->aes_key_n]) != SID_OK)
        err = fail_at(r, account, row, "not an EncodingAESKey", form);
    if (err == SID_OK)
        a->aes_key_n++;
    sid_wipe(text, sizeof text);
    return err;
}

#define ALPHANUMERIC                                                           \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* MP_verify_….txt */
static bool
is_domain_name(const char *name) {
    static const char begin[] = "MP_verify_";
    if (strncmp(name, begin, sizeof begin - 1) != 0)
        return false;
    name += sizeof begin - 1;
    size_t len = strspn(name, ALPHANUMERIC);
    return len > 0 && strcmp(name + len, ".txt") == 0;
}

/* What is public: whose file it is does not matter. */
static bool
read_domain_text(const char *path, char *out, size_t out_size) {
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return false;
    size_t len = fread(out, 1, out_size - 1, in);
    bool good = ferror(in) == 0 && fgetc(in) == EOF;
    (void)fclose(in);
    out[len] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    return good && out[0] != '\0' && out[strspn(out, ALPHANUMERIC)] == '\0';
}

static enum sid_err
read_domain(struct reading *r, size_t account) {
    struct sid_wechat_account *a = &r->list.item[account];
    const char *slash = strrchr(a->domain_file, '/');
    const char *name = slash == NULL ? a->domain_file : slash + 1;
    size_t row = row_of("domain_file");
    if (a->domain_file[0] == '\0')
        return SID_OK;
    if (!is_domain_name(name) ||
        sid_text_copy(a->domain_name, sizeof a->domain_name, name) != SID_OK)
        return fail_at(r, account, row, "not WeChat's file",
                       "the file MP_verify_….txt, with its name");
    if (!read_domain_text(a->domain_file, a->domain_text,
                          sizeof a->domain_text))
        return fail_at(r, account, row, "cannot be read, or is not its form",
                       "a file with up to 64 letters and digits");
    return SID_OK;
}

static enum sid_err
read_secrets(struct reading *r, size_t account) {
    struct sid_wechat_account *a = &r->list.item[account];
    size_t token = row_of("token_file");
    static const char token_form[] = "a file with 3 to 32 letters and "
                                     "digits";
    enum sid_err err =
        read_secret(r, account, a->app_secret_file, row_of("app_secret_file"),
                    a->app_secret, sizeof a->app_secret,
                    "a file with the secret of up to 64 characters");
    if (err == SID_OK)
        err = read_secret(r, account, a->token_file, token, a->token,
                          sizeof a->token, token_form);
    if (err == SID_OK && (strlen(a->token) < 3 ||
                          strspn(a->token, "abcdefghijklmnopqrstuvwxyz"
                                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                           "0123456789") != strlen(a->token)))
        err = fail_at(r, account, token, "not a Token", token_form);
    if (err == SID_OK && a->aes_key_file[0] != '\0')
        err = read_aes_key(r, account, a->aes_key_file, "aes_key_file");
    if (err == SID_OK && a->aes_key_previous_file[0] != '\0')
        err = read_aes_key(r, account, a->aes_key_previous_file,
                           "aes_key_previous_file");
    return err;
}

static enum sid_err
check_account(struct reading *r, size_t account) {
    const struct sid_wechat_account *a = &r->list.item[account];
    for (size_t row = 0; row < SETTINGS_COUNT; row++) {
        char accepted[SID_SETTING_ACCEPTED_SIZE];
        sid_setting_accepted(&settings[row], accepted);
        if (settings[row].default_value == NULL &&
            r->section[account].line_of[row] == 0)
            return fail_at(r, account, row, "missing", accepted);
    }
    bool sealed = sid_wechat_account_sealed(a);
    size_t key = row_of("aes_key_file");
    if (sealed && a->aes_key_file[0] == '\0')
        return fail_at(r, account, key, "missing", "a path, or mode = plain");
    if (!sealed && a->aes_key_file[0] != '\0')
        return fail_at(r, account, key, "not used in plain mode",
                       "mode = secure, or no key");
    if (a->aes_key_file[0] == '\0' && a->aes_key_previous_file[0] != '\0')
        return fail_at(r, account, row_of("aes_key_previous_file"),
                       "without aes_key_file", "both, or none");
    for (size_t i = 0; i < account; i++) {
        if (strcmp(r->list.item[i].app_id, a->app_id) == 0)
            return fail_at(r, account, row_of("app_id"),
                           "the app_id of another section", "one of its own");
    }
    enum sid_err err = read_domain(r, account);
    return err == SID_OK ? read_secrets(r, account) : err;
}

enum sid_err
sid_wechat_accounts_load(const char *path, struct sid_wechat_accounts *out,
                         struct sid_config_problem *problem) {
    struct sid_buf text = SID_BUF_EMPTY;
    struct reading r = {.ini = {.path = path,
                                .section = take_section,
                                .pair = take_pair,
                                .ctx = &r,
                                .problem = problem}};
    r.list.item = calloc(SID_WECHAT_ACCOUNTS_MAX, sizeof *r.list.item);
    if (r.list.item == NULL)
        return SID_E_NO_MEMORY;
    enum sid_err err = sid_ini_read(&r.ini, &text);
    if (err == SID_OK)
        err = sid_ini_parse(&r.ini, sid_buf_span(&text));
    for (size_t i = 0; i < r.list.count && err == SID_OK; i++)
        err = check_account(&r, i);
    if (err == SID_OK)
        *out = r.list;
    else
        sid_wechat_accounts_free(&r.list);
    sid_buf_free(&text);
    return err;
}

void
sid_wechat_accounts_free(struct sid_wechat_accounts *accounts) {
    sid_free_wiped(accounts->item);
    *accounts = (struct sid_wechat_accounts){0};
}

const struct sid_wechat_account *
sid_wechat_accounts_find(const struct sid_wechat_accounts *accounts,
                         const char *name) {
    for (size_t i = 0; i < accounts->count; i++) {
        if (strcmp(accounts->item[i].name, name) == 0)
            return &accounts->item[i];
    }
    return NULL;
}

void
sid_wechat_accounts_print_example(FILE *to) {
    fputs(
        "# Accounts on WeChat, a section each; its name stands in the address "
        "that is\n"
        "# written into the account's admin page: "
        "https://HOST/channels/wechat/NAME\n\n"
        "#[wechat.city]\n",
        to);
    for (size_t row = 0; row < SETTINGS_COUNT; row++) {
        const struct sid_setting *s = &settings[row];
        char accepted[SID_SETTING_ACCEPTED_SIZE];
        sid_setting_accepted(s, accepted);
        fprintf(to, "\n# %s\n# Accepted: %s.%s\n#%s =%s%s\n", s->help, accepted,
                s->default_value == NULL ? " Must be given." : "", s->name,
                s->default_value == NULL || s->default_value[0] == '\0' ? ""
                                                                        : " ",
                s->default_value == NULL ? "" : s->default_value);
    }
}
