/* init.c: smartidctl init: a place to start from: settings, master key, empty
 * database. Overwrites nothing. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "smartid/blobs.h"
#include "smartid/secretfile.h"
#include "smartid/text.h"
#include "smartid/url.h"

/* The control socket beside the database has ".sock" behind its name, and room
 * for 108 bytes with its NUL. Source: unix(7). */
#define PLACE_MAX (108 - 5)

struct init {
    const char *config_dir, *data_dir, *model_dir, *owner;
    const char *server; /* URI; NULL: the database is a file */
    char config_path[PATH_MAX], key_path[PATH_MAX], db_path[PATH_MAX];
    char models[PATH_MAX]; /* model_dir, absolute */
};

static int
usage(FILE *to, int status) {
    (void)fputs(
        "usage: smartidctl init [--dir DIR] [--config-dir DIR] [--data-dir "
        "DIR]\n"
        "           [--model-dir DIR] [--owner USER] [--database URI]\n"
        "\n"
        "Makes smartidd.conf and master.key (mode 0600) in the config folder\n"
        "(default /etc/smartidd) and smartidd.db in the data folder (default\n"
        "/var/lib/smartidd). --dir puts all of it into one folder. --owner "
        "gives the\nfiles to the user the daemon runs as. --database makes the "
        "tables on a\nPostgreSQL server (postgresql://…) instead of a file. "
        "Nothing that exists is\noverwritten. Keep a copy of master.key in a "
        "safe place: without "
        "it the data is lost.\n",
        to);
    return status;
}

static int
failed(const char *path, const char *why) {
    (void)fprintf(stderr, "smartidctl: %s: %s\n", path, why);
    return SID_CTL_FAILED;
}

static int
parse(int argc, char **argv, struct init *init) {
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (value == NULL || value[0] == '\0')
            return usage(stderr, SID_CTL_USAGE);
        if (strcmp(argv[i], "--dir") == 0)
            init->config_dir = init->data_dir = value;
        else if (strcmp(argv[i], "--config-dir") == 0)
            init->config_dir = value;
        else if (strcmp(argv[i], "--data-dir") == 0)
            init->data_dir = value;
        else if (strcmp(argv[i], "--model-dir") == 0)
            init->model_dir = value;
        else if (strcmp(argv[i], "--database") == 0)
            init->server = value;
        else if (strcmp(argv[i], "--owner") == 0)
            init->owner = value;
        else
            return usage(stderr, SID_CTL_USAGE);
    }
    return 0;
}

/* Makes a folder (0700) if there is none, and its absolute path with a file
 * name in it. */
static int
place(const char *dir, const char *file, char out[PATH_MAX]) {
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return failed(dir, strerror(errno));
    char real[PATH_MAX];
    if (realpath(dir, real) == NULL)
        return failed(dir, strerror(errno));
    if (snprintf(out, PATH_MAX, "%s/%s", real, file) >= PLACE_MAX)
        return failed(dir, "the path is too long: its files must have less "
                           "than 103 bytes");
    if (strstr(real, " ;") != NULL)
        return failed(dir, "settings cannot hold a path with ' ;' in it");
    if (access(out, F_OK) == 0)
        return failed(out, "exists already; nothing was changed");
    return 0;
}

static const char *
database(const struct init *init) {
    return init->server != NULL ? init->server : init->db_path;
}

/* Tables that are there are somebody's. */
static int
check_server(const char *server) {
    struct sid_store *store = NULL;
    if (!sid_url_is_server(server))
        return failed("--database", "is no URI (postgresql://…)");
    enum sid_err err = sid_store_open_readonly(server, &store);
    sid_store_close(&store);
    if (err == SID_E_NOT_FOUND)
        return 0;
    return failed("--database", err == SID_OK || err == SID_E_SCHEMA
                                    ? "has tables already; nothing was changed"
                                    : sid_ctl_why(err));
}

