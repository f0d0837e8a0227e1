/* calibrate_svg.c: the DET curve as a picture, by hand: a few hundred lines of
 * SVG need no library. Pure but for the file it writes. */
#include <math.h>
#include <stdio.h>

#include "calibrate.h"

enum { WIDTH_PX = 640, HEIGHT_PX = 640, MARGIN_PX = 70 };

/* The axes reach from here to 0.5. */
#define RATE_MIN 1e-6
#define RATE_MAX 0.5

/* Inverse of the normal distribution by bisection of erfc: a picture needs no
 * more. */
static double
probit(double p) {
    double low = -8, high = 8;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (0.5 * erfc(-middle / sqrt(2.0)) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

static double
part_of_axis(double rate) {
    double p = fmin(fmax(rate, RATE_MIN), RATE_MAX);
    double from = probit(RATE_MIN), to = probit(RATE_MAX);
    return (probit(p) - from) / (to - from);
}

static double
x_of(double fmr) {
    return MARGIN_PX + part_of_axis(fmr) * (WIDTH_PX - 2 * MARGIN_PX);
}

static double
y_of(double fnmr) {
    return HEIGHT_PX - MARGIN_PX -
           part_of_axis(fnmr) * (HEIGHT_PX - 2 * MARGIN_PX);
}

static void
draw_axes(FILE *to) {
    static const struct {
        double rate;
        const char *label;
    } marks[] = {{1e-6, "1e-6"}, {1e-5, "1e-5"}, {1e-4, "1e-4"}, {1e-3, "1e-3"},
                 {1e-2, "1 %"},  {0.05, "5 %"},  {0.2, "20 %"},  {0.5, "50 %"}};
    (void)fprintf(to,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
                  "height=\"%d\" viewBox=\"0 0 %d %d\" "
                  "font-family=\"sans-serif\" font-size=\"12\">\n"
                  "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                  WIDTH_PX, HEIGHT_PX, WIDTH_PX, HEIGHT_PX);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        double x = x_of(marks[i].rate), y = y_of(marks[i].rate);
        (void)fprintf(to,
                      "<path d=\"M%.1f %.1fV%.1fM%.1f %.1fH%.1f\" "
                      "stroke=\"#ccc\" fill=\"none\"/>\n"
                      "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s"
                      "</text>\n"
                      "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s"
                      "</text>\n",
                      x, y_of(RATE_MIN), y_of(RATE_MAX), x_of(RATE_MIN), y,
                      x_of(RATE_MAX), x, HEIGHT_PX - MARGIN_PX + 20,
                      marks[i].label, MARGIN_PX - 8, y + 4, marks[i].label);
    }
    (void)fprintf(to,
                  "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">False match "
                  "rate (strangers accepted)</text>\n"
                  "<text x=\"18\" y=\"%d\" text-anchor=\"middle\" "
                  "transform=\"rotate(-90 18 %d)\">False non-match rate "
                  "(the person refused)</text>\n",
                  WIDTH_PX / 2, HEIGHT_PX - 20, HEIGHT_PX / 2, HEIGHT_PX / 2);
}

static void
point_at(const struct sid_scores *scores, float t, double *x, double *y) {
    size_t matches =
        sid_scores_at_least(scores->differs, scores->differs_count, t);
    size_t kept = sid_scores_at_least(scores->same, scores->same_count, t);
    *x = x_of((double)matches / (double)scores->differs_count);
    *y = y_of((double)(scores->same_count - kept) / (double)scores->same_count);
}

static void
draw_curve(FILE *to, const struct sid_scores *scores) {
    double x = 0, y = 0, last_x = -1, last_y = -1;
    (void)fputs("<path fill=\"none\" stroke=\"#06c\" stroke-width=\"2\" d=\"",
                to);
    for (int i = -1000; i <= 1000; i++) {
        point_at(scores, (float)i / 1000.0F, &x, &y);
        if (last_x < 0)
            (void)fprintf(to, "M%.1f %.1f", x, y);
        else if (x != last_x || y != last_y)
            (void)fprintf(to, "L%.1f %.1f", x, y);
        last_x = x;
        last_y = y;
    }
    (void)fputs("\"/>\n", to);
    for (int percent = 30; percent <= 60; percent += 5) {
        point_at(scores, (float)percent / 100.0F, &x, &y);
        (void)fprintf(to,
                      "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#06c\"/>"
                      "<text x=\"%.1f\" y=\"%.1f\">0.%d</text>\n",
                      x, y, x + 6, y - 6, percent);
    }
}

enum sid_err
sid_calibrate_svg(const struct sid_scores *scores, const char *path) {
    FILE *to = fopen(path, "w");
    if (to == NULL)
        return SID_E_IO;
    draw_axes(to);
    draw_curve(to, scores);
    (void)fprintf(to,
                  "<text x=\"%d\" y=\"30\" text-anchor=\"middle\" "
                  "font-size=\"15\">DET: %zu pairs of one person, %zu of two"
                  "</text>\n</svg>\n",
                  WIDTH_PX / 2, scores->same_count, scores->differs_count);
    return fclose(to) == 0 ? SID_OK : SID_E_IO;
}
