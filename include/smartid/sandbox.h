/* sandbox.h: what a process that takes strangers' bytes apart gives up.
 *
 * In two steps, because loading the face models needs files and memory maps
 * that looking at photos does not: first the limits, then, with everything
 * loaded and used once, the door is shut. Neither step can be taken back. Only
 * for a process with a single thread. Nothing is owned.
 *
 * In a build with a sanitizer there is no system-call filter and no limit on
 * memory, and a few files may be opened; all the rest is the same. */
#ifndef SMARTID_SANDBOX_H
#define SMARTID_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "smartid/err.h"

/* False in a build with a sanitizer, see above. */
bool sid_sandbox_is_whole(void);
/* Factor on limits of time: 1, or 2 where a sanitizer makes all slower. */
int sid_sandbox_patience(void);

/* Dies with its parent, and before everybody else when memory runs out; no new
 * privileges, no debugger, no core dump, no growing file, at most memory_bytes
 * of address space. Errors: SID_E_INTERNAL
 * (the kernel refused; errno says why). */
SID_FALLIBLE enum sid_err sid_sandbox_limit(size_t memory_bytes);

/* Opens nothing, starts nothing, and from now on has these system calls only;
 * any other one kills the process with SIGSYS:
 *   read, write, writev              on what is open already
 *   mmap, mprotect                   without PROT_EXEC
 *   munmap, mremap, madvise, brk     memory
 *   futex, sched_yield, rt_sigprocmask, rt_sigreturn, clock_gettime,
 *   getrusage, getpid, gettid        harmless
 *   tgkill                           of itself: abort()
 *   exit_group
 * Errors: SID_E_INTERNAL (the kernel refused; errno says why). Source:
 * reliability.md section 3.2, measured with all networks. */
SID_FALLIBLE enum sid_err sid_sandbox_shut(void);

#endif
