/* secretfile.h: reading and making files that hold a secret.
 *
 * The checks are made on the open descriptor, so that the file that was checked
 * is the file that is read: regular, owned by the effective user, no access for
 * group and others, opened with O_NOFOLLOW. Any thread. */
#ifndef SMARTID_SECRETFILE_H
#define SMARTID_SECRETFILE_H

#include "smartid/buf.h"
#include "smartid/err.h"

/* Reads a secret of exactly `len` bytes (64 hex digits and an optional newline
 * for len 32). "credential:NAME" is the file NAME in $CREDENTIALS_DIRECTORY,
 * which systemd makes for this unit alone: it may belong to root, and its group
 * bits may show the entry that lets this user read. out: `len` bytes, wiped on
 * failure. Errors: SID_E_NOT_FOUND, SID_E_IO, SID_E_SECRET_MODE,
 * SID_E_SECRET_FORMAT. */
#define SID_CREDENTIAL_PREFIX "credential:"
SID_FALLIBLE enum sid_err sid_secretfile_read(const char *path, void *out,
                                              size_t len);

/* Reads a secret that somebody else has made up as text: 1 to out_size-1
 * printable ASCII characters without blanks, and an optional newline. path as
 * above. out: ended by NUL; wiped on failure. Errors: as above. */
#define SID_SECRET_TEXT_SIZE 256 /* the largest out_size */
SID_FALLIBLE enum sid_err sid_secretfile_read_text(const char *path, char *out,
                                                   size_t out_size);

/* Makes a new file, mode 0600, with `len` random bytes as hex and a newline;
 * synced, with its folder, before it returns. Errors: SID_E_EXISTS (never
 * overwrites), SID_E_IO. */
SID_FALLIBLE enum sid_err sid_secretfile_make(const char *path, size_t len);

/* Moves file `from` over file `to`, durably. Errors: SID_E_IO. */
SID_FALLIBLE enum sid_err sid_secretfile_replace(const char *from,
                                                 const char *to);

#endif
