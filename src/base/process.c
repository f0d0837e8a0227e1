/* process.c: CPU time, memory, descriptors and start time of this process, read
 * from /proc each time somebody asks for the metrics. Any thread; owns nothing.
 */
#include "process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double
cpu_seconds(void) {
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
resident_bytes(void) {
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    char line[128] = "";
    char *got = fgets(line, sizeof line, file);
    (void)fclose(file);
    char *second = got == NULL ? NULL : strchr(line, ' ');
    if (second == NULL)
        return 0;
    return (double)strtoull(second, NULL, 10) * (double)sysconf(_SC_PAGESIZE);
}

static double
open_fds(void) {
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return 0;
    int count = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        count += e->d_name[0] != '.';
    (void)closedir(dir);
    return count - 1; /* the folder itself was open */
}

/* Field 22 of /proc/self/stat: start in clock ticks after boot. The second
 * field may hold spaces, so that counting begins behind its last ')'. */
static double
start_after_boot_s(void) {
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL)
        return 0;
    char line[1024] = "";
    char *got = fgets(line, sizeof line, file);
    (void)fclose(file);
    char *at = got == NULL ? NULL : strrchr(line, ')');
    for (int field = 2; field < 22 && at != NULL; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL)
        return 0;
    return (double)strtoull(at, NULL, 10) / (double)sysconf(_SC_CLK_TCK);
}

static double
start_seconds(void) {
    struct timespec wall = {0}, boot = {0};
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    (void)clock_gettime(CLOCK_BOOTTIME, &boot);
    double booted_s = (double)(wall.tv_sec - boot.tv_sec) +
                      (double)(wall.tv_nsec - boot.tv_nsec) / 1e9;
    return booted_s + start_after_boot_s();
}

void
process_facts_read(struct process_facts *out) {
    out->cpu_s = cpu_seconds();
    out->resident_bytes = resident_bytes();
    out->open_fds = open_fds();
    out->start_s = start_seconds();
}
