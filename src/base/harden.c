/* harden.c: no core dumps, not dumpable (see harden.h). Main thread; owns
 * nothing. */
#include "smartid/harden.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "smartid/log.h"

void
sid_harden(void) {
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        sid_log(SID_LOG_WARN, "not_hardened", SID_S("what", "core_limit"));
#ifndef SANITIZED
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        sid_log(SID_LOG_WARN, "not_hardened", SID_S("what", "dumpable"));
#endif
}
