/* copy_fixture.h: a database with people in each state, sealed as the daemon
 * seals, for what copies a database: backup, restore, migrate. */
#ifndef SID_COPY_FIXTURE_H
#define SID_COPY_FIXTURE_H

#include <stdbool.h>

struct copy_fixture {
    char folder[64];
    char conf[96], key[96], db[96];
    char said[65536]; /* by the last command, on stdout and stderr */
};

/* One approved, with credential, template and portrait; one who waits, with two
 * photos in a file beside the database. */
struct copy_fixture *copy_fixture_new(void);
void copy_fixture_free(struct copy_fixture *f);

/* What smartidctl has under a name ("backup" …). */
typedef int copy_command(const char *config_path, int argc, char **argv);
/* Runs it with the words of the line, of which @NAME is NAME in the folder; its
 * nth call that can fail does (0: none): *failed. Returns the exit code. */
int copy_run(struct copy_fixture *f, copy_command *command, const char *line,
             unsigned nth, bool *failed);
/* The same; no call fails, and this is said among other things. */
void copy_expect(struct copy_fixture *f, copy_command *command,
                 const char *line, int status, const char *words);

/* A name in the folder, whatever it is: whether it is there; removes it and
 * all whose names begin with it. */
bool copy_is_there(const struct copy_fixture *f, const char *name);
void copy_remove(const struct copy_fixture *f, const char *name);

#endif
