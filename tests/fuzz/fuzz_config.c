/* fuzz_config.c: src/base/config.c, config_print.c, inifile.c and
 * src/app/purposes_file.c: files that people write. What is taken is written
 * out in a form that is taken again, to the same effect; what is refused says
 * where and leaves everything as it was. The first byte picks the file.
 * libFuzzer's one thread. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/config.h"
#include "smartid/purposes_file.h"

void
fuzz_setup(void) {
    /* The environment has settings too. */
    if (clearenv() != 0)
        abort();
}

static void
expect_told(enum sid_err err, const struct sid_config_problem *problem,
            const char *path) {
    size_t len = strnlen(problem->text, sizeof problem->text);
    fuzz_expect(err == SID_E_CONFIG && len < sizeof problem->text &&
                strncmp(problem->text, path, strlen(path)) == 0 &&
                strstr(problem->text, "accepted:") != NULL);
}

static void
differs(const char *name, const char *value, bool reloadable, void *ctx) {
    (void)name;
    (void)value;
    (void)reloadable;
    ++*(int *)ctx;
}

/* Written out and read again. */
static void
write_and_read(const struct sid_config *config) {
    struct sid_config again;
    struct sid_config_problem problem;
    char path[FUZZ_PATH_SIZE], *text = NULL;
    size_t len = 0;
    int differences = 0;
    FILE *to = open_memstream(&text, &len);
    if (to == NULL)
        return;
    sid_config_print(config, to);
    if (fclose(to) == 0) {
        int fd = fuzz_file(text, len, path);
        if (sid_config_load(path, &again, &problem) == SID_OK)
            sid_config_diff(config, &again, differs, &differences);
        else
            fuzz_expect(false);
        fuzz_expect(differences == 0);
        fuzz_file_close(fd);
    }
    free(text);
}

static void
load_config(const char *path) {
    static struct sid_config config, untouched;
    struct sid_config_problem problem = {""};
    memset(&config, 0xa5, sizeof config);
    memset(&untouched, 0xa5, sizeof untouched);
    enum sid_err err = sid_config_load(path, &config, &problem);
    if (err == SID_OK) {
        write_and_read(&config);
        return;
    }
    fuzz_expect(memcmp(&config, &untouched, sizeof config) == 0);
    expect_told(err, &problem, path);
}

static void
load_purposes(const char *path) {
    static struct sid_purposes purposes, untouched;
    struct sid_config_problem problem = {""};
    memset(&purposes, 0xa5, sizeof purposes);
    memset(&untouched, 0xa5, sizeof untouched);
    enum sid_err err = sid_purposes_load(path, &purposes, &problem);
    if (err != SID_OK) {
        fuzz_expect(memcmp(&purposes, &untouched, sizeof purposes) == 0);
        expect_told(err, &problem, path);
        return;
    }
    fuzz_expect(purposes.count >= 1 && purposes.count <= SID_PURPOSES_MAX);
    for (size_t i = 0; i < purposes.count; i++)
        fuzz_expect(sid_purpose_name_valid(purposes.item[i].name) &&
                    purposes.item[i].attributes != 0 &&
                    sid_purposes_find(&purposes, purposes.item[i].name) ==
                        &purposes.item[i]);
}

void
fuzz_one(const uint8_t *data, size_t size) {
    char path[FUZZ_PATH_SIZE];
    if (size < 1)
        return;
    int fd = fuzz_file(data + 1, size - 1, path);
    if (data[0] % 2 == 0)
        load_config(path);
    else
        load_purposes(path);
    fuzz_file_close(fd);
}
