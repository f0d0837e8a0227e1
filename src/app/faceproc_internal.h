/* faceproc_internal.h: what the daemon's side and the face processes' side
 * share, the messages between them, and the daemon's hold on a face process.
 * Private to src/app.
 *
 * Every message is one packet of a fixed size on a SOCK_SEQPACKET pair. Both
 * ends are the same binary, so a message is the struct itself; but a face
 * process has read a stranger's photo, and nothing it says is believed before
 * sid_facts_credible() has looked at it. */
#ifndef SMARTID_FACEPROC_INTERNAL_H
#define SMARTID_FACEPROC_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "forkserver.h"
#include "smartid/buf.h"
#include "smartid/config.h"
#include "smartid/enrolment.h"
#include "smartid/err.h"
#include "smartid/face.h"
#include "smartid/policy.h"

/* Where either process finds its socket; 0 to 2 are /dev/null. */
#define SID_FACEPROC_SOCKET 3

/* Daemon to fork server. LOAD comes once, with the model pack (a memfd, see
 * sid_pack_share()). FORK comes with two descriptors: the new process' end of
 * its socket, and its photo buffer. */
enum sid_faceproc_what { SID_FACEPROC_LOAD, SID_FACEPROC_FORK };
struct sid_faceproc_order {
    enum sid_faceproc_what what;
};

/* How it went: fork server to daemon after each order, and face process to
 * daemon once it is ready for photos. */
#define SID_FACEPROC_PROBLEM_SIZE 256
struct sid_faceproc_report {
    enum sid_err err;
    pid_t pid;                               /* FORK: of the new process */
    char problem[SID_FACEPROC_PROBLEM_SIZE]; /* unless SID_OK; may be "" */
};

/* Daemon to face process: the photo lies at the start of the buffer; there the
 * portrait's pixels take its place, when they are wanted and a face was found.
 */
struct sid_faceproc_request {
    uint64_t number; /* comes back with the answer */
    uint64_t len;    /* bytes */
    enum sid_photo_kind kind;
    bool portrait; /* is wanted */
};

struct sid_faceproc_answer {
    uint64_t number;
    int64_t peak_kib; /* most memory the process has had so far */
    enum sid_err err; /* SID_OK, SID_E_NO_MEMORY or SID_E_MODEL */
    struct sid_photo_facts facts;
};

/* The photo buffer: one per worker, shared with its face process, which reads
 * the photo and writes the portrait: pixels, because any are a picture, and no
 * file of its making goes further. */
#define SID_FACEPROC_BUFFER_BYTES ((size_t)SID_PHOTO_BYTES_LIMIT)

/* ---- faceproc.c: the daemon's hold on one face process; for the thread of the
 * worker that owns it ----------------------------------------------------- */
/* What went wrong between a photo and the process that looked at it. */
enum sid_fault {
    SID_FAULT_NONE,
    SID_FAULT_CRASH,     /* a signal of its own making, or it just ended */
    SID_FAULT_FORBIDDEN, /* a system call that the sandbox does not have */
    SID_FAULT_CPU,
    SID_FAULT_MEMORY,
    SID_FAULT_HANG,   /* no answer in time */
    SID_FAULT_KILLED, /* from outside: the kernel out of memory, a person */
    SID_FAULT_ANSWER, /* an answer that cannot be */
    SID_FAULT_COUNT
};
const char *sid_fault_name(enum sid_fault fault);

struct sid_faceproc {
    pid_t pid; /* 0: none runs */
    int fd;
    uint8_t *buffer; /* mapped for the struct's life, zero between photos */
    int buffer_fd;
    uint64_t number; /* of the last request */
    int photos;      /* that this process has seen */
    bool spent;      /* another one is to take its place */
};

/* Makes the photo buffer. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_faceproc_init(struct sid_faceproc *proc);
/* Starts a process when none runs, or the one that ran has ended or is spent.
 * Errors: SID_E_IO (none can be had at present). */
SID_FALLIBLE enum sid_err sid_faceproc_ensure(struct sid_faceproc *proc,
                                              struct sid_forkserver *server);
/* Asks the running process, which has 5 s, and no longer than deadline_us
 * (sid_mono_us()). SID_FAULT_NONE: *err and, when that is SID_OK, *out
 * are what it found (out->sha256 is zero), and with out->faces the portrait is
 * filled unless it is NULL. Otherwise the process has been ended and *out is
 * untouched. */
enum sid_fault sid_faceproc_ask(struct sid_faceproc *proc,
                                struct sid_span bytes, enum sid_photo_kind kind,
                                int64_t deadline_us, uint8_t *portrait,
                                enum sid_err *err, struct sid_photo_facts *out);
/* Ends the process and gives the buffer back. Safe on a zeroed struct. */
void sid_faceproc_fini(struct sid_faceproc *proc);

/* ---- faceproc_main.c ---------------------------------------------------- */
/* Whether this program would know itself as a face process. */
bool sid_faceproc_possible(void);

/* ---- faceproc_wire.c: packets ------------------------------------------- */
/* Sends one packet with `count` descriptors (0 to 2), which stay the
 * caller's. Errors: SID_E_IO (nobody there any more). */
SID_FALLIBLE enum sid_err sid_packet_send(int fd, const void *packet,
                                          size_t len, const int *fds,
                                          int count);
/* Waits for one packet of exactly that size. Errors: SID_E_TIMEOUT, SID_E_IO
 * (nobody there any more), SID_E_ARGUMENT (another size). */
SID_FALLIBLE enum sid_err sid_packet_receive(int fd, void *packet, size_t len,
                                             int64_t deadline_us);
/* The same without a deadline, with exactly `count` descriptors (0 to 2), which
 * become the caller's. Errors: SID_E_IO. */
SID_FALLIBLE enum sid_err
sid_packet_receive_with(int fd, void *packet, size_t len, int *fds, int count);

/* ---- faceproc_facts.c --------------------------------------------------- */
/* Whether every fact lies in its range and they agree with each other, for a
 * photo of that kind. Reads no member before it has been judged; sha256 is not
 * looked at, as the daemon makes its own. */
bool sid_facts_credible(const struct sid_photo_facts *facts,
                        enum sid_photo_kind kind);

/* ---- faceproc_pack.c: a model pack for another process ------------------- */
/* Writes the pack into a sealed memfd: what was checked is what is loaded.
 * Errors: SID_E_IO. */
SID_FALLIBLE enum sid_err sid_pack_share(const struct sid_face_pack *pack,
                                         int *fd);
/* Makes an engine of it. problem: filled on SID_E_MODEL. Errors: SID_E_IO,
 * SID_E_MODEL, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_pack_engine(int fd, struct sid_face_engine **out,
                                          char *problem, size_t problem_size);

#endif
