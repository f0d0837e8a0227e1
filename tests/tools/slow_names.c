/* slow_names.c: a library to preload: of a name below example, no name server
 * answers for a minute, as behind a dead uplink. The file named by SLOW_NAMES
 * says that one was asked for. Test tool; any thread; owns nothing. */
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int lookup_fn(const char *name, const char *service,
                      const struct addrinfo *hints, struct addrinfo **out);

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
            struct addrinfo **out) {
    const char *asked = getenv("SLOW_NAMES");
    lookup_fn *real = NULL;
    void *found = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &found, sizeof real); /* ISO C has no such cast */
    if (asked == NULL || name == NULL || strstr(name, ".example") == NULL)
        return real(name, service, hints, out);
    FILE *flag = fopen(asked, "we");
    if (flag != NULL)
        (void)fclose(flag);
    (void)sleep(60);
    return EAI_AGAIN;
}
