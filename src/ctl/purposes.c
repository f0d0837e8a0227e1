/* purposes.c: smartidctl purposes: those that are in force, as a file has them.
 *
 * Where there may be several daemons, on a server, these are the last ones in
 * the database; else, or as long as there are none, the file's. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "smartid/purposes_file.h"
#include "smartid/store_purposes.h"
#include "smartid/url.h"

static int
usage(FILE *to, int status) {
    (void)fputs("usage: smartidctl [-c FILE] purposes\n"
                "\n"
                "Prints the purposes in force, in the form of the purposes' "
                "file. With several\ndaemons on a PostgreSQL server they are "
                "the same at all; whether they differ from\nthis machine's "
                "file is told on stderr.\n",
                to);
    return status;
}

/* Errors: SID_E_NOT_FOUND (there are none), those of the store, of the text. */
static enum sid_err
read_last(const struct sid_config *config, struct sid_purposes *out,
          struct sid_config_problem *problem) {
    struct sid_store *store = NULL;
    struct sid_buf said = SID_BUF_EMPTY;
    int64_t seq = 0;
    enum sid_err err = sid_store_open_readonly(config->database, &store);
    if (err == SID_OK)
        err = sid_store_purposes_last(store, 0, &seq, &said);
    else if (err == SID_E_NOT_FOUND)
        err = SID_E_STORE; /* there is no database */
    if (err == SID_OK)
        err = sid_purposes_parse("database", sid_buf_span(&said), out, problem);
    sid_buf_free(&said);
    sid_store_close(&store);
    return err;
}

/* The file's; 0, or a message and SID_CTL_CONFIG. */
static int
read_file(const struct sid_config *config, struct sid_purposes *out) {
    struct sid_config_problem problem = {""};
    if (sid_purposes_load(config->purposes_file, out, &problem) == SID_OK)
        return 0;
    (void)fprintf(stderr, "smartidctl: %s\n", problem.text);
    return SID_CTL_CONFIG;
}

/* A file with a mistake, or with nothing because what is printed goes there, is
 * another one, too. */
static bool
is_file(const struct sid_config *config, const struct sid_purposes *set) {
    struct sid_config_problem problem = {""};
    struct sid_purposes file;
    return sid_purposes_load(config->purposes_file, &file, &problem) ==
               SID_OK &&
           sid_purposes_same(&file, set);
}

int
sid_ctl_load_purposes(const struct sid_config *config, struct sid_purposes *out,
                      bool *differ) {
    struct sid_config_problem problem = {""};
    enum sid_err err = SID_E_NOT_FOUND;
    if (sid_url_is_server(config->database))
        err = read_last(config, out, &problem);
    *differ = err == SID_OK && config->purposes_file[0] != '\0' &&
              !is_file(config, out);
    if (err == SID_OK)
        return 0;
    if (err != SID_E_NOT_FOUND)
        (void)fprintf(stderr, "smartidctl: the purposes in the database: %s\n",
                      problem.text[0] != '\0' ? problem.text
                                              : sid_ctl_why(err));
    int status = read_file(config, out);
    return status == 0 && err != SID_E_NOT_FOUND ? SID_CTL_FAILED : status;
}

int
sid_ctl_purposes(const char *config_path, int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, SID_CTL_OK);
    if (argc != 1)
        return usage(stderr, SID_CTL_USAGE);
    struct sid_config config;
    struct sid_purposes set;
    struct sid_buf text = SID_BUF_EMPTY;
    bool differ = false;
    int status = sid_ctl_load_config(config_path, &config);
    if (status == 0)
        status = sid_ctl_load_purposes(&config, &set, &differ);
    if (status != 0)
        return status;
    enum sid_err err = sid_purposes_print(&set, &text);
    if (err == SID_OK)
        (void)fputs((const char *)text.ptr, stdout);
    sid_buf_free(&text);
    if (err != SID_OK)
        return sid_ctl_print_error(err);
    if (differ)
        (void)fprintf(stderr, "smartidctl: those of %s differ from these\n",
                      config.purposes_file);
    return SID_CTL_OK;
}
