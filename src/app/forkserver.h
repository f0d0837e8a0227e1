/* forkserver.h: the daemon's hold on the process that forks face processes
 * (faceproc.h). Private to src/app.
 *
 * Workers ask for processes; the main thread starts the server, looks after it
 * once a tick, and puts another in its place when it is lost or when too many
 * of its forks were broken: forks of one server have the same memory layout,
 * and nobody shall be able to find it out by trying. The kernel kills the whole
 * family with the thread that started it, so that must be main. */
#ifndef SMARTID_FORKSERVER_H
#define SMARTID_FORKSERVER_H

#include <sys/types.h>

#include "smartid/err.h"

struct sid_forkserver;

/* Checks the model pack, starts a server and waits until it has loaded it. Main
 * thread. problem: filled on SID_E_MODEL. Errors: SID_E_MODEL, SID_E_CRYPTO,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_forkserver_new(const char *model_dir,
                                             struct sid_forkserver **out,
                                             char *problem,
                                             size_t problem_size);
/* Has a face process made, which gets copies of both descriptors: its socket
 * and its photo buffer. *pid is a child of this process and the caller's to
 * wait for. Any thread. Errors: SID_E_IO (none can be had now; the tick sees to
 * it). */
SID_FALLIBLE enum sid_err sid_forkserver_fork(struct sid_forkserver *server,
                                              const int fds[2], pid_t *pid);
/* A photo has broken one of its forks. Any thread. */
void sid_forkserver_broken(struct sid_forkserver *server);
/* Main thread, each tick; waits for nothing. */
void sid_forkserver_tick(struct sid_forkserver *server);
/* Ends it; its forks are their owners' to end. */
void sid_forkserver_free(struct sid_forkserver **server);

#endif
