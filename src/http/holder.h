/* holder.h: the `holder` part of an enrolment, from JSON. Pure. Any thread. */
#ifndef SMARTID_HTTP_HOLDER_H
#define SMARTID_HTTP_HOLDER_H

#include "smartid/flow_enrol.h"
#include "smartid/json.h"

/* A phone may believe that it is a little later than it is. Own choice. */
#define SID_CONSENT_SKEW_S 300

/* Reads name, id_number, phone, valid_until and consent into the inputs of
 * *out; the number itself is judged by the flow. now_s: for consents of the
 * future. *out may be half written on failure; its owner wipes it. Errors:
 * SID_E_BAD_JSON, SID_E_FIELD_MISSING, SID_E_FIELD_INVALID, SID_E_FIELD_UNKNOWN
 * (field says which, as "holder.name"). */
SID_FALLIBLE enum sid_err sid_holder_read(struct sid_span text, int64_t now_s,
                                          struct sid_enrol_submit *out,
                                          struct sid_field *field);
/* The same of an object that was read already. */
SID_FALLIBLE enum sid_err sid_holder_read_members(const json_t *holder,
                                                  int64_t now_s,
                                                  struct sid_enrol_submit *out,
                                                  struct sid_field *field);

#endif
