/* photo.h: one photo, from its bytes to its facts: the only code path, used by
 * the face workers and by `smartidctl compare` alike.
 *
 * app layer (app/photo.c): it knows the order decode -> find -> crop at enough
 * resolution -> describe. A face engine belongs to one thread. */
#ifndef SMARTID_PHOTO_H
#define SMARTID_PHOTO_H

#include "smartid/buf.h"
#include "smartid/enrolment.h"
#include "smartid/err.h"
#include "smartid/face.h"
#include "smartid/policy.h"

/* Fills *out for the photo. A photo that cannot be used is not an error: it is
 * out->image or out->faces. kind decides what is measured (liveness only for a
 * selfie, pose for a selfie and for frames; only a card is searched in four
 * orientations). Errors: only those of the program: SID_E_NO_MEMORY,
 * SID_E_MODEL, SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_photo_examine(struct sid_face_engine *engine,
                                            struct sid_span bytes,
                                            enum sid_photo_kind kind,
                                            struct sid_photo_facts *out);
/* The same; when a face was found (out->faces), its portrait is cut out, too.
 * portrait: NULL, or room for SID_PORTRAIT_PIXEL_BYTES. */
SID_FALLIBLE enum sid_err sid_photo_portray(struct sid_face_engine *engine,
                                            struct sid_span bytes,
                                            enum sid_photo_kind kind,
                                            uint8_t *portrait,
                                            struct sid_photo_facts *out);
/* The same as sid_photo_examine(), and pose and liveness of a card's portrait,
 * too: for people who look at the figures; no rule wants them. */
SID_FALLIBLE enum sid_err
sid_photo_examine_fully(struct sid_face_engine *engine, struct sid_span bytes,
                        enum sid_photo_kind kind, struct sid_photo_facts *out);

/* The same as sid_photo_portray(), but leaves out->sha256 zero: for a face
 * process, whose word on what the daemon can work out itself would count for
 * nothing. Errors: SID_E_NO_MEMORY, SID_E_MODEL. */
SID_FALLIBLE enum sid_err sid_photo_look(struct sid_face_engine *engine,
                                         struct sid_span bytes,
                                         enum sid_photo_kind kind,
                                         uint8_t *portrait,
                                         struct sid_photo_facts *out);

/* Makes a JPEG file of a portrait's pixels, which are only read. *out must be
 * empty; up to SID_PORTRAIT_MAX_BYTES. Any thread. Errors:
 * SID_E_IMAGE_TOO_LARGE, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_portrait_write(uint8_t bgr[SID_PORTRAIT_PIXEL_BYTES], struct sid_buf *out);

#endif
