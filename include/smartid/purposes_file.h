/* purposes_file.h: the purposes from the file that people write. Main thread
 * only; the caller owns the set. */
#ifndef SMARTID_PURPOSES_FILE_H
#define SMARTID_PURPOSES_FILE_H

#include "smartid/config.h"
#include "smartid/purpose.h"

/* Reads the purposes of this path; "" stands for config/purposes.example as it
 * was when the program was built. A mistake is refused with "FILE:LINE: what;
 * accepted: …" in *problem, out untouched. Errors: SID_E_IO, SID_E_CONFIG,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_purposes_load(const char *path,
                                            struct sid_purposes *out,
                                            struct sid_config_problem *problem);

#endif
