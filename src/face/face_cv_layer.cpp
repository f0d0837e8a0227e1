// face_cv_layer.cpp: layers that take the place of OpenCV 4.6's own where those
// are slow: exchanging channels (element by element there), convolutions of
// single channels below 18 pixels' width, and those of 1 x 1. Whatever is not
// of the few kinds known here is left to OpenCV. A layer belongs to its
// network's thread.
#include "face_cv_layer.hpp"

#include <cstring>
#include <vector>

#include <opencv2/dnn.hpp>
#include <opencv2/dnn/all_layers.hpp>
#include <opencv2/dnn/layer.details.hpp>

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

// A layer whose shapes are worked out by OpenCV's own of that kind.
class replacement : public Layer {
  public:
    replacement(const LayerParams &params, const cv::Ptr<Layer> &replaced)
        : Layer(params), own(replaced) {}

    bool getMemoryShapes(const shapes &inputs, int required, shapes &outputs,
                         shapes &internals) const override {
        const bool in_place =
            own->getMemoryShapes(inputs, required, outputs, internals);
        internals.clear();
        return in_place;
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
    virtual void run(const cv::Mat &input, cv::Mat &output) = 0;

  private:
    cv::Ptr<Layer> own;
};

// ---- the order of axes ---------------------------------------------------

class permute : public replacement {
  public:
    // The last axis keeps its place: whole blocks are copied.
    static bool fits(const std::vector<int> &order) {
        return order.size() > 1 &&
               order.back() == static_cast<int>(order.size()) - 1;
    }

    permute(const LayerParams &params, const cv::Ptr<Layer> &replaced,
            const std::vector<int> &axes)
        : replacement(params, replaced), order(axes) {}

  protected:
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
    cv::Ptr<Layer> own = cv::dnn::PermuteLayer::create(params);
    std::vector<int> order;
    if (params.has("order")) {
        const cv::dnn::DictValue &axes = params.get("order");
        for (int i = 0; i < axes.size(); i++)
            order.push_back(axes.get<int>(i));
    }
    if (!permute::fits(order))
        return own;
    return cv::makePtr<permute>(params, own, order);
}

// ---- convolutions ----------------------------------------------------------

// What both kinds have: a bias, and an activation that follows at once.
class convolution : public replacement {
  public:
    convolution(const LayerParams &params, const cv::Ptr<Layer> &replaced)
        : replacement(params, replaced), weights(blobs[0]),
          bias(static_cast<size_t>(weights.size[0]), 0.0F) {
        if (blobs.size() > 1)
            std::copy_n(blobs[1].ptr<float>(), bias.size(), bias.begin());
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

    cv::Mat weights;
    std::vector<float> bias;

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

    pointwise(const LayerParams &params, const cv::Ptr<Layer> &replaced)
        : convolution(params, replaced), rows(weights.size[0]),
          depth(weights.size[1]), packed(weights.total()),
          panel(static_cast<size_t>(depth) * SID_PANEL_COLUMNS) {
        sid_pack_rows(weights.ptr<float>(), rows, depth, packed.data());
        weights.release();
    }

  protected:
    void run(const cv::Mat &input, cv::Mat &output) override {
        CV_Assert(input.size[1] == depth && output.size[1] == rows);
        const int columns = static_cast<int>(input.total(2));
        const size_t step = static_cast<size_t>(columns);
        for (int n = 0; n < input.size[0]; n++)
            for (int at = 0; at < columns; at += SID_PANEL_COLUMNS) {
                const int width = std::min(SID_PANEL_COLUMNS, columns - at);
                float *out = output.ptr<float>(n) + at;
                sid_multiply_panel(packed.data(), bias.data(), rows, depth,
                                   input.ptr<float>(n) + at, step, width,
                                   panel.data(), out, step);
                activate(out, width, step, 0, rows);
            }
    }

  private:
    int rows, depth;
    std::vector<float> packed, panel;
};

// 3 x 3, each channel for itself.
class depthwise : public convolution {
  public:
    static bool fits(const BaseConvolutionLayer &own, const cv::Mat &weights) {
        const size_t stride = own.strides.empty() ? 0 : own.strides[0];
        return own.kernel_size == std::vector<size_t>{3, 3} &&
               (stride == 1 || stride == 2) &&
               own.strides == std::vector<size_t>{stride, stride} &&
               own.dilations == std::vector<size_t>{1, 1} &&
               own.pads_begin == std::vector<size_t>{1, 1} &&
               own.pads_end == std::vector<size_t>{1, 1} && weights.dims == 4 &&
               weights.size[1] == 1;
    }

    depthwise(const LayerParams &params, const cv::Ptr<Layer> &replaced,
              int of_stride)
        : convolution(params, replaced), stride(of_stride) {}

  protected:
    void run(const cv::Mat &input, cv::Mat &output) override {
        const int channels = weights.size[0];
        CV_Assert(input.size[1] == channels && output.size[1] == channels);
        const sid_plane_conv shape = {input.size[3], input.size[2], stride,
                                      output.size[3], output.size[2]};
        const size_t plane = output.total(2);
        room.assign(sid_plane_room(&shape), 0.0F);
        for (int n = 0; n < input.size[0]; n++)
            for (int c = 0; c < channels; c++) {
                float *out = output.ptr<float>(n, c);
                sid_convolve_plane(
                    &shape, input.ptr<float>(n, c), weights.ptr<float>(c),
                    bias[static_cast<size_t>(c)], room.data(), out);
                activate(out, static_cast<int>(plane), plane, c, c + 1);
            }
    }

  private:
    int stride;
    std::vector<float> room;
};

cv::Ptr<Layer>
new_convolution(LayerParams &params) {
    const cv::Ptr<BaseConvolutionLayer> own =
        cv::dnn::ConvolutionLayer::create(params);
    const int groups = params.get<int>("group", 1);
    if (params.blobs.empty() || params.blobs[0].type() != CV_32F ||
        !params.blobs[0].isContinuous() || !own->padMode.empty())
        return own;
    const cv::Mat &weights = params.blobs[0];
    if (groups == 1 && pointwise::fits(*own, weights))
        return cv::makePtr<pointwise>(params, own);
    if (groups == weights.size[0] && depthwise::fits(*own, weights))
        return cv::makePtr<depthwise>(params, own,
                                      static_cast<int>(own->strides[0]));
    return own;
}

} // namespace

namespace sid {

void
register_layers() {
    cv::dnn::LayerFactory::registerLayer("Permute", new_permute);
    if (sid_kernels_usable())
        cv::dnn::LayerFactory::registerLayer("Convolution", new_convolution);
}

} // namespace sid
