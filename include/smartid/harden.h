/* harden.h: what a process that holds keys, names and faces takes away from
 * itself. Main thread, first thing. */
#ifndef SMARTID_HARDEN_H
#define SMARTID_HARDEN_H

/* No core dump, and no debugger or /proc/PID/mem for other processes of this
 * user. Left out in a build with a sanitizer, which looks at itself that way.
 * What the kernel refuses is logged; the daemon runs all the same. */
void sid_harden(void);

#endif
