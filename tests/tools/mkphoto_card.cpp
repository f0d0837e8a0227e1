// mkphoto_card.cpp: a drawn card that nobody can take for a real one, and the
// picture a camera would take of it. Layout after the second-generation card
// (portrait right, 26 x 32 mm, face about 15 mm wide); everything printed on it
// is invented, and SPECIMEN stands across it. Test tool; one thread.
#include "mkphoto.hpp"

#include <cmath>
#include <stdexcept>

namespace {

constexpr double px_per_mm = 20;
const cv::Size card_px(1712, 1080); // 85.6 x 54 mm (ID-1)
const cv::Rect portrait_px(1130, 120, 500, 616);

cv::Point
mm(double x, double y) {
    return {cvRound(x * px_per_mm), cvRound(y * px_per_mm)};
}

void
print(cv::Mat &card, const std::string &text, cv::Point at, double height_px,
      const cv::Scalar &colour) {
    cv::putText(card, text, at, cv::FONT_HERSHEY_DUPLEX, height_px / 22, colour,
                3, cv::LINE_AA);
}

// Fine waves, as cards have them against copying.
void
guilloche(cv::Mat &card) {
    for (int y = 0; y < card.rows; y += 18)
        for (int x = 0; x < card.cols; x++) {
            const int at = y + cvRound(9 * std::sin(x * 0.03 + y * 0.01));
            if (at >= 0 && at < card.rows)
                card.at<cv::Vec3b>(at, x) = {206, 206, 196};
        }
}

// The detector's box is narrower than the face from cheek to cheek.
constexpr float cheeks = 1.2F;

// Head and shoulders round the face; beyond the picture its edge repeats.
cv::Mat
portrait_of(const cv::Mat &photo, const cv::Rect2f &face) {
    const float w = face.width * 26 / 15 * cheeks;
    const float h = w * static_cast<float>(portrait_px.height) /
                    static_cast<float>(portrait_px.width);
    const cv::Point2f centre(face.x + face.width / 2,
                             face.y + face.height * 0.48F);
    const float scale = w / static_cast<float>(portrait_px.width);
    const cv::Matx23f back(scale, 0, centre.x - w / 2, 0, scale,
                           centre.y - h / 2);
    cv::Mat out;
    if (scale > 1) { // many pixels to one: average them first
        cv::Mat small;
        cv::resize(photo, small, cv::Size(), 1 / scale, 1 / scale,
                   cv::INTER_AREA);
        const cv::Matx23f moved(1, 0, back(0, 2) / scale, 0, 1,
                                back(1, 2) / scale);
        cv::warpAffine(small, out, moved, portrait_px.size(),
                       cv::INTER_LINEAR | cv::WARP_INVERSE_MAP,
                       cv::BORDER_REPLICATE);
    } else {
        cv::warpAffine(photo, out, back, portrait_px.size(),
                       cv::INTER_CUBIC | cv::WARP_INVERSE_MAP,
                       cv::BORDER_REPLICATE);
    }
    return out;
}

// A table: grain in one direction, blotches, a grid of fibres.
cv::Mat
table(cv::Size size, cv::RNG &rng) {
    cv::Mat grain(size.height / 6 + 1, 40, CV_32F), blotch(24, 32, CV_32F);
    rng.fill(grain, cv::RNG::NORMAL, 0, 14);
    rng.fill(blotch, cv::RNG::NORMAL, 0, 12);
    cv::Mat a, b;
    cv::resize(grain, a, size, 0, 0, cv::INTER_CUBIC);
    cv::resize(blotch, b, size, 0, 0, cv::INTER_CUBIC);
    const cv::Mat luma = a + b;
    cv::Mat planes[3];
    const double base[3] = {62, 92, 124}; // brown, as wood is
    for (int c = 0; c < 3; c++)
        luma.convertTo(planes[c], CV_8U, 0.8 + 0.1 * c, base[c]);
    cv::Mat out;
    cv::merge(planes, 3, out);
    return out;
}

} // namespace

