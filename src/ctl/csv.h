/* csv.h: RFC 4180 records, read from memory and written to a stream. Private
 * to src/ctl. Any thread; a reader has one owner. */
#ifndef SID_CTL_CSV_H
#define SID_CTL_CSV_H

#include <stdbool.h>
#include <stdio.h>

#include "smartid/buf.h"

#define SID_CSV_FIELDS_MAX 32

/* One record: the fields stand one behind the other in text, ended by NUL. */
struct sid_csv_record {
    struct sid_buf text;
    size_t begin[SID_CSV_FIELDS_MAX];
    size_t count;
    size_t line; /* where it began, from 1 */
};

struct sid_csv_reader {
    struct sid_span in; /* borrowed */
    size_t at, line;
};

/* Reads the next record; false at the end, *err tells whether it is one. In
 * every case record->line is where the record begins, or would.
 * Errors: SID_E_BAD_REQUEST (a quote that does not end, text behind a quote, a
 * NUL, too many fields), SID_E_NO_MEMORY. */
bool sid_csv_next(struct sid_csv_reader *reader, struct sid_csv_record *record,
                  enum sid_err *err);
void sid_csv_record_fini(struct sid_csv_record *record);
const char *sid_csv_field(const struct sid_csv_record *record, size_t i);
/* Index of the column of that name in a header, or -1. */
int sid_csv_column(const struct sid_csv_record *header, const char *name);

/* Reads 1 or 0, true or false, in any case, as spreadsheets write them; false
 * when it is neither. */
bool sid_csv_truth(const char *text, bool *out);

/* Writes one field, quoted when it has to be; no separator. */
void sid_csv_write(FILE *to, const char *field);

/* A whole file of at most `max` bytes. Errors: SID_E_IO (errno says why),
 * SID_E_BODY_TOO_LARGE, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_ctl_read_file(const char *path, size_t max,
                                            struct sid_buf *out);

#endif
