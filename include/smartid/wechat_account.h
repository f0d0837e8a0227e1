/* wechat_account.h: the bureau's accounts on WeChat, one section each of an INI
 * file: several cities side by side.
 *
 *   [wechat.NAME]        the name stands in the address: /channels/wechat/NAME
 *   app_id = wx…
 *   app_secret_file = /etc/smartidd/wechat/NAME.secret
 *   …
 *
 * Read on the main thread; then read-only: any thread. The secrets live in the
 * list, which is wiped when it is freed. */
#ifndef SMARTID_WECHAT_ACCOUNT_H
#define SMARTID_WECHAT_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "smartid/enrolment.h"
#include "smartid/err.h"
#include "smartid/inifile.h"
#include "smartid/purpose.h"
#include "smartid/rand.h"
#include "smartid/setting.h"
#include "smartid/wechat_crypt.h"

/* Own choice: a province has some twenty cities. */
#define SID_WECHAT_ACCOUNTS_MAX 32

#define SID_WECHAT_BASE_SIZE 128
struct sid_wechat_account {
    char name[33]; /* [a-z0-9-]+ */
    /* from the file */
    char app_id[33];
    char app_secret_file[SID_PATH_SIZE];
    char token_file[SID_PATH_SIZE];
    char aes_key_file[SID_PATH_SIZE];          /* "" in plain mode */
    char aes_key_previous_file[SID_PATH_SIZE]; /* "": none */
    char mode[8];                              /* plain | compat | secure */
    char api_base[SID_WECHAT_BASE_SIZE];       /* https://api.weixin.qq.com */
    char oauth_base[SID_WECHAT_BASE_SIZE];     /* https://open.weixin.qq.com */
    char page_base[SID_WECHAT_BASE_SIZE]; /* where our pages are; "": none */
    char client[SID_ID_SIZE];             /* whose enrolments those are */
    char consent_version[SID_CONSENT_SIZE];
    char domain_file[SID_PATH_SIZE];       /* MP_verify_….txt; "": none */
    char texts_file[SID_PATH_SIZE];        /* "": the texts built in */
    char purposes[SID_PURPOSE_NAMES_SIZE]; /* for sid_purposes_resolve() */
    int64_t window_s;                      /* accepted difference of clocks */
    /* from the files it names */
    char app_secret[65];
    char token[33];
    char domain_name[64]; /* of the domain file, and what is in it; "": none */
    char domain_text[65];
    struct sid_wechat_aes_key aes_keys[2]; /* current, previous */
    size_t aes_key_n;                      /* 0 in plain mode */
};

/* True when pushes have to be encrypted: every mode but plain. Compat mode is
 * taken as secure mode: what stands in clear beside is not looked at. */
bool sid_wechat_account_sealed(const struct sid_wechat_account *account);

struct sid_wechat_accounts {
    size_t count;
    struct sid_wechat_account *item; /* count; owned */
};

/* Reads the file and the secret files it names. Refused, with file and line and
 * what would be accepted: an unknown section or key, one given twice, a value
 * not of its form, a key that is missing, an app id of another section, a
 * secret file that is not the daemon's own or not of its form. *out is written
 * only on success. Errors: SID_E_IO, SID_E_CONFIG, SID_E_NO_MEMORY; problem
 * says what. */
SID_FALLIBLE enum sid_err
sid_wechat_accounts_load(const char *path, struct sid_wechat_accounts *out,
                         struct sid_config_problem *problem);
void sid_wechat_accounts_free(struct sid_wechat_accounts *accounts);

/* The account of that name; NULL when there is none. */
const struct sid_wechat_account *
sid_wechat_accounts_find(const struct sid_wechat_accounts *accounts,
                         const char *name);

/* Writes an example file: every setting with its help and default. */
void sid_wechat_accounts_print_example(FILE *to);

#endif
