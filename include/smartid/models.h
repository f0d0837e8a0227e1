/* models.h: the face model pack on disk: models.ini and the files it names.
 *
 * app layer, because it joins crypto (each file's SHA-256) and face. The bytes
 * that were checked are the bytes that are loaded. Loaded once by the starting
 * thread; then read-only and shared by all that make an engine. */
#ifndef SMARTID_MODELS_H
#define SMARTID_MODELS_H

#include <stddef.h>
#include <stdio.h>

#include "smartid/err.h"
#include "smartid/face.h"

struct sid_models;

/* Reads model_dir/models.ini and every file it names and checks the hashes; a
 * manifest without the networks' answers for their self-test is refused. A
 * build with the fake face engine reads nothing. problem (at least 512 bytes)
 * is filled on SID_E_MODEL: with the file, what was expected, what was found.
 * Errors: SID_E_MODEL, SID_E_CRYPTO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_models_load(const char *model_dir,
                                          struct sid_models **out,
                                          char *problem, size_t problem_size);

/* Prints what the networks of a pack answer to their test inputs, as the lines
 * that its manifest must have; the pack's files are checked, and trusted.
 * problem as above. Errors: SID_E_MODEL, SID_E_CRYPTO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_models_print_selftest(const char *model_dir,
                                                    FILE *to, char *problem,
                                                    size_t problem_size);

/* Makes an engine for the calling thread; several threads may do so at once.
 * models is only needed for the call. Errors: SID_E_MODEL (see
 * sid_models_problem()), SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_models_engine(struct sid_models *models,
                                            struct sid_face_engine **out);

/* The pack, with the bytes that were checked; borrowed, read-only. */
const struct sid_face_pack *sid_models_pack(const struct sid_models *models);

/* What was wrong when an engine could not be made; "" when nothing was. */
void sid_models_problem(struct sid_models *models, char *out, size_t out_size);

void sid_models_free(struct sid_models **models);

#endif
