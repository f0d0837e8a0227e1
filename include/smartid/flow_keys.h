/* flow_keys.h: the daemon's own keys, for admins: which there are, a new
 * version, another master key. See keys.h for what each does. */
#ifndef SMARTID_FLOW_KEYS_H
#define SMARTID_FLOW_KEYS_H

#include "smartid/app.h"
#include "smartid/config.h"
#include "smartid/keys.h"

struct sid_key_list {
    struct sid_flow flow;
    struct sid_wrapped_key *rows;   /* out: owned; wrapped is not filled */
    size_t count;                   /* out */
    int current[SID_KEY_USE_COUNT]; /* out */
    int64_t rewrap_left;            /* out: people's keys under older ones */
    int64_t rewrap_total;           /* out: when the last rotation began */
};
void sid_key_list_start(struct sid_key_list *list);
void sid_key_list_fini(struct sid_key_list *list);

struct sid_key_rotate {
    struct sid_flow flow;
    enum sid_key_use use; /* in: not root */
    bool revoke_old;      /* in: code only: the older ones die at once */
    int version;          /* out: the new one */
    /* private */
    struct sid_new_key made;
    struct sid_key_range dead;
};
/* When done is called new things are made with the new version. flow.err:
 * SID_E_FIELD_INVALID (root; revoke_old with another use), SID_E_CONFLICT (no
 * number is left) … */
void sid_key_rotate_start(struct sid_key_rotate *rotate);
void sid_key_rotate_fini(struct sid_key_rotate *rotate);

struct sid_master_change {
    struct sid_flow flow;
    char new_key_file[SID_PATH_SIZE]; /* in: "": the next path of keys.h */
    bool replaced; /* out: the file of the settings holds the new key; else the
                      caller must put it there before the next start */
    /* private */
    struct sid_master *next;
    char next_path[SID_PATH_SIZE + 8];
};
/* When done is called the database needs the new key. flow.err: SID_E_NOT_FOUND
 * (no such file), SID_E_SECRET_MODE, SID_E_SECRET_FORMAT … */
void sid_master_change_start(struct sid_master_change *change);
void sid_master_change_fini(struct sid_master_change *change);

#endif