static int
write_config(const struct init *init) {
    int fd = open(init->config_path,
                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL)
        return failed(init->config_path, strerror(errno));
    (void)fprintf(file,
                  "# Settings of smartidd. Every setting with its help and "
                  "default:\n"
                  "#   smartidd --print-example-config\n\n"
                  "[keys]\nmaster_key_file = %s\n\n[store]\ndatabase = %s\n",
                  init->key_path, database(init));
    if (init->server != NULL)
        (void)fprintf(file,
                      "control_socket = %s.sock\n\n[audit]\nhead_file = "
                      "%s.heads\n",
                      init->db_path, init->db_path);
    if (init->model_dir != NULL)
        (void)fprintf(file, "\n[face]\nmodel_dir = %s\n", init->models);
    bool written = fflush(file) == 0 && fsync(fd) == 0;
    if (fclose(file) != 0 || !written)
        return failed(init->config_path, "cannot be written");
    return 0;
}

/* The database, its first keys, and the row that begins its audit log. */
static int
make_database(const struct init *init) {
    struct sid_master *master = NULL;
    struct sid_keyring *keys = NULL;
    struct sid_store *store = NULL;
    enum sid_err err = sid_store_open(database(init), true, NULL, &store);
    /* Nothing was sealed under it, and it would be in the way of the next
     * init. */
    if (err != SID_OK)
        (void)unlink(init->key_path);
    else
        err = sid_keys_open(store, init->key_path, &master, &keys);
    sid_store_close(&store);
    sid_keyring_free(&keys);
    sid_master_free(&master);
    return err == SID_OK
               ? 0
               : failed(init->server != NULL ? "--database" : init->db_path,
                        sid_ctl_why(err));
}

static int
give_to_owner(const struct init *init) {
    if (init->owner == NULL)
        return 0;
    const struct passwd *user = getpwnam(init->owner); /* checked before */
    if (user == NULL)
        return failed(init->owner, "there is no such user");
    char lock_path[PATH_MAX], blobs_path[PATH_MAX];
    (void)snprintf(lock_path, sizeof lock_path, "%.*s.lock", SID_PATH_SIZE,
                   init->db_path);
    (void)snprintf(blobs_path, sizeof blobs_path, "%.*s" SID_BLOBS_SUFFIX,
                   SID_PATH_SIZE, init->db_path);
    const char *paths[] = {init->config_path, init->key_path, init->data_dir,
                           init->config_dir,  init->db_path,  lock_path,
                           blobs_path};
    /* The last three are there for a file only. */
    size_t count =
        sizeof paths / sizeof *paths - (init->server != NULL ? 3 : 0);
    for (size_t i = 0; i < count; i++)
        if (chown(paths[i], user->pw_uid, user->pw_gid) != 0)
            return failed(paths[i], strerror(errno));
    return 0;
}

int
sid_ctl_init(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, SID_CTL_OK);
    struct init init = {.config_dir = "/etc/smartidd",
                        .data_dir = "/var/lib/smartidd"};
    int status = parse(argc, argv, &init);
    if (status == 0 && init.model_dir != NULL &&
        realpath(init.model_dir, init.models) == NULL)
        status = failed(init.model_dir, strerror(errno));
    if (status == 0 && init.owner != NULL && getpwnam(init.owner) == NULL)
        status = failed(init.owner, "there is no such user");
    if (status == 0)
        status = place(init.config_dir, "smartidd.conf", init.config_path);
    if (status == 0)
        status = place(init.config_dir, "master.key", init.key_path);
    if (status == 0)
        status = place(init.data_dir, "smartidd.db", init.db_path);
    if (status == 0 && init.server != NULL)
        status = check_server(init.server);
    if (status != 0)
        return status;
    enum sid_err err = sid_secretfile_make(init.key_path, SID_KEY_BYTES);
    if (err != SID_OK)
        return failed(init.key_path, sid_err_text(err));
    status = make_database(&init);
    if (status == 0)
        status = write_config(&init);
    if (status == 0)
        status = give_to_owner(&init);
    if (status == 0)
        (void)printf("settings    %s\nmaster key  %s   (keep a copy in a safe "
                     "place)\ndatabase    %s\n",
                     init.config_path, init.key_path, database(&init));
    return status;
}
