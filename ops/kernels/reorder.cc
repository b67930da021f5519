#include "ops/kernels/reorder.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/kernels/onednn/primitive.h"
#include "ops/kernels/workspace.h"

namespace strop {
namespace {

using onednn::OnednnLayout;

// The tensor in `layout` as oneDNN sees it, dense ones with the axes of `other`.
dnnl::memory::desc DescriptorOf(DataType type, const Shape& shape, const Layout& layout,
                                const Layout& other) {
  for (const Layout& candidate : {layout, other}) {
    const auto* opaque = dynamic_cast<const OnednnLayout*>(candidate.get());
    if (opaque == nullptr) continue;
    return candidate == layout ? opaque->descriptor()
                               : onednn::DenseDescriptor(type, opaque->blocking().dimensions);
  }
  return onednn::DenseDescriptor(type, shape);
}

std::unique_ptr<Kernel> ReorderKernel(const dnnl::memory::desc& from,
                                      const dnnl::memory::desc& to) {
  const dnnl::reorder::primitive_desc descriptor(onednn::Engine(), from, onednn::Engine(), to,
                                                 onednn::DefaultAttributes());
  return onednn::PrimitiveKernel(dnnl::reorder(descriptor), descriptor.scratchpad_desc(),
                                 descriptor.impl_info_str(), {{DNNL_ARG_FROM, 0, from}},
                                 {{DNNL_ARG_TO, 0, to}});
}

// Between layouts whose axes differ: by way of a dense copy in the workspace.
std::unique_ptr<Kernel> ReorderThroughDense(DataType type, const Shape& shape,
                                            const dnnl::memory::desc& from,
                                            const dnnl::memory::desc& to) {
  const auto dense_like = [&](const dnnl::memory::desc& descriptor) {
    return onednn::DenseDescriptor(type, onednn::BlockingOf(descriptor).dimensions);
  };
  const std::shared_ptr<Kernel> unpack = ReorderKernel(from, dense_like(from));
  const std::shared_ptr<Kernel> pack = ReorderKernel(dense_like(to), to);
  const size_t dense_bytes = AlignedBytes(BytesFor(type, ElementCount(shape)));
  std::unique_ptr<Kernel> kernel = MakeKernel(
      [unpack, pack, dense_bytes](const KernelArguments& arguments) {
        void* const dense = arguments.workspace;
        void* const scratchpad = static_cast<std::byte*>(arguments.workspace) + dense_bytes;
        STROP_RETURN_IF_ERROR(unpack->run(
            {arguments.inputs, absl::MakeConstSpan(&dense, 1), scratchpad, arguments.step}));
        const void* const source = dense;
        return pack->run(
            {absl::MakeConstSpan(&source, 1), arguments.outputs, scratchpad, arguments.step});
      },
      dense_bytes + std::max(unpack->workspace_bytes, pack->workspace_bytes));
  kernel->input_layouts = unpack->input_layouts;
  kernel->output_layouts = pack->output_layouts;
  return kernel;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> MakeReorderKernel(DataType type, const Shape& shape,
                                                          const Layout& from, const Layout& to) {
  if (SameLayout(from, to)) {
    const size_t bytes = from == nullptr ? BytesFor(type, ElementCount(shape)) : from->bytes();
    return MakeKernel([bytes](const KernelArguments& arguments) {
      if (bytes > 0) std::memcpy(arguments.outputs[0], arguments.inputs[0], bytes);
      return absl::OkStatus();
    });
  }
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel, onednn::TryMakeKernel([&] {
                           const dnnl::memory::desc source = DescriptorOf(type, shape, from, to);
                           const dnnl::memory::desc target = DescriptorOf(type, shape, to, from);
                           const bool same_axes = onednn::BlockingOf(source).dimensions ==
                                                  onednn::BlockingOf(target).dimensions;
                           return same_axes ? ReorderKernel(source, target)
                                            : ReorderThroughDense(type, shape, source, target);
                         }));
  if (kernel == nullptr) {
    return absl::InternalError(absl::StrCat("reorder: oneDNN has no way from ",
                                            from == nullptr ? "dense" : from->name(), " to ",
                                            to == nullptr ? "dense" : to->name(), " for ",
                                            std::string(DataTypeName(type)), ShapeName(shape)));
  }
  return kernel;
}

}  // namespace strop
