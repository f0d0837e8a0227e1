/* report_places.c: where the counters stand, and how far apart. Pure; owns what
 * it is told. */
#include "smartid/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/tally.h"

#define EARTH_RADIUS_KM 6371.0 /* Source: IUGG mean radius */

struct place {
    double latitude, longitude; /* degrees */
};

struct sid_places {
    struct sid_tallies names; /* counter -> place */
    struct place *row;
    size_t count, room;
};

enum sid_err
sid_places_new(struct sid_places **out) {
    struct sid_places *places = calloc(1, sizeof *places);
    if (places == NULL)
        return SID_E_NO_MEMORY;
    *out = places;
    return SID_OK;
}

enum sid_err
sid_places_add(struct sid_places *places, const char *counter, double latitude,
               double longitude) {
    if (counter[0] == '\0' || strlen(counter) >= SID_TALLY_KEY_SIZE)
        return SID_E_BAD_REQUEST;
    if (places->count == places->room) {
        size_t room = places->room == 0 ? 64 : places->room * 2;
        struct place *row = reallocarray(places->row, room, sizeof *row);
        if (row == NULL)
            return SID_E_NO_MEMORY;
        places->row = row;
        places->room = room;
    }
    struct sid_tally *tally = sid_tally_get(&places->names, counter);
    if (tally == NULL)
        return SID_E_NO_MEMORY;
    if (tally->place >= 0)
        return SID_E_BAD_REQUEST; /* twice */
    tally->place = (int)places->count;
    places->row[places->count++] = (struct place){latitude, longitude};
    return SID_OK;
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
