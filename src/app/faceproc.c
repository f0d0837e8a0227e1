/* faceproc.c: one face process, as its worker sees it: starting it, asking it
 * about a photo, finding out how it ended. Runs on the worker's thread; owns
 * the process, its socket and the photo buffer. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "faceproc_internal.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "smartid/sandbox.h"

#define SECOND_US ((int64_t)1000 * 1000)
/* Source: issue 3 part A. */
#define ANSWER_US (5 * SECOND_US)
/* Whole seconds are what the kernel counts: it is at least one less. Source:
 * issue 3 part B, 2 s for what passes the pre-scan. */
#define CPU_S 3
/* A fork that is not ready by then is none. Source: measured, 1 to 20 ms. */
#define READY_US (2 * SECOND_US)
/* What a photo may leave behind does so for this many others at most, and so
 * does the memory a large one has taken. Source: issue 3 part A; the largest
 * photos take 170 MiB. */
#define PHOTOS_MAX 100
#define PEAK_MAX_KIB (256 * 1024)

const char *
sid_fault_name(enum sid_fault fault) {
    static const char *const names[SID_FAULT_COUNT] = {
        [SID_FAULT_NONE] = "none",           [SID_FAULT_CRASH] = "crash",
        [SID_FAULT_FORBIDDEN] = "forbidden", [SID_FAULT_CPU] = "cpu",
        [SID_FAULT_MEMORY] = "memory",       [SID_FAULT_HANG] = "hang",
        [SID_FAULT_KILLED] = "killed",       [SID_FAULT_ANSWER] = "answer",
    };
    return names[fault];
}

static int64_t
within(int64_t us) {
    return sid_mono_us() + us * sid_sandbox_patience();
}

