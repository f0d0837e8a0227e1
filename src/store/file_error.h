/* file_error.h: what the store's own files have in common: what a failed call
 * means, and a name that survives a power cut. Private to src/store. Any
 * thread; owns nothing. */
#ifndef SID_FILE_ERROR_H
#define SID_FILE_ERROR_H

#include "smartid/err.h"

/* Logs errno and gives what it means: SID_E_NO_MEMORY, SID_E_STORE_FULL,
 * SID_E_STORE. */
enum sid_err sid_file_error(const char *at);

/* The folder part of a path as a new string, the caller's: "." when there is
 * none. NULL: no memory. */
char *sid_file_folder_of(const char *path);

/* Makes the path's name survive a power cut. Errors: SID_E_STORE,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_file_sync_name(const char *path);

#endif
