/* purposes_file.h: the purposes from the file that people write, and as such a
 * text. Main thread only (inifile.h); the caller owns the set. */
#ifndef SMARTID_PURPOSES_FILE_H
#define SMARTID_PURPOSES_FILE_H

#include "smartid/buf.h"
#include "smartid/config.h"
#include "smartid/purpose.h"

/* Reads the purposes of this path; "" stands for config/purposes.example as it
 * was when the program was built. A mistake is refused with "FILE:LINE: what;
 * accepted: …" in *problem, out untouched. Errors: SID_E_IO, SID_E_CONFIG,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_purposes_load(const char *path,
                                            struct sid_purposes *out,
                                            struct sid_config_problem *problem);
/* The same of a text; name stands for FILE. Errors: SID_E_CONFIG,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_purposes_parse(const char *name, struct sid_span text,
                   struct sid_purposes *out,
                   struct sid_config_problem *problem);
/* Appends the one text of a set, with a NUL, from which the same set is read.
 * What a purpose does not ask for is not in it: a version that knows more words
 * has the same text for the same set, and an older one can read it. Errors:
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_purposes_print(const struct sid_purposes *set,
                                             struct sid_buf *out);

#endif
