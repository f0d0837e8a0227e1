/* flow_recover.h: a lost phone: a new holder secret and a new serial for all
 * that a person has, so that the old phone's secret and its codes are dead.
 *
 * Chats that were bound to the person are parted from them in the same
 * transaction, and told so.
 *
 * By the app with a fresh selfie: io reserves a place (before the body);
 * writer: may this be tried, the attempt is counted; a worker examines the
 * photos, which are never stored; writer: the face is compared with the
 * template, and all is renewed or not. By an officer, who has seen person and
 * card: at once. */
#ifndef SMARTID_FLOW_RECOVER_H
#define SMARTID_FLOW_RECOVER_H

#include "smartid/flow_credential.h"
#include "smartid/flow_wechat.h"
#include "smartid/recovery.h"

struct sid_recover {
    struct sid_credential_look look; /* first: flow, id, credential, state */
    /* in, of an app: a place and body_bytes are reserved (sid_enrol_reserve) */
    struct sid_buf photo[SID_PHOTO_KINDS]; /* taken: selfie, frames */
    char challenge_id[SID_ID_SIZE];        /* "" when none */
    uint64_t body_bytes;
    /* in, of who does not know the credential: its person's number in place of
     * look.id, see sid_app_number_index() */
    bool by_number;
    uint8_t id_index[SID_SHA256_BYTES];
    /* in, of who came out of a chat, which is bound; openid "": nobody did */
    char wechat_account[SID_WECHAT_ACCOUNT_SIZE];
    char wechat_openid[SID_OPENID_SIZE];
    /* in, of an officer */
    enum sid_recover_reason reason;
    /* out, when flow.err is SID_OK */
    bool recovered;
    char holder_secret[SID_HOLDER_SECRET_SIZE]; /* when recovered */
    struct sid_reasons reasons; /* else: what app and person are told */
    int tries_left; /* else, unless by number: before only an officer can */
    /* private */
    struct sid_job job;
    bool has_place;
    bool nobody; /* by number: nobody is recognised, whatever the photos show */
    char enrolment_id[SID_ID_SIZE];
    struct sid_steps steps;
    struct sid_reasons quality; /* of the photos */
    struct sid_recovery_facts facts;
    float face[SID_EMBEDDING_FLOATS];
    enum sid_err work_err; /* of the photos, or of what came after */
};
/* By number nothing tells whether somebody with that number is here: who is
 * not, whose phone cannot be replaced with a face (locked, no face, revoked),
 * and whose face it is not are all not recognised, after the photos were looked
 * at, and how many tries are left is not told.
 * Takes place and bytes over in every case. flow.err: SID_E_NOT_FOUND (also
 * when it is somebody else's), SID_E_RECOVERY_LOCKED (too many have failed, or
 * there is no face to compare with), those of a state but suspended,
 * SID_E_QUEUE_FULL (nobody can look at photos now), those of a challenge (see
 * sid_enrol_submit_start()), SID_E_STOPPING … done is always called. */
void sid_recover_start(struct sid_recover *recover);
void sid_recover_fini(struct sid_recover *recover);

#endif
