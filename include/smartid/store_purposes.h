/* store_purposes.h: the sets of purposes that were in force on a database with
 * several daemons, as texts. The last one is in force at all of them; what is
 * in them is the app's to know (purposes_file.h).
 *
 * Thread rule and errors are those of store.h. */
#ifndef SMARTID_STORE_PURPOSES_H
#define SMARTID_STORE_PURPOSES_H

#include "smartid/buf.h"
#include "smartid/store.h"

/* The last set, when its number is greater than after_seq (0: any). *said must
 * be empty. Errors: SID_E_NOT_FOUND (there is none). */
SID_FALLIBLE enum sid_err sid_store_purposes_last(struct sid_store *store,
                                                  int64_t after_seq,
                                                  int64_t *seq,
                                                  struct sid_buf *said);
/* Whether this very text was in force at some time, by its SHA-256. */
SID_FALLIBLE enum sid_err sid_store_purposes_had(struct sid_store *store,
                                                 const char *said, bool *out);
/* From now on (at_us, Unix microseconds) this is the last one, unless it is
 * already. *seq is its number: one more than that of the one before it. */
SID_FALLIBLE enum sid_err sid_store_purposes_put(struct sid_store *store,
                                                 const char *said,
                                                 int64_t at_us, int64_t *seq);

#endif
