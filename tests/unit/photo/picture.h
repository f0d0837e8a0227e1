/* picture.h: pixels that a test can spoil: read by our decoder, changed,
 * written as JPEG. Everything asserts; a test has no use for half a picture. */
#ifndef SID_TEST_PICTURE_H
#define SID_TEST_PICTURE_H

#include "smartid/image.h"

struct picture {
    uint8_t *rgb;
    int w, h;
    int mark_x, mark_y, mark_w, mark_h; /* where picture_card() put the face */
};

void picture_new(int w, int h, uint8_t grey, struct picture *out);
void picture_read(const char *path, struct picture *out);
void picture_free(struct picture *picture);
/* Quality 92. */
void picture_jpeg(const struct picture *picture, struct sid_buf *out);

void picture_put(const struct picture *what, int x, int y, struct picture *on);
void picture_scale(const struct picture *from, int w, int h,
                   struct picture *out);
/* Mean of side x side pixels, side odd. */
void picture_blur(struct picture *picture, int side);
void picture_light(struct picture *picture, double gain, double bias);
void picture_mirror(struct picture *picture);
/* As if the head were a cylinder at that column, turned by that angle. */
void picture_yaw(struct picture *picture, double centre_x, double radius,
                 double degrees);
/* As if it were printed on a sheet that is turned before the camera: degrees
 * about the upright and the level axis and in the picture; focal_w: distance of
 * the camera in widths of the picture. */
struct picture_pose {
    double yaw_deg, pitch_deg, roll_deg, focal_w;
};
void picture_plane(struct picture *picture, const struct picture_pose *pose);
/* A plain card with this portrait on a grained table of w x h, the whole turned
 * clockwise by quarters. */
void picture_card(const struct picture *portrait, int w, int h, int turns,
                  struct picture *out);

#endif
