/* report_places.c: where the counters stand, and how far apart. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "report.h"
#include "tally.h"

#define FILE_MAX_BYTES ((size_t)16 << 20)
#define EARTH_RADIUS_KM 6371.0 /* Source: IUGG mean radius */

struct place {
    double latitude, longitude; /* degrees */
};

struct sid_places {
    struct sid_tallies names; /* counter -> place */
    struct place *row;
    size_t count, room;
};

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
add(struct sid_places *places, const char *name, struct place place) {
    if (name[0] == '\0' || strlen(name) >= SID_TALLY_KEY_SIZE)
        return SID_E_BAD_REQUEST;
    if (places->count == places->room) {
        size_t room = places->room == 0 ? 64 : places->room * 2;
        struct place *row = reallocarray(places->row, room, sizeof *row);
        if (row == NULL)
            return SID_E_NO_MEMORY;
        places->row = row;
        places->room = room;
    }
    struct sid_tally *tally = sid_tally_get(&places->names, name);
    if (tally == NULL)
        return SID_E_NO_MEMORY;
    if (tally->place >= 0)
        return SID_E_BAD_REQUEST; /* twice */
    tally->place = (int)places->count;
    places->row[places->count++] = place;
    return SID_OK;
}

static enum sid_err
add_record(struct sid_places *places, const struct sid_csv_record *record,
           const struct columns *columns) {
    struct place place;
    size_t most = (size_t)columns->counter;
    if ((size_t)columns->latitude > most)
        most = (size_t)columns->latitude;
    if ((size_t)columns->longitude > most)
        most = (size_t)columns->longitude;
    if (record->count <= most ||
        !read_degrees(sid_csv_field(record, (size_t)columns->latitude), 90,
                      &place.latitude) ||
        !read_degrees(sid_csv_field(record, (size_t)columns->longitude), 180,
                      &place.longitude))
        return SID_E_BAD_REQUEST;
    return add(places, sid_csv_field(record, (size_t)columns->counter), place);
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
    struct sid_places *places = calloc(1, sizeof *places);
    size_t line = 0;
    enum sid_err err = places == NULL
                           ? SID_E_NO_MEMORY
                           : sid_ctl_read_file(path, FILE_MAX_BYTES, &text);
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

void
sid_places_free(struct sid_places **places) {
    if (*places == NULL)
        return;
    sid_tallies_fini(&(*places)->names);
    free((*places)->row);
    free(*places);
    *places = NULL;
}

int
sid_places_find(const struct sid_places *places, const char *counter) {
    if (places == NULL || counter[0] == '\0')
        return -1;
    const struct sid_tally *tally = sid_tally_find(&places->names, counter);
    return tally == NULL ? -1 : tally->place;
}

static double
radians(double degrees) {
    return degrees * (M_PI / 180);
}

double
sid_places_km(const struct sid_places *places, int a, int b) {
    const struct place *from = &places->row[a], *to = &places->row[b];
    double north = sin(radians(to->latitude - from->latitude) / 2);
    double east = sin(radians(to->longitude - from->longitude) / 2);
    /* The haversine: exact enough for near and far. */
    double h = north * north + cos(radians(from->latitude)) *
                                   cos(radians(to->latitude)) * east * east;
    return 2 * EARTH_RADIUS_KM * asin(sqrt(fmin(h, 1)));
}
