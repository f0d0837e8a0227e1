/* audit_command.h: smartidctl audit as a person runs it, on a short log of its
 * own (audit_fixture.h), whose calls may be made to fail. */
#ifndef SID_AUDIT_COMMAND_H
#define SID_AUDIT_COMMAND_H

#include "audit_fixture.h"

/* Rows that the log has, under one head, so that there are not too many calls
 * that can fail; the last one alone is not of this month. */
#define KEPT 10
#define SEGMENT "audit-2096-10.jsonl"

extern struct audit_fixture *f;
extern char archive[96]; /* the folder of segments */
extern char said[65536]; /* by the command, on stdout and stderr */

/* For cmocka: of the group, of the group, of each test. */
int audit_command_start(void **state);
int audit_command_stop(void **state);
int audit_command_restore(void **state);

/* Runs `smartidctl audit …` with the words of the line, of which @A is the
 * folder of segments, @H the file of heads, @C one of counters; its nth call
 * that can fail does (0: none). Returns the exit code. */
int audit(unsigned nth, bool *failed, const char *line);
/* The same; no call fails, and this is said among other things. */
void expect(const char *line, int status, const char *words);

/* How many files there are whose names end so; removes them when told to. */
int archived(const char *end, bool remove);
/* Log and segment together have all rows, in one chain; one tells of the
 * archive, once there is one. n: for the message. */
void expect_none_lost(unsigned n);
void audit_write_file(const char *path, const char *text);

#endif
