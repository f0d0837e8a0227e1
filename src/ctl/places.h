/* places.h: where the counters stand, from a file. Private to src/ctl. Single
 * threaded. */
#ifndef SID_CTL_PLACES_H
#define SID_CTL_PLACES_H

#include <stddef.h>

#include "smartid/report.h"

/* Reads a CSV file with a header. problem: why not, one line. Errors: SID_E_IO,
 * SID_E_BAD_REQUEST, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_places_read(const char *path,
                                          struct sid_places **out,
                                          char *problem, size_t problem_size);

#endif
