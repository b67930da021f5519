// Convolutions by oneDNN.
//
// Neighbouring convolutions agree on a layout without asking each other: blocks of 16 channels
// where the channel counts are multiples of 16, channels-last from the first layer on where they
// are not (there is no padding for elementwise operators to trip over). Weights take what the
// primitive likes best; as states they keep it across steps.

#include "ops/convolution/convolution.h"
#include "ops/kernels/channel_layout.h"
#include "ops/kernels/onednn/primitive.h"

namespace strop {
namespace {

using dnnl::memory;
using onednn::Operand;

enum class Format { kBlocked, kChannelsLast };

constexpr int64_t kChannelBlock = 16;

// A first layer's few channels (grey, RGB, RGBA) stay dense.
constexpr int64_t kFewChannels = 4;

bool IsChannelsLast(const TensorDescription& description) {
  if (description.layout == nullptr || description.rank() < 3) return false;
  const std::optional<ChannelLayout> layout =
      ChannelLayoutOf(description.shape, description.layout);
  return layout.has_value() && layout->block > 1 && layout->block == layout->channels;
}

Format PreferredFormat(const KernelRequest& request, const ConvolutionProduct& product) {
  const ConvolutionGeometry& geometry = product.geometry;
  const auto fills_blocks = [](int64_t channels) {
    return channels % kChannelBlock == 0 || channels <= kFewChannels;
  };
  const bool can_block =
      fills_blocks(geometry.input_channels) && fills_blocks(geometry.output_channels);
  const TensorDescription& guide = request.inputs[product.guide];
  const bool is_one_block = guide.rank() > 1 && guide.shape[1] == kChannelBlock;
  if (!can_block) return Format::kChannelsLast;
  return IsChannelsLast(guide) && !is_one_block ? Format::kChannelsLast : Format::kBlocked;
}

// The memory descriptors and window of a convolution in one format.
struct Descriptors {
  memory::desc x;
  memory::desc w;
  memory::desc y;
  memory::dims strides;
  memory::dims dilations;
  memory::dims pads_begin;
  memory::dims pads_end;

  Descriptors(DataType type, const ConvolutionGeometry& geometry, Format format) {
    x = Activation(type, geometry.input_shape(), format);
    y = Activation(type, geometry.output_shape(), format);
    w = onednn::AnyDescriptor(
        type, geometry.groups > 1 ? geometry.grouped_weight_shape() : geometry.weight_shape());
    const Window& window = geometry.window;
    for (size_t axis = 0; axis < window.rank(); ++axis) {
      strides.push_back(window.strides[axis]);
      dilations.push_back(window.dilations[axis] - 1);
      pads_begin.push_back(window.pads_begin[axis]);
      pads_end.push_back(window.reach_beyond(axis));
    }
  }

