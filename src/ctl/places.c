/* places.c: where the counters stand, from a CSV file. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "places.h"

#define FILE_MAX_BYTES ((size_t)16 << 20)

struct columns {
    int counter, latitude, longitude;
};

static bool
read_degrees(const char *text, double most, double *out) {
    char *end = NULL;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && fabs(*out) <= most;
}

static enum sid_err
add_record(struct sid_places *places, const struct sid_csv_record *record,
           const struct columns *columns) {
    double latitude = 0, longitude = 0;
    size_t most = (size_t)columns->counter;
    if ((size_t)columns->latitude > most)
        most = (size_t)columns->latitude;
    if ((size_t)columns->longitude > most)
        most = (size_t)columns->longitude;
    if (record->count <= most ||
        !read_degrees(sid_csv_field(record, (size_t)columns->latitude), 90,
                      &latitude) ||
        !read_degrees(sid_csv_field(record, (size_t)columns->longitude), 180,
                      &longitude))
        return SID_E_BAD_REQUEST;
    return sid_places_add(places,
                          sid_csv_field(record, (size_t)columns->counter),
                          latitude, longitude);
}

static enum sid_err
read_records(struct sid_places *places, struct sid_span text, size_t *line) {
    struct sid_csv_reader reader = {.in = text};
    struct sid_csv_record record = {.line = 1};
    enum sid_err err = SID_OK;
    struct columns columns = {-1, -1, -1};
    if (sid_csv_next(&reader, &record, &err)) {
        columns = (struct columns){sid_csv_column(&record, "counter"),
                                   sid_csv_column(&record, "latitude"),
                                   sid_csv_column(&record, "longitude")};
    }
    if (err == SID_OK &&
        (columns.counter < 0 || columns.latitude < 0 || columns.longitude < 0))
        err = SID_E_BAD_REQUEST;
    while (err == SID_OK && sid_csv_next(&reader, &record, &err))
        err = add_record(places, &record, &columns);
    *line = record.line;
    sid_csv_record_fini(&record);
    return err;
}

enum sid_err
sid_places_read(const char *path, struct sid_places **out, char *problem,
                size_t problem_size) {
    struct sid_buf text = SID_BUF_EMPTY;
    struct sid_places *places = NULL;
    size_t line = 0;
    enum sid_err err = sid_places_new(&places);
    if (err == SID_OK)
        err = sid_ctl_read_file(path, FILE_MAX_BYTES, &text);
    if (err == SID_E_IO)
        (void)snprintf(problem, problem_size, "%s", strerror(errno));
    if (err == SID_OK) {
        err = read_records(places, sid_buf_span(&text), &line);
        if (err == SID_E_BAD_REQUEST)
            (void)snprintf(problem, problem_size,
                           "line %zu: expected a header and rows of "
                           "counter,latitude,longitude (degrees), each counter "
                           "once",
                           line);
    }
    sid_buf_free(&text);
    if (err == SID_OK)
        *out = places;
    else
        sid_places_free(&places);
    return err;
}
