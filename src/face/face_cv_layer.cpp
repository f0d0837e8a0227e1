// face_cv_layer.cpp: layers that take the place of OpenCV 4.6's own where those
// are slow: exchanging channels (element by element there), and convolutions of
// 1 x 1 and of 3 x 3, over all channels or over each for itself. Whatever is
// not of the few kinds known here is left to OpenCV. A layer belongs to its
// network's thread.
#include "face_cv_layer.hpp"

#include <cstring>
#include <vector>

#include <opencv2/dnn/all_layers.hpp>
#include <opencv2/dnn/layer.details.hpp>

#include "face_cv.hpp"

extern "C" {
#include "face_kernel.h"
}

namespace {

using cv::dnn::ActivationLayer;
using cv::dnn::BaseConvolutionLayer;
using cv::dnn::Layer;
using cv::dnn::LayerParams;
using cv::dnn::MatShape;
using shapes = std::vector<MatShape>;

// A layer with one input and one output, neither of which is the other.
class replacement : public Layer {
  public:
    explicit replacement(const LayerParams &params) : Layer(params) {}

    bool getMemoryShapes(const shapes &inputs, int, shapes &outputs,
                         shapes &) const override {
        CV_Assert(inputs.size() == 1);
        outputs.assign(1, shape_after(inputs[0]));
        return false;
    }

    void forward(cv::InputArrayOfArrays in, cv::OutputArrayOfArrays out,
                 cv::OutputArrayOfArrays) override {
        std::vector<cv::Mat> inputs, outputs;
        in.getMatVector(inputs);
        out.getMatVector(outputs);
        CV_Assert(inputs.size() == 1 && outputs.size() == 1 &&
                  inputs[0].type() == CV_32F && inputs[0].isContinuous() &&
                  outputs[0].isContinuous());
        run(inputs[0], outputs[0]);
    }

  protected:
    virtual MatShape shape_after(const MatShape &input) const = 0;
    virtual void run(const cv::Mat &input, cv::Mat &output) = 0;
};

// ---- the order of axes ---------------------------------------------------

class permute : public replacement {
  public:
    // The last axis keeps its place: whole blocks are copied.
    static bool fits(const std::vector<int> &order) {
        return order.size() > 1 &&
               order.back() == static_cast<int>(order.size()) - 1;
    }

    permute(const LayerParams &params, const std::vector<int> &axes)
        : replacement(params), order(axes) {}

  protected:
    MatShape shape_after(const MatShape &input) const override {
        CV_Assert(input.size() == order.size());
        MatShape out;
        for (int axis : order)
            out.push_back(input[static_cast<size_t>(axis)]);
        return out;
    }

    void run(const cv::Mat &input, cv::Mat &output) override {
        CV_Assert(input.dims == static_cast<int>(order.size()));
        int moved = input.dims; // axes before those that all stay
        while (moved > 0 && order[static_cast<size_t>(moved - 1)] == moved - 1)
            moved--;
        const size_t block =
            input.total(moved) * input.elemSize(); // 1 element: all stay
        const uchar *const from = input.ptr();
        uchar *to = output.ptr();
        std::vector<int> at(static_cast<size_t>(moved), 0);
        const size_t blocks = input.total(0, moved);
        for (size_t n = 0; n < blocks; n++, to += block) {
            size_t offset = 0;
            for (size_t d = 0; d < at.size(); d++)
                offset += static_cast<size_t>(at[d]) * input.step[order[d]];
            memcpy(to, from + offset, block);
            for (size_t d = at.size(); d-- > 0;) {
                if (++at[d] < input.size[order[d]])
                    break;
                at[d] = 0;
            }
        }
    }