 private:
  static memory::desc Activation(DataType type, const Shape& shape, Format format) {
    if (format == Format::kBlocked) return onednn::AnyDescriptor(type, shape);
    constexpr memory::format_tag kTags[] = {memory::format_tag::nwc, memory::format_tag::nhwc,
                                            memory::format_tag::ndhwc};
    return memory::desc(onednn::Dimensions(shape), onednn::ElementType(type),
                        kTags[shape.size() - 3]);
  }
};

dnnl::convolution_forward::primitive_desc DescribeForward(const Descriptors& d,
                                                          const memory::desc& bias) {
  return onednn::Describe<dnnl::convolution_forward>(
      onednn::DefaultAttributes(), dnnl::prop_kind::forward_training,
      dnnl::algorithm::convolution_direct, d.x, d.w, bias, d.y, d.strides, d.dilations,
      d.pads_begin, d.pads_end);
}

memory::desc BiasDescriptor(DataType type, bool has_bias, int64_t channels) {
  return has_bias ? onednn::DenseDescriptor(type, {channels}) : memory::desc();
}

std::unique_ptr<Kernel> MakeForward(const KernelRequest& request, const ConvolutionProduct& product,
                                    Format format) {
  const DataType type = request.inputs[0].type;
  const Descriptors d(type, product.geometry, format);
  const memory::desc bias =
      BiasDescriptor(type, product.has_bias, product.geometry.output_channels);
  const auto descriptor = DescribeForward(d, bias);
  if (onednn::IsReference(descriptor.impl_info_str())) return nullptr;
  std::vector<Operand> inputs = {{DNNL_ARG_SRC, 0, descriptor.src_desc()},
                                 {DNNL_ARG_WEIGHTS, 1, descriptor.weights_desc()}};
  if (product.has_bias) inputs.push_back({DNNL_ARG_BIAS, 2, bias});
  return onednn::MakePrimitiveKernel<dnnl::convolution_forward>(
      descriptor, inputs, {{DNNL_ARG_DST, 0, descriptor.dst_desc()}});
}

std::unique_ptr<Kernel> MakeInputGradient(const KernelRequest& request,
                                          const ConvolutionProduct& product, Format format) {
  const Descriptors d(request.inputs[0].type, product.geometry, format);
  const auto descriptor = onednn::DescribeBackward<dnnl::convolution_backward_data>(
      onednn::DefaultAttributes(), DescribeForward(d, memory::desc()),
      dnnl::algorithm::convolution_direct, d.x, d.w, d.y, d.strides, d.dilations, d.pads_begin,
      d.pads_end);
  if (onednn::IsReference(descriptor.impl_info_str())) return nullptr;
  return onednn::MakePrimitiveKernel<dnnl::convolution_backward_data>(
      descriptor,
      {{DNNL_ARG_DIFF_DST, 0, descriptor.diff_dst_desc()},
       {DNNL_ARG_WEIGHTS, 1, descriptor.weights_desc()}},
      {{DNNL_ARG_DIFF_SRC, 0, descriptor.diff_src_desc()}});
}

// Exchanges the axes of a weight's output and input channels.
memory::desc ExchangeChannels(const memory::desc& weights, size_t spatial_rank) {
  const auto rank = static_cast<int>(onednn::BlockingOf(weights).dimensions.size());
  const int first = rank - static_cast<int>(spatial_rank) - 2;
  std::vector<int> axes;
  for (int axis = 0; axis < rank; ++axis) axes.push_back(axis);
  std::swap(axes[static_cast<size_t>(first)], axes[static_cast<size_t>(first) + 1]);
  return weights.permute_axes(axes);
}

// A transposed convolution with its bias; oneDNN's weights have the channel axes exchanged.
std::unique_ptr<Kernel> MakeTransposeWithBias(const KernelRequest& request,
                                              const ConvolutionProduct& product, Format format) {
  const DataType type = request.inputs[0].type;
  const ConvolutionGeometry& geometry = product.geometry;
  const Descriptors d(type, geometry, format);
  Shape weights = geometry.groups > 1 ? geometry.grouped_weight_shape() : geometry.weight_shape();
  const size_t first = geometry.groups > 1 ? 1 : 0;
  std::swap(weights[first], weights[first + 1]);
  const memory::desc bias = BiasDescriptor(type, true, geometry.input_channels);
  const auto descriptor = onednn::Describe<dnnl::deconvolution_forward>(
      onednn::DefaultAttributes(), dnnl::prop_kind::forward_training,
      dnnl::algorithm::deconvolution_direct, d.y, onednn::AnyDescriptor(type, weights), bias, d.x,
      d.strides, d.dilations, d.pads_begin, d.pads_end);
  if (onednn::IsReference(descriptor.impl_info_str())) return nullptr;
  const memory::desc packed = descriptor.weights_desc();
  return onednn::MakePrimitiveKernel<dnnl::deconvolution_forward>(
      descriptor,
      {{DNNL_ARG_SRC, 0, descriptor.src_desc()},
       {DNNL_ARG_WEIGHTS, 1, packed, ExchangeChannels(packed, geometry.window.rank())},
       {DNNL_ARG_BIAS, 2, bias}},
      {{DNNL_ARG_DST, 0, descriptor.dst_desc()}});
}

std::unique_ptr<Kernel> MakeWeightGradient(const KernelRequest& request,
                                           const ConvolutionProduct& product, Format format) {
  const DataType type = request.inputs[0].type;
  const Descriptors d(type, product.geometry, format);
  const bool wants_bias = request.has_output(1);
  const memory::desc bias = BiasDescriptor(type, wants_bias, product.geometry.output_channels);
  const auto descriptor = onednn::DescribeBackward<dnnl::convolution_backward_weights>(
      onednn::DefaultAttributes(), DescribeForward(d, bias), dnnl::algorithm::convolution_direct,
      d.x, d.w, bias, d.y, d.strides, d.dilations, d.pads_begin, d.pads_end);
  if (onednn::IsReference(descriptor.impl_info_str())) return nullptr;
  std::vector<Operand> outputs = {{DNNL_ARG_DIFF_WEIGHTS, 0, descriptor.diff_weights_desc()}};
  if (wants_bias) outputs.push_back({DNNL_ARG_DIFF_BIAS, 1, bias});
  return onednn::MakePrimitiveKernel<dnnl::convolution_backward_weights>(
      descriptor,
      {{DNNL_ARG_SRC, product.x, descriptor.src_desc()},
       {DNNL_ARG_DIFF_DST, product.dy, descriptor.diff_dst_desc()}},
      outputs);
}

std::unique_ptr<Kernel> Make(const KernelRequest& request, const ConvolutionProduct& product,
                             Format format) {
  switch (product.kind) {
    case ConvolutionProduct::Kind::kForward:
      return MakeForward(request, product, format);
    case ConvolutionProduct::Kind::kTranspose:
      return product.has_bias ? MakeTransposeWithBias(request, product, format)
                              : MakeInputGradient(request, product, format);
    case ConvolutionProduct::Kind::kWeights:
      return MakeWeightGradient(request, product, format);
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> OnednnConvolution(const KernelRequest& request,
                                                          const ConvolutionProduct& product) {
  const ConvolutionGeometry& geometry = product.geometry;
  const DataType type = request.inputs[0].type;
  constexpr size_t kMaximumRank = 3;
  const bool has_elements = ElementCount(geometry.input_shape()) > 0 &&
                            ElementCount(geometry.output_shape()) > 0 &&
                            ElementCount(geometry.weight_shape()) > 0;
  if (!has_elements || geometry.window.rank() > kMaximumRank ||
      onednn::ElementType(type) == memory::data_type::undef) {
    return std::unique_ptr<Kernel>();
  }
  const Format preferred = PreferredFormat(request, product);
  const Format other = preferred == Format::kBlocked ? Format::kChannelsLast : Format::kBlocked;
  for (const Format format : {preferred, other}) {
    STROP_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel,
                           onednn::TryMakeKernel([&] { return Make(request, product, format); }));
    if (kernel != nullptr) return kernel;
  }
  return std::unique_ptr<Kernel>();
}

}  // namespace strop
