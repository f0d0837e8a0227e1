/* faceproc_main.c: inside the fork server and its face processes (faceproc.h).
 *
 * Both have one thread. The fork server owns the engine, of which each face
 * process has a copy by its fork; what it is told comes from the daemon alone.
 * A face process owns its socket and its view of the photo buffer and reads
 * strangers' photos: from sid_sandbox_shut() on it may be anybody's. */
#include "smartid/faceproc.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "faceproc_internal.h"
#include "smartid/photo.h"
#include "smartid/sandbox.h"

/* With everything loaded the fork server maps 90 MiB; the buffer is 32, and the
 * largest photo decodes to 72. Source: measured; reliability.md section 3.2. */
#define MEMORY_BYTES ((size_t)1 << 30)

/* Whoever checks a code stands at a counter; whoever enrols has just pressed a
 * button. So a check goes first where there are too few processors, but not so
 * much that a photo misses the 5 s that it has for its answer on a machine that
 * is busy with other things. Source: sched(7), half of the daemon's weight;
 * measured, with 5 a photo that is searched in all ways missed them at 15
 * runnable processes, with 3 it has more of them than before the networks'
 * loops were faster. */
#define NICENESS 3

/* ---- a face process ------------------------------------------------------ */

/* read(2) and write(2), as the sandbox has no other calls. */
static bool
get_request(struct sid_faceproc_request *out) {
    ssize_t n;
    do {
        n = read(SID_FACEPROC_SOCKET, out, sizeof *out);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *out && out->len <= SID_FACEPROC_BUFFER_BYTES;
}

static bool
put(const void *packet, size_t len) {
    return write(SID_FACEPROC_SOCKET, packet, len) == (ssize_t)len;
}

static int64_t
peak_kib(void) {
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void
answer_photos(struct sid_face_engine *engine, uint8_t *buffer) {
    struct sid_faceproc_request request;
    while (get_request(&request)) {
        struct sid_faceproc_answer answer;
        memset(&answer, 0, sizeof answer);
        answer.number = request.number;
        answer.err = sid_photo_look(
            engine, sid_span_of(buffer, (size_t)request.len), request.kind,
            request.portrait ? buffer : NULL, &answer.facts);
        answer.peak_kib = peak_kib();
        bool sent = put(&answer, sizeof answer);
        sid_wipe(&answer, sizeof answer);
        if (!sent)
            return;
    }
}

/* From the fork to the last photo. fds: as FORK has them. */
static void
be_face_process(struct sid_face_engine *engine, const int fds[2]) {
    struct sid_faceproc_report report = {.err = SID_E_INTERNAL};
    /* Closes the fork server's own socket with the same stroke. */
    if (dup2(fds[0], SID_FACEPROC_SOCKET) < 0)
        return;
    (void)prctl(PR_SET_NAME, "smartidd-face");
    /* Where it is refused, checks are a little slower. */
    (void)!nice(NICENESS);
    uint8_t *buffer = mmap(NULL, SID_FACEPROC_BUFFER_BYTES,
                           PROT_READ | PROT_WRITE, MAP_SHARED, fds[1], 0);
    if (buffer != MAP_FAILED) {
        (void)close(fds[0]);
        (void)close(fds[1]);
        report.err = sid_sandbox_shut();
    }
    if (report.err != SID_OK)
        (void)snprintf(report.problem, sizeof report.problem,
                       "sandbox: error %d of the kernel", errno);
    if (put(&report, sizeof report) && report.err == SID_OK)
        answer_photos(engine, buffer);
}

/* ---- the fork server ----------------------------------------------------- */

/* A fork whose parent is the daemon, which can then see how it ends: what
 * fork() of the library cannot do. There is one thread and no fork handler. */
static pid_t
fork_for_the_daemon(void) {
    return (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_PARENT | SIGCHLD),
                          NULL, NULL, NULL, NULL);
}

/* Memory in large pieces that are kept: loading the networks took 11,500 page
 * faults, a third of its time, and takes 6,900. Blocks of up to 32 MiB come
 * from the heap, which grows by 16 MiB and shrinks when 32 are free. Source:
 * mallopt(3); measured, 330 and 236 ms. (With huge pages loading is quicker
 * still, but each photo then takes 1.5 times as long in the forks.) */
static void
tune_memory(void) {
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 32 << 20);
    (void)mallopt(M_TOP_PAD, 16 << 20);
}

static void
load(struct sid_face_engine **engine, struct sid_faceproc_report *report) {
    struct sid_faceproc_order order;
    int fd = -1;
    report->err = sid_packet_receive_with(SID_FACEPROC_SOCKET, &order,
                                          sizeof order, &fd, 1);
    if (report->err == SID_OK)
        report->err = sid_pack_engine(fd, engine, report->problem,
                                      sizeof report->problem);
    if (fd >= 0)
        (void)close(fd);
}

static bool
serve_fork(struct sid_face_engine *engine) {
    struct sid_faceproc_order order;
    struct sid_faceproc_report report = {.err = SID_OK};
    int fds[2] = {-1, -1};
    if (sid_packet_receive_with(SID_FACEPROC_SOCKET, &order, sizeof order, fds,
                                2) != SID_OK)
        return false;
    report.pid = fork_for_the_daemon();
    if (report.pid == 0) {
        be_face_process(engine, fds);
        _exit(EXIT_FAILURE);
    }
    if (report.pid < 0)
        report.err = SID_E_NO_MEMORY;
    (void)close(fds[0]);
    (void)close(fds[1]);
    return sid_packet_send(SID_FACEPROC_SOCKET, &report, sizeof report, NULL,
                           0) == SID_OK;
}

static bool
started_by_the_daemon(void) {
    int type = 0;
    socklen_t len = sizeof type;
    return getsockopt(SID_FACEPROC_SOCKET, SOL_SOCKET, SO_TYPE, &type, &len) ==
               0 &&
           type == SOCK_SEQPACKET;
}

static int
be_fork_server(void) {
    if (!started_by_the_daemon()) {
        (void)fputs("smartidd: " SID_FACEPROC_ARGUMENT
                    " is for the daemon itself\n",
                    stderr);
        return 2;
    }
    (void)prctl(PR_SET_NAME, "smartidd-forker");
    tune_memory();
    struct sid_face_engine *engine = NULL;
    struct sid_faceproc_report report = {.err = SID_OK};
    report.err = sid_sandbox_limit(MEMORY_BYTES);
    if (report.err == SID_OK)
        load(&engine, &report);
    else
        (void)snprintf(report.problem, sizeof report.problem,
                       "limits: error %d of the kernel", errno);
    if (sid_packet_send(SID_FACEPROC_SOCKET, &report, sizeof report, NULL, 0) !=
            SID_OK ||
        report.err != SID_OK)
        return EXIT_FAILURE;
    while (serve_fork(engine)) {
    }
    sid_face_engine_free(&engine);
    return EXIT_SUCCESS;
}

/* Written by main before there are other threads. */
static bool asked;

bool
sid_faceproc_was(int argc, char **argv, int *status) {
    asked = true;
    if (argc != 2 || strcmp(argv[1], SID_FACEPROC_ARGUMENT) != 0)
        return false;
    *status = be_fork_server();
    return true;
}

bool
sid_faceproc_possible(void) {
    return asked;
}