enum sid_err
sid_faceproc_init(struct sid_faceproc *proc) {
    const size_t len = SID_FACEPROC_BUFFER_BYTES;
    int fd = memfd_create("smartidd-photo", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return SID_E_NO_MEMORY;
    if (ftruncate(fd, (off_t)len) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        goto no_buffer;
    void *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        goto no_buffer;
    *proc = (struct sid_faceproc){.buffer = map, .buffer_fd = fd};
    return SID_OK;

no_buffer:
    (void)close(fd);
    return SID_E_NO_MEMORY;
}

/* Ends the process; the status it ended with, or had ended with already. */
static int
end(struct sid_faceproc *proc) {
    int status = 0;
    if (proc->pid == 0)
        return status;
    (void)kill(proc->pid, SIGKILL);
    while (waitpid(proc->pid, &status, 0) < 0 && errno == EINTR) {
    }
    (void)close(proc->fd);
    proc->pid = 0;
    return status;
}

void
sid_faceproc_fini(struct sid_faceproc *proc) {
    (void)end(proc);
    if (proc->buffer == NULL)
        return;
    (void)munmap(proc->buffer, SID_FACEPROC_BUFFER_BYTES);
    (void)close(proc->buffer_fd);
    proc->buffer = NULL;
}

/* ---- start --------------------------------------------------------------- */

static bool
still_there(const struct sid_faceproc *proc) {
    struct pollfd poller = {.fd = proc->fd, .events = POLLIN};
    /* It speaks when it is asked only: anything now is its end. */
    return proc->pid != 0 && !proc->spent && poll(&poller, 1, 0) == 0;
}

static enum sid_err
hear_ready(struct sid_faceproc *proc) {
    struct sid_faceproc_report report = {0};
    enum sid_err err =
        sid_packet_receive(proc->fd, &report, sizeof report, within(READY_US));
    if (err == SID_OK)
        err = report.err;
    if (err == SID_OK)
        return SID_OK;
    report.problem[sizeof report.problem - 1] = '\0';
    sid_log(SID_LOG_ERROR, "face_process_not_ready", SID_N("pid", proc->pid),
            SID_S("code", sid_err_code(err)),
            SID_S("why", err == report.err ? report.problem : ""));
    (void)end(proc);
    return SID_E_IO;
}

enum sid_err
sid_faceproc_ensure(struct sid_faceproc *proc, struct sid_forkserver *server) {
    if (still_there(proc))
        return SID_OK;
    (void)end(proc);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return SID_E_IO;
    const int fds[2] = {pair[1], proc->buffer_fd};
    enum sid_err err = sid_forkserver_fork(server, fds, &proc->pid);
    (void)close(pair[1]);
    if (err != SID_OK) {
        (void)close(pair[0]);
        return err;
    }
    proc->fd = pair[0];
    proc->photos = 0;
    proc->spent = false;
    sid_metric_add(SID_M_FACE_PROCESSES, 1);
    return hear_ready(proc);
}

/* ---- a photo ------------------------------------------------------------- */

/* CPU time is counted over the process' life: the limit moves on. */
static void
limit_cpu(pid_t pid) {
    clockid_t clock;
    struct timespec used = {0};
    struct rlimit limit = {.rlim_max = RLIM_INFINITY};
    if (clock_getcpuclockid(pid, &clock) == 0 &&
        clock_gettime(clock, &used) == 0) {
        limit.rlim_cur =
            (rlim_t)(used.tv_sec + CPU_S * (time_t)sid_sandbox_patience());
        (void)prlimit(pid, RLIMIT_CPU, &limit, NULL);
    }
}

static enum sid_fault
fault_of(int status) {
    if (!WIFSIGNALED(status))
        return SID_FAULT_CRASH;
    switch (WTERMSIG(status)) {
    case SIGSYS:
        return SID_FAULT_FORBIDDEN;
    case SIGXCPU:
        return SID_FAULT_CPU;
    case SIGKILL:
        return SID_FAULT_KILLED;
    default:
        return SID_FAULT_CRASH;
    }
}

static bool
is_possible(const struct sid_faceproc_answer *answer,
            const struct sid_faceproc_request *request) {
    return answer->number == request->number &&
           (answer->err == SID_E_NO_MEMORY || answer->err == SID_E_MODEL ||
            (answer->err == SID_OK &&
             sid_facts_credible(&answer->facts, request->kind)));
}

/* Judges the answer; a process that has erred is ended. */
static enum sid_fault
judge(struct sid_faceproc *proc, const struct sid_faceproc_request *request,
      const struct sid_faceproc_answer *answer) {
    enum sid_fault fault = SID_FAULT_NONE;
    if (!is_possible(answer, request))
        fault = SID_FAULT_ANSWER;
    else if (answer->err == SID_E_NO_MEMORY)
        fault = SID_FAULT_MEMORY;
    if (fault != SID_FAULT_NONE)
        (void)end(proc);
    return fault;
}

static enum sid_fault
ask(struct sid_faceproc *proc, const struct sid_faceproc_request *request,
    int64_t deadline_us, struct sid_faceproc_answer *answer) {
    int64_t answer_us = within(ANSWER_US);
    limit_cpu(proc->pid);
    /* Should it be gone already, the answer will not come. */
    enum sid_err err =
        sid_packet_send(proc->fd, request, sizeof *request, NULL, 0);
    if (err == SID_OK)
        err = sid_packet_receive(proc->fd, answer, sizeof *answer,
                                 answer_us < deadline_us ? answer_us
                                                         : deadline_us);
    if (err == SID_OK)
        return judge(proc, request, answer);
    /* Ending it does not change how it has ended by itself. */
    enum sid_fault fault = fault_of(end(proc));
    if (fault == SID_FAULT_KILLED && err == SID_E_TIMEOUT)
        return SID_FAULT_HANG;
    return err == SID_E_ARGUMENT ? SID_FAULT_ANSWER : fault;
}

/* How much of the buffer a photo takes, and what the process puts there. */
static size_t
used(size_t photo_bytes, const uint8_t *portrait) {
    return portrait != NULL && photo_bytes < SID_PORTRAIT_PIXEL_BYTES
               ? SID_PORTRAIT_PIXEL_BYTES
               : photo_bytes;
}

enum sid_fault
sid_faceproc_ask(struct sid_faceproc *proc, struct sid_span bytes,
                 enum sid_photo_kind kind, int64_t deadline_us,
                 uint8_t *portrait, enum sid_err *err,
                 struct sid_photo_facts *out) {
    SID_ASSERT(bytes.len <= SID_FACEPROC_BUFFER_BYTES);
    struct sid_faceproc_request request = {.number = ++proc->number,
                                           .len = bytes.len,
                                           .kind = kind,
                                           .portrait = portrait != NULL};
    struct sid_faceproc_answer answer;
    memcpy(proc->buffer, bytes.ptr, bytes.len);
    enum sid_fault fault = ask(proc, &request, deadline_us, &answer);
    if (fault == SID_FAULT_NONE && answer.err == SID_OK && portrait != NULL)
        memcpy(portrait, proc->buffer, SID_PORTRAIT_PIXEL_BYTES);
    sid_wipe(proc->buffer, used(bytes.len, portrait));
    if (fault == SID_FAULT_NONE) {
        proc->photos++;
        proc->spent =
            proc->photos >= PHOTOS_MAX || answer.peak_kib > PEAK_MAX_KIB;
        *err = answer.err;
        if (answer.err == SID_OK) {
            *out = answer.facts;
            memset(out->sha256, 0, sizeof out->sha256);
        }
    }
    sid_wipe(&answer, sizeof answer);
    return fault;
}
