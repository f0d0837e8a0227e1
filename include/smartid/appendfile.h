/* appendfile.h: a file of lines that only grows.
 *
 * It is opened anew for each line, so that a file that was moved away or put
 * aside is begun again under its name. Never run on a thread that requests wait
 * for: a line is on disk when the call returns. */
#ifndef SMARTID_APPENDFILE_H
#define SMARTID_APPENDFILE_H

#include <stddef.h>

#include "smartid/err.h"

/* Appends `line` (without newline) and a newline; makes the file (mode 0600)
 * when there is none. What a former call could not finish is ended by a newline
 * first, so that a broken line stays alone. Errors: SID_E_IO (logged; not a
 * regular file, a symbolic link, the disk): part of the line may be there. */
SID_FALLIBLE enum sid_err sid_appendfile_add(const char *path,
                                             const char *line);

/* The last bytes of the file, at most out_size - 1, and a NUL. Errors:
 * SID_E_NOT_FOUND, SID_E_IO (logged). */
SID_FALLIBLE enum sid_err sid_appendfile_tail(const char *path, char *out,
                                              size_t out_size);

#endif