  private:
    std::vector<int> order;
};

cv::Ptr<Layer>
new_permute(LayerParams &params) {
    std::vector<int> order;
    if (params.has("order")) {
        const cv::dnn::DictValue &axes = params.get("order");
        for (int i = 0; i < axes.size(); i++)
            order.push_back(axes.get<int>(i));
    }
    if (!permute::fits(order))
        return cv::dnn::PermuteLayer::create(params);
    return cv::makePtr<permute>(params, order);
}

// ---- convolutions ----------------------------------------------------------

// What is a copy of the network's input, or of what it made of it, does not
// stay.
void
wipe(std::vector<float> &floats) {
    sid_wipe(floats.data(), floats.size() * sizeof floats[0]);
}

// What all kinds have: the loops, a bias, and an activation that follows.
class convolution : public replacement {
  public:
    explicit convolution(const LayerParams &params)
        : replacement(params), kernel(sid_kernel_best()), weights(blobs[0]),
          rows(weights.size[0]), bias(static_cast<size_t>(rows), 0.0F) {
        if (blobs.size() > 1)
            std::copy_n(blobs[1].ptr<float>(), bias.size(), bias.begin());
        blobs.clear();
    }

    bool setActivation(const cv::Ptr<ActivationLayer> &layer) override {
        if (!activation.empty() || layer.empty())
            return false;
        activation = layer;
        return true;
    }

  protected:
    // Of rows [first, last) `plane` floats apart, `columns` each, in place.
    void activate(float *at, int columns, size_t plane, int first,
                  int last) const {
        if (!activation.empty())
            activation->forwardSlice(at, at, columns, plane, first, last);
    }

    // Leaves the weights in the order of the loops only.
    void pack(int depth) {
        packed.resize(weights.total());
        sid_kernel_pack(weights.ptr<float>(), rows, depth, packed.data());
        weights.release();
    }

    const sid_kernel *kernel;
    cv::Mat weights;
    int rows;
    std::vector<float> bias, packed;

  private:
    cv::Ptr<ActivationLayer> activation;
};

// 1 x 1: a product of matrices.
class pointwise : public convolution {
  public:
    static bool fits(const BaseConvolutionLayer &own, const cv::Mat &weights) {
        return own.kernel_size == std::vector<size_t>{1, 1} &&
               own.strides == std::vector<size_t>{1, 1} &&
               own.pads_begin == std::vector<size_t>{0, 0} &&
               own.pads_end == std::vector<size_t>{0, 0} && weights.dims == 4;
    }

    explicit pointwise(const LayerParams &params)
        : convolution(params), depth(weights.size[1]),
          panel(static_cast<size_t>(depth) *
                static_cast<size_t>(kernel->columns)) {
        pack(depth);
    }

  protected:
    MatShape shape_after(const MatShape &input) const override {
        CV_Assert(input.size() == 4 && input[1] == depth);
        return {input[0], rows, input[2], input[3]};
    }

    void run(const cv::Mat &input, cv::Mat &output) override {
        CV_Assert(input.size[1] == depth && output.size[1] == rows);
        const int columns = static_cast<int>(input.total(2));
        const size_t step = static_cast<size_t>(columns);
        for (int n = 0; n < input.size[0]; n++)
            for (int at = 0; at < columns; at += kernel->columns) {
                const int width = std::min(kernel->columns, columns - at);
                float *out = output.ptr<float>(n) + at;
                kernel->multiply(packed.data(), bias.data(), rows, depth,
                                 input.ptr<float>(n) + at, step, width,
                                 panel.data(), out, step);
                activate(out, width, step, 0, rows);
            }
        wipe(panel);
    }

  private:
    int depth;
    std::vector<float> panel;
};

// 3 x 3 with a border of one zero.
class three_by_three : public convolution {
  public:
    static bool fits(const BaseConvolutionLayer &own, const cv::Mat &weights) {
        const size_t stride = own.strides.empty() ? 0 : own.strides[0];
        return own.kernel_size == std::vector<size_t>{3, 3} &&
               (stride == 1 || stride == 2) &&
               own.strides == std::vector<size_t>{stride, stride} &&
               own.dilations == std::vector<size_t>{1, 1} &&
               own.pads_begin == std::vector<size_t>{1, 1} &&
               own.pads_end == std::vector<size_t>{1, 1} && weights.dims == 4;
    }

    three_by_three(const LayerParams &params, int of_stride)
        : convolution(params), stride(of_stride) {}

