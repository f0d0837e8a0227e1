/* hint.h: what a refusal adds to its error's sentence: what would be accepted.
 * io threads; borrows the request. */
#ifndef SMARTID_HTTP_HINT_H
#define SMARTID_HTTP_HINT_H

#include "request.h"

#define SID_HINT_SIZE 160

/* Writes a sentence, or "" where the error's own says it all. */
void sid_hint(const struct sid_request *req, enum sid_err err,
              char out[SID_HINT_SIZE]);

#endif
