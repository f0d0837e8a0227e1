/* apikey.c: how keys and holders' secrets are made, and the words for roles.
 * Pure but for the random bytes; any thread; owns nothing. */
#include "smartid/apikey.h"

#include <stdio.h>
#include <string.h>

#include "smartid/buf.h"
#include "smartid/text.h"

/* 12 characters of base32 are 60 bits: made of 8 bytes, cut. */
#define NAME_RANDOM_BYTES 8
#define SECRET_RANDOM_BYTES 32

static const struct {
    enum sid_role role;
    const char *name;
    bool may_be_asked_for;
} roles[] = {
    {SID_ROLE_NONE, "none", false},      {SID_ROLE_HOLDER, "holder", false},
    {SID_ROLE_APP, "app", true},         {SID_ROLE_CLERK, "clerk", true},
    {SID_ROLE_OFFICER, "officer", true}, {SID_ROLE_ADMIN, "admin", true},
};
#define ROLES (sizeof roles / sizeof roles[0])

enum sid_err
sid_role_parse(const char *text, enum sid_role *out) {
    for (size_t i = 0; i < ROLES; i++) {
        if (roles[i].may_be_asked_for && strcmp(roles[i].name, text) == 0) {
            *out = roles[i].role;
            return SID_OK;
        }
    }
    return SID_E_ARGUMENT;
}

const char *
sid_role_name(enum sid_role role) {
    for (size_t i = 0; i < ROLES; i++) {
        if (roles[i].role == role)
            return roles[i].name;
    }
    return "none";
}

enum sid_err
sid_apikey_make(struct sid_client *client, char out[SID_APIKEY_SIZE]) {
    uint8_t random[NAME_RANDOM_BYTES + SECRET_RANDOM_BYTES];
    char name[SID_BASE32_CHARS(NAME_RANDOM_BYTES) + 1];
    char secret[SID_BASE32_CHARS(SECRET_RANDOM_BYTES) + 1];
    char text[SID_APIKEY_SIZE];
    uint8_t hash[SID_SHA256_BYTES];
    enum sid_err err = sid_rand_bytes(random, sizeof random);
    if (err != SID_OK)
        goto out;
    sid_base32_encode(random, NAME_RANDOM_BYTES, name);
    name[SID_APIKEY_NAME_CHARS] = '\0';
    sid_base32_encode(random + NAME_RANDOM_BYTES, SECRET_RANDOM_BYTES, secret);
    int n = snprintf(text, sizeof text, "sidk_%s_%s", name, secret);
    SID_ASSERT(n == SID_APIKEY_CHARS);
    err = sid_sha256(sid_span_of(text, SID_APIKEY_CHARS), hash);
    if (err != SID_OK)
        goto out;
    memcpy(client->key_name, name, sizeof client->key_name);
    memcpy(client->key_hash, hash, sizeof hash);
    memcpy(out, text, sizeof text);
out:
    sid_wipe(random, sizeof random);
    sid_wipe(secret, sizeof secret);
    sid_wipe(text, sizeof text);
    return err;
}

enum sid_err
sid_holder_secret_make(const struct sid_mac_key *holder_key,
                       const char *enrolment_id, uint32_t generation,
                       char out[SID_HOLDER_SECRET_SIZE],
                       uint8_t hash[SID_SHA256_BYTES]) {
    /* The id's NUL goes in too and ends it. */
    const uint8_t number[] = {(uint8_t)(generation >> 24),
                              (uint8_t)(generation >> 16),
                              (uint8_t)(generation >> 8), (uint8_t)generation};
    const struct sid_span parts[] = {
        sid_span_of(enrolment_id, strlen(enrolment_id) + 1),
        sid_span_of(number, sizeof number),
    };
    uint8_t mac[SID_SHA256_BYTES];
    uint8_t made[SID_SHA256_BYTES];
    char text[SID_HOLDER_SECRET_SIZE] = "sidh_";
    enum sid_err err = sid_mac(holder_key, parts, 2, mac);
    if (err != SID_OK)
        goto out;
    sid_base32_encode(mac, sizeof mac, text + 5);
    err = sid_sha256(sid_span_of(text, SID_HOLDER_SECRET_CHARS), made);
    if (err != SID_OK)
        goto out;
    memcpy(out, text, sizeof text);
    memcpy(hash, made, sizeof made);
out:
    sid_wipe(mac, sizeof mac);
    sid_wipe(text, sizeof text);
    return err;
}