  protected:
    MatShape shape_after(const MatShape &input) const override {
        CV_Assert(input.size() == 4);
        const sid_plane plane = {input[3], input[2], stride};
        return {input[0], rows, sid_plane_out_height(&plane),
                sid_plane_out_width(&plane)};
    }

    sid_plane plane_of(const cv::Mat &input) const {
        return {input.size[3], input.size[2], stride};
    }

    int stride;
    std::vector<float> filled; // zeros between two runs
};

// Each channel for itself.
class depthwise : public three_by_three {
  public:
    using three_by_three::three_by_three;

  protected:
    void run(const cv::Mat &input, cv::Mat &output) override {
        CV_Assert(input.size[1] == rows && output.size[1] == rows);
        const sid_plane plane = plane_of(input);
        const size_t out_floats = output.total(2);
        filled.resize(sid_plane_floats(&plane));
        for (int n = 0; n < input.size[0]; n++)
            for (int c = 0; c < rows; c++) {
                float *out = output.ptr<float>(n, c);
                sid_plane_fill(&plane, input.ptr<float>(n, c), filled.data());
                kernel->convolve_one(&plane, filled.data(),
                                     weights.ptr<float>(c),
                                     bias[static_cast<size_t>(c)], out);
                activate(out, static_cast<int>(out_floats), out_floats, c,
                         c + 1);
            }
        wipe(filled);
    }
};

// All channels together.
class full : public three_by_three {
  public:
    full(const LayerParams &params, int of_stride)
        : three_by_three(params, of_stride), channels(weights.size[1]),
          tap(weights.total(1)) {
        pack(static_cast<int>(weights.total(1)));
    }

  protected:
    void run(const cv::Mat &input, cv::Mat &output) override {
        CV_Assert(input.size[1] == channels && output.size[1] == rows);
        const sid_plane plane = plane_of(input);
        const size_t floats = sid_plane_floats(&plane);
        const size_t out_floats = output.total(2);
        filled.resize(floats * static_cast<size_t>(channels));
        for (int n = 0; n < input.size[0]; n++) {
            for (int c = 0; c < channels; c++)
                sid_plane_fill(&plane, input.ptr<float>(n, c),
                               filled.data() + static_cast<size_t>(c) * floats);
            kernel->convolve(&plane, filled.data(), channels, packed.data(),
                             bias.data(), rows, tap.data(),
                             output.ptr<float>(n));
            activate(output.ptr<float>(n), static_cast<int>(out_floats),
                     out_floats, 0, rows);
        }
        wipe(filled);
    }

  private:
    int channels;
    std::vector<size_t> tap;
};

// Of one of the kinds above; empty: it is of none.
cv::Ptr<Layer>
try_convolution(const LayerParams &params, const BaseConvolutionLayer &own) {
    if (params.blobs.empty() || params.blobs[0].type() != CV_32F ||
        !params.blobs[0].isContinuous() || !own.padMode.empty())
        return {};
    const cv::Mat &weights = params.blobs[0];
    const int groups = params.get<int>("group", 1);
    if (groups == 1 && pointwise::fits(own, weights))
        return cv::makePtr<pointwise>(params);
    if (!three_by_three::fits(own, weights))
        return {};
    const int stride = static_cast<int>(own.strides[0]);
    if (groups == weights.size[0] && weights.size[1] == 1)
        return cv::makePtr<depthwise>(params, stride);
    if (groups == 1)
        return cv::makePtr<full>(params, stride);
    return {};
}

cv::Ptr<Layer>
new_convolution(LayerParams &params) {
    const cv::Ptr<BaseConvolutionLayer> own =
        cv::dnn::ConvolutionLayer::create(params);
    cv::Ptr<Layer> layer = try_convolution(params, *own);
    if (layer.empty())
        return own;
    params.blobs.clear(); // the network would keep them beside ours
    return layer;
}

} // namespace

namespace sid {

void
register_layers() {
    cv::dnn::LayerFactory::registerLayer("Permute", new_permute);
    if (sid_kernel_best() != nullptr)
        cv::dnn::LayerFactory::registerLayer("Convolution", new_convolution);
}

} // namespace sid
