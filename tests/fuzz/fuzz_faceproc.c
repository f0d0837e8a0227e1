/* fuzz_faceproc.c: src/app/faceproc.c, faceproc_wire.c, faceproc_facts.c and
 * faceproc_pack.c: what a face process that a photo has taken over could send
 * to the daemon, and a model pack that was spoilt on its way. Facts that are
 * believed are in range and can be judged. Beginning with a good answer, each
 * input is a list of changes to it, or, by its first byte, the packet itself or
 * a pack. libFuzzer's one thread. */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "fuzz.h"

/* There is no process: what its worker does to it is done to nobody. */
static int
nobody_limited(pid_t pid) {
    (void)pid;
    return 0;
}
static pid_t
nobody_ended(pid_t pid, int *status) {
    *status = 9; /* as if SIGKILL had ended it */
    return pid;
}
#define kill(pid, number) nobody_limited(pid)
#define prlimit(pid, what, limit, old) ((void)(limit), nobody_limited(pid))
#define clock_getcpuclockid(pid, clock)                                        \
    (*(clock) = CLOCK_MONOTONIC, nobody_limited(pid))
#define waitpid(pid, status, options) nobody_ended(pid, status)
#include "../../src/app/faceproc.c"
#undef kill
#undef waitpid

#include "smartid/image.h"

static struct sid_faceproc_answer good;
static uint8_t photo_buffer[64];

void
fuzz_setup(void) {
    struct sid_photo_facts *facts = &good.facts;
    memset(&good, 0, sizeof good);
    good.number = 1;
    good.peak_kib = 50000;
    facts->width_px = 4000;
    facts->height_px = 3000;
    facts->faces = 1;
    facts->box_w = facts->box_h = facts->face_px = 400;
    facts->box_score = 0.9F;
    facts->sharpness = 80;
    facts->brightness = 128;
    facts->liveness = 0.9F;
    facts->has_pose = facts->has_liveness = true;
    facts->embedding[0] = 1;
}

/* Everything that reads facts goes over them. */
static void
judge_facts(const struct sid_photo_facts *facts) {
    struct sid_config config;
    struct sid_policy policy;
    struct sid_decision decision;
    struct sid_reasons reasons;
    struct sid_photo_facts card = good.facts;
    card.has_pose = card.has_liveness = false;
    sid_config_default(&config);
    sid_policy_from_config(&config, &policy);
    sid_policy_photo(facts, SID_PHOTO_SELFIE, &reasons);
    sid_policy_decide(&policy, &card, facts, NULL, &decision);
    fuzz_expect(decision.state == SID_ENROL_APPROVED ||
                decision.state == SID_ENROL_REVIEW ||
                decision.state == SID_ENROL_REJECTED);
    fuzz_expect(!decision.has_scores || (decision.similarity >= -1.01F &&
                                         decision.similarity <= 1.01F));
    fuzz_expect(facts->faces > 0 || decision.state != SID_ENROL_APPROVED);
}

static void
receive(const void *packet, size_t size) {
    int pair[2];
    if (size == 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return;
    struct sid_faceproc proc = {
        .pid = 1, .fd = pair[0], .buffer = photo_buffer, .buffer_fd = -1};
    struct sid_photo_facts facts, untouched;
    memset(&facts, 0xa5, sizeof facts);
    memset(&untouched, 0xa5, sizeof untouched);
    enum sid_err err = SID_E_INTERNAL;
    if (send(pair[1], packet, size, MSG_DONTWAIT) == (ssize_t)size) {
        enum sid_fault fault =
            sid_faceproc_ask(&proc, sid_span_str("photo"), SID_PHOTO_SELFIE,
                             INT64_MAX, NULL, &err, &facts);
        bool taken = fault == SID_FAULT_NONE && err == SID_OK;
        /* One that has sent what cannot be is ended. */
        fuzz_expect((fault == SID_FAULT_NONE) == (proc.pid != 0));
        fuzz_expect(size == sizeof good || !taken);
        if (taken)
            judge_facts(&facts);
        else
            fuzz_expect(memcmp(&facts, &untouched, sizeof facts) == 0);
    }
    if (proc.pid != 0)
        (void)close(pair[0]);
    (void)close(pair[1]);
}

/* Two bytes say where, the third how many follow. */
static void
change(void *what, size_t what_size, const uint8_t *data, size_t size) {
    while (size > 3) {
        size_t at = ((size_t)data[0] << 8 | data[1]) % what_size;
        size_t len = data[2] % 9;
        data += 3;
        size -= 3;
        len = len < size ? len : size;
        len = len < what_size - at ? len : what_size - at;
        memcpy((uint8_t *)what + at, data, len);
        data += len;
        size -= len;
    }
}

static void
make_engine(const uint8_t *data, size_t size) {
    static struct sid_face_pack pack;
    struct sid_face_engine *engine = NULL;
    char problem[SID_FACEPROC_PROBLEM_SIZE] = "", path[FUZZ_PATH_SIZE];
    uint8_t bytes[4096] = {0};
    int fd = -1;
    if (sid_pack_share(&pack, &fd) == SID_OK) {
        ssize_t len = pread(fd, bytes, sizeof bytes, 0);
        (void)close(fd);
        if (len < 1)
            abort();
        change(bytes, (size_t)len, data, size);
        /* Some are too short. */
        fd =
            fuzz_file(bytes, (size_t)len - (size > 0 && data[0] == 0xff), path);
        enum sid_err err =
            sid_pack_engine(fd, &engine, problem, sizeof problem);
        fuzz_expect((err == SID_OK) == (engine != NULL));
        sid_face_engine_free(&engine);
        fuzz_file_close(fd);
    }
}

void
fuzz_one(const uint8_t *data, size_t size) {
    static struct sid_faceproc_answer answer;
    if (size < 1)
        return;
    switch (data[0] % 4) {
    case 0:
        receive(data + 1, size - 1);
        break;
    case 1:
        make_engine(data + 1, size - 1);
        break;
    default:
        answer = good;
        change(&answer, sizeof answer, data + 1, size - 1);
        receive(&answer, sizeof answer);
    }
}
