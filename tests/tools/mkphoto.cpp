// mkphoto.cpp: makes the photos that tests and the demo need out of others:
// a specimen card on a table, 12-megapixel photos, blurred and dark ones, plain
// colours for the fake face engine. Test tool; one thread.
#include "mkphoto.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <vector>

namespace {

const char usage[] =
    "mkphoto card PORTRAIT OUT [--models DIR] [--size WxH] [--fill 0.6]\n"
    "        [--turn DEGREES] [--quarter N] [--seed N] [--light 1] [--blur 1]\n"
    "        [--noise 3] [--quality 90] [--name NAME] [--number ID_NUMBER]\n"
    "                                 a specimen card on a table\n"
    "mkphoto scale IN OUT --size WxH [--noise 2] [--quality 90]\n"
    "mkphoto degrade IN OUT [--crop K] [--scale K] [--mirror 1]\n"
    "        [--rotate DEGREES] [--tilt DEGREES] [--blur SIGMA] [--gain G]\n"
    "        [--bias B] [--noise S] [--quality Q]   in this order\n"
    "mkphoto plane IN OUT [--yaw 30] [--pitch 0] [--roll 0] [--focal 1.2]\n"
    "        the photo as a sheet that is turned before the camera\n"
    "mkphoto yaw IN OUT [--models DIR] [--degrees 45]   turns the head\n"
    "mkphoto pair LEFT RIGHT OUT      two photos side by side\n"
    "(OUT is a PNG when its name says so, else a JPEG)\n"
    "mkphoto plain OUT.png --rgb R,G,B [--size WxH]\n";

double
number(const options &opts, const char *name, double fallback) {
    const auto at = opts.find(name);
    return at == opts.end() ? fallback : std::stod(at->second);
}

std::string
word(const options &opts, const char *name, const char *fallback) {
    const auto at = opts.find(name);
    return at == opts.end() ? fallback : at->second;
}

std::string
models_of(const options &opts) {
    const auto at = opts.find("models");
    if (at != opts.end())
        return at->second;
    const char *dir = std::getenv("SMARTIDD_FACE_MODEL_DIR");
    return dir != nullptr ? dir : ".data/models";
}

cv::Size
size_of(const options &opts, cv::Size fallback) {
    const auto at = opts.find("size");
    if (at == opts.end())
        return fallback;
    const size_t x = at->second.find('x');
    if (x == std::string::npos)
        throw std::runtime_error("--size: WxH is expected");
    const cv::Size size(std::stoi(at->second.substr(0, x)),
                        std::stoi(at->second.substr(x + 1)));
    if (size.width < 1 || size.height < 1 || size.area() > 100000000)
        throw std::runtime_error("--size: out of range");
    return size;
}

void
add_noise(cv::Mat &photo, double sigma) {
    if (sigma <= 0)
        return;
    cv::RNG rng(7);
    cv::Mat noise(photo.size(), CV_16SC3), sum;
    rng.fill(noise, cv::RNG::NORMAL, 0, sigma);
    photo.convertTo(sum, CV_16SC3);
    sum += noise;
    sum.convertTo(photo, CV_8U);
}

void
make_card(const std::vector<std::string> &files, const options &opts) {
    const cv::Mat photo = read_photo(files.at(0));
    const cv::Rect2f face = face_in(photo, models_of(opts));
    scene how = {};
    how.size = size_of(opts, cv::Size(4000, 3000));
    how.fill = number(opts, "fill", 0.6);
    how.turn = number(opts, "turn", 4);
    how.quarters = static_cast<int>(number(opts, "quarter", 0)) & 3;
    how.seed = static_cast<uint64_t>(number(opts, "seed", 1));
    how.light = number(opts, "light", 1);
    how.blur = number(opts, "blur", 1);
    how.noise = number(opts, "noise", 3);
    const holder who = {word(opts, "name", "SPEC I. MEN"),
                        word(opts, "number", "11010519491231002X")};
    write_photo(files.at(1), photograph(draw_card(photo, face, who), how),
                static_cast<int>(number(opts, "quality", 90)));
}

// Fills the whole size; what is too much is cut off evenly.
void
make_scaled(const std::vector<std::string> &files, const options &opts) {
    const cv::Mat photo = read_photo(files.at(0));
    const cv::Size size = size_of(opts, photo.size());
    const double scale =
        std::max(static_cast<double>(size.width) / photo.cols,
                 static_cast<double>(size.height) / photo.rows);
    cv::Mat large;
    cv::resize(photo, large, cv::Size(), scale, scale,
               scale < 1 ? cv::INTER_AREA : cv::INTER_CUBIC);
    const cv::Size have(std::min(size.width, large.cols),
                        std::min(size.height, large.rows));
    cv::Mat out =
        large(cv::Rect((large.cols - have.width) / 2,
                       (large.rows - have.height) / 2, have.width, have.height))
            .clone();
    add_noise(out, number(opts, "noise", 2));
    write_photo(files.at(1), out,
                static_cast<int>(number(opts, "quality", 90)));
}

// The picture on a sheet or a screen that is turned round its upright axis
// before a camera three widths away.
cv::Mat
tilted(const cv::Mat &photo, double degrees) {
    const double turn = degrees * CV_PI / 180, away = 3.0 * photo.cols;
    const double w = photo.cols, h = photo.rows;
    std::vector<cv::Point2f> from, to;
    for (int i = 0; i < 4; i++) {
        const double x = i == 0 || i == 3 ? 0 : w, y = i < 2 ? 0 : h;
        const double nearer = away / (away + (x - w / 2) * std::sin(turn));
        from.emplace_back(static_cast<float>(x), static_cast<float>(y));
        to.emplace_back(
            static_cast<float>(w / 2 + (x - w / 2) * std::cos(turn) * nearer),
            static_cast<float>(h / 2 + (y - h / 2) * nearer));
    }
    cv::Mat out;
    cv::warpPerspective(photo, out, cv::getPerspectiveTransform(from, to),
                        photo.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
    return out;
}

// Geometry first: what part of the picture is seen, how large, which way round.
cv::Mat
reframed(const cv::Mat &photo, const options &opts) {
    const double crop = number(opts, "crop", 1);
    const double scale = number(opts, "scale", 1);
    const double turn = number(opts, "rotate", 0);
    const double tilt = number(opts, "tilt", 0);
    const cv::Size part(cvRound(photo.cols * crop), cvRound(photo.rows * crop));
    cv::Mat out =
        photo(cv::Rect((photo.cols - part.width) / 2,
                       (photo.rows - part.height) / 2, part.width, part.height))
            .clone();
    if (scale != 1)
        cv::resize(out, out, cv::Size(), scale, scale,
                   scale < 1 ? cv::INTER_AREA : cv::INTER_CUBIC);
    if (number(opts, "mirror", 0) != 0)
        cv::flip(out, out, 1);
    if (turn != 0) {
        const cv::Point2f centre(static_cast<float>(out.cols) / 2,
                                 static_cast<float>(out.rows) / 2);
        cv::warpAffine(out, out, cv::getRotationMatrix2D(centre, -turn, 1),
                       out.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
    }
    return tilt != 0 ? tilted(out, tilt) : out;
}

void
make_degraded(const std::vector<std::string> &files, const options &opts) {
    cv::Mat photo = reframed(read_photo(files.at(0)), opts);
    const double blur = number(opts, "blur", 0);
    if (blur > 0)
        cv::GaussianBlur(photo, photo, cv::Size(), blur);
    photo.convertTo(photo, CV_8U, number(opts, "gain", 1),
                    number(opts, "bias", 0));
    add_noise(photo, number(opts, "noise", 0));
    write_photo(files.at(1), photo,
                static_cast<int>(number(opts, "quality", 92)));
}

// Turns the head as if it were a cylinder with the face printed on it: crude,
// but the far half of the face is hidden, as in life.
void
make_turned(const std::vector<std::string> &files, const options &opts) {
    const cv::Mat photo = read_photo(files.at(0));
    const cv::Rect2f face = face_in(photo, models_of(opts));
    const double turn = number(opts, "degrees", 45) * CV_PI / 180;
    const double radius = 0.62 * face.width;
    const double centre = face.x + face.width / 2;
    cv::Mat map_x(photo.size(), CV_32F), map_y(photo.size(), CV_32F);
    for (int x = 0; x < photo.cols; x++) {
        const double s = (x - centre) / radius;
        double from = x;
        if (std::abs(s) < 1) {
            const double angle =
                std::clamp(std::asin(s) - turn, -CV_PI / 2, CV_PI / 2);
            from = centre + radius * std::sin(angle);
        }
        map_x.col(x).setTo(from);
    }
    for (int y = 0; y < photo.rows; y++)
        map_y.row(y).setTo(y);
    cv::Mat out;
    cv::remap(photo, out, map_x, map_y, cv::INTER_LINEAR);
    write_photo(files.at(1), out, 92);
}

// The sheet fills the picture before it is turned; focal: distance of the
// camera in widths of the sheet.
void
make_plane(const std::vector<std::string> &files, const options &opts) {
    const cv::Mat photo = read_photo(files.at(0));
    const double degree = CV_PI / 180;
    const double a = number(opts, "pitch", 0) * degree;
    const double b = number(opts, "yaw", 30) * degree;
    const double c = number(opts, "roll", 0) * degree;
    const double w = photo.cols, h = photo.rows;
    const double f = number(opts, "focal", 1.2) * w;
    const cv::Matx33d about_x(1, 0, 0, 0, std::cos(a), -std::sin(a), 0,
                              std::sin(a), std::cos(a));
    const cv::Matx33d about_y(std::cos(b), 0, std::sin(b), 0, 1, 0,
                              -std::sin(b), 0, std::cos(b));
    const cv::Matx33d about_z(std::cos(c), -std::sin(c), 0, std::sin(c),
                              std::cos(c), 0, 0, 0, 1);
    const cv::Matx33d turn = about_z * about_x * about_y;
    std::vector<cv::Point2f> from, to;
    for (int i = 0; i < 4; i++) {
        const double x = i % 3 == 0 ? 0 : w, y = i < 2 ? 0 : h;
        const cv::Vec3d p = turn * cv::Vec3d(x - w / 2, y - h / 2, 0);
        from.emplace_back(static_cast<float>(x), static_cast<float>(y));
        to.emplace_back(static_cast<float>(p[0] * f / (f + p[2]) + w / 2),
                        static_cast<float>(p[1] * f / (f + p[2]) + h / 2));
    }
    cv::Mat out;
    cv::warpPerspective(photo, out, cv::getPerspectiveTransform(from, to),
                        photo.size(), cv::INTER_LINEAR, cv::BORDER_CONSTANT,
                        cv::Scalar(90, 100, 110));
    write_photo(files.at(1), out, 92);
}

void
make_pair(const std::vector<std::string> &files) {
    cv::Mat left = read_photo(files.at(0)), right = read_photo(files.at(1));
    const double scale = static_cast<double>(left.rows) / right.rows;
    cv::resize(right, right, cv::Size(cvRound(right.cols * scale), left.rows),
               0, 0, scale < 1 ? cv::INTER_AREA : cv::INTER_CUBIC);
    cv::Mat out;
    cv::hconcat(left, right, out);
    write_photo(files.at(2), out, 92);
}

void
make_plain(const std::vector<std::string> &files, const options &opts) {
    const auto rgb = opts.find("rgb");
    if (rgb == opts.end())
        throw std::runtime_error("--rgb R,G,B is expected");
    size_t comma = 0, at = 0;
    int values[3] = {0, 0, 0};
    for (int &value : values) {
        value = std::stoi(rgb->second.substr(at), &comma);
        at = std::min(at + comma + 1, rgb->second.size());
    }
    const int r = values[0], g = values[1], b = values[2];
    write_png(files.at(0), cv::Mat(size_of(opts, cv::Size(320, 320)), CV_8UC3,
                                   cv::Scalar(b, g, r)));
}

int
run(int argc, char **argv) {
    std::vector<std::string> files;
    options opts;
    for (int i = 2; i < argc; i++) {
        const std::string arg = argv[i];
        if (arg.rfind("--", 0) != 0)
            files.push_back(arg);
        else if (i + 1 < argc)
            opts[arg.substr(2)] = argv[++i];
    }
    const std::string what = argc > 1 ? argv[1] : "";
    if (what == "card" && files.size() == 2)
        make_card(files, opts);
    else if (what == "scale" && files.size() == 2)
        make_scaled(files, opts);
    else if (what == "degrade" && files.size() == 2)
        make_degraded(files, opts);
    else if (what == "yaw" && files.size() == 2)
        make_turned(files, opts);
    else if (what == "plane" && files.size() == 2)
        make_plane(files, opts);
    else if (what == "pair" && files.size() == 3)
        make_pair(files);
    else if (what == "plain" && files.size() == 1)
        make_plain(files, opts);
    else {
        (void)std::fputs(usage, stderr);
        return 2;
    }
    return 0;
}

} // namespace

int
main(int argc, char **argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception &e) {
        (void)std::fprintf(stderr, "mkphoto: %s\n", e.what());
        return 1;
    }
}