cv::Mat
draw_card(const cv::Mat &photo, const cv::Rect2f &face, const holder &who) {
    if (who.number.size() != 18)
        throw std::runtime_error("--number: 18 characters are expected");
    const cv::Scalar blue(150, 90, 20), black(30, 30, 30);
    cv::Mat card(card_px, CV_8UC3, cv::Scalar(238, 232, 222));
    guilloche(card);
    print(card, "NAME", mm(5, 9), 36, blue);
    print(card, who.name, mm(16, 9), 48, black);
    print(card, "SEX", mm(5, 16), 36, blue);
    print(card, "-", mm(16, 16), 44, black);
    print(card, "BORN", mm(5, 23.5), 36, blue);
    print(card,
          who.number.substr(6, 4) + " " + who.number.substr(10, 2) + " " +
              who.number.substr(12, 2),
          mm(16, 23.5), 44, black);
    print(card, "HOME", mm(5, 31), 36, blue);
    print(card, "1 EXAMPLE ROAD", mm(16, 31), 44, black);
    print(card, "NOWHERE", mm(16, 36), 44, black);
    print(card, "NUMBER", mm(5, 49), 36, blue);
    print(card, who.number, mm(26, 49), 56, black);
    portrait_of(photo, face).copyTo(card(portrait_px));
    cv::putText(card, "SPECIMEN", mm(3, 43), cv::FONT_HERSHEY_TRIPLEX, 5.2,
                cv::Scalar(90, 90, 230), 9, cv::LINE_AA);
    return card;
}

cv::Mat
photograph(const cv::Mat &card, const scene &how) {
    cv::RNG rng(how.seed);
    cv::Mat photo = table(how.size, rng);
    const double w = how.fill * how.size.width;
    const double h = w * card.rows / card.cols;
    const double turn = how.turn * CV_PI / 180;
    std::vector<cv::Point2f> from, to;
    for (int i = 0; i < 4; i++) {
        const double sx = i == 0 || i == 3 ? -0.5 : 0.5;
        const double sy = i < 2 ? -0.5 : 0.5;
        from.emplace_back(static_cast<float>((sx + 0.5) * card.cols),
                          static_cast<float>((sy + 0.5) * card.rows));
        // A hand does not hold the camera quite level.
        const double skew = 0.012 * w;
        const double x = sx * w + rng.uniform(-skew, skew);
        const double y = sy * h + rng.uniform(-skew, skew);
        to.emplace_back(
            static_cast<float>(how.size.width / 2.0 + x * std::cos(turn) -
                               y * std::sin(turn)),
            static_cast<float>(how.size.height / 2.0 + x * std::sin(turn) +
                               y * std::cos(turn)));
    }
    // What is made smaller is averaged first, as a lens does.
    cv::Mat source = card;
    const double shrink = w / card.cols;
    if (shrink < 1) {
        cv::resize(card, source, cv::Size(), shrink, shrink, cv::INTER_AREA);
        for (auto &p : from)
            p *= shrink;
    }
    const cv::Mat homography = cv::getPerspectiveTransform(from, to);
    cv::Mat seen, mask;
    cv::warpPerspective(source, seen, homography, how.size, cv::INTER_LINEAR);
    cv::warpPerspective(cv::Mat(source.size(), CV_8U, cv::Scalar(255)), mask,
                        homography, how.size, cv::INTER_NEAREST);
    seen.copyTo(photo, mask);
    if (how.blur > 0)
        cv::GaussianBlur(photo, photo, cv::Size(), how.blur);
    cv::Mat noise(how.size, CV_16SC3), sum;
    rng.fill(noise, cv::RNG::NORMAL, 0, how.noise);
    photo.convertTo(sum, CV_16SC3, how.light);
    sum += noise;
    sum.convertTo(photo, CV_8U);
    if (how.quarters != 0)
        cv::rotate(photo, photo, how.quarters - 1);
    return photo;
}
