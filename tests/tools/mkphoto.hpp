// mkphoto.hpp: what the parts of mkphoto share. Test tool; one thread.
#ifndef SID_MKPHOTO_HPP
#define SID_MKPHOTO_HPP

#include <map>
#include <string>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

// A command's options: "--name value" pairs.
using options = std::map<std::string, std::string>;

// Files. All throw std::runtime_error with what went wrong.
cv::Mat read_photo(const std::string &path); // by the daemon's own decoder
void write_jpeg(const std::string &path, const cv::Mat &bgr, int quality);
void write_png(const std::string &path, const cv::Mat &bgr);

// One or the other, by the name.
void write_photo(const std::string &path, const cv::Mat &bgr, int quality);

// The widest face of a picture, found by the daemon's own engine.
cv::Rect2f face_in(const cv::Mat &bgr, const std::string &model_dir);

// What is printed on a specimen card.
struct holder {
    std::string name, number; // the number's digits 7 to 14 are the birth date
};
// A specimen card of 1712 x 1080 pixels (20 per millimetre) with this portrait.
cv::Mat draw_card(const cv::Mat &photo, const cv::Rect2f &face,
                  const holder &who);

struct scene {
    cv::Size size;
    double fill;  // card's width in parts of the photo's
    double turn;  // degrees, clockwise
    int quarters; // of the whole photo, clockwise
    uint64_t seed;
    double light; // 1: as drawn
    double blur;  // sigma in pixels
    double noise; // sigma in grey levels
};
// The card on a table, as a camera sees it.
cv::Mat photograph(const cv::Mat &card, const scene &how);

#endif
