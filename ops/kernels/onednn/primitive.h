#pragma once

#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ops/kernels/onednn/layout.h"

namespace strop::onednn {

// The one CPU engine, and the calling thread's stream on it.
const dnnl::engine& Engine();
const dnnl::stream& Stream();

// Attributes under which the planner provides the scratchpad. Every primitive is made with these.
dnnl::primitive_attr DefaultAttributes();

// The descriptor of a primitive from the arguments of its operation: oneDNN 2.6 makes it in two
// steps, 3.x in one. `arguments` are those that both versions take.
template <typename Primitive, typename... Arguments>
typename Primitive::primitive_desc Describe(const dnnl::primitive_attr& attributes,
                                            const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return typename Primitive::primitive_desc(Engine(), arguments..., attributes);
#else
  return typename Primitive::primitive_desc(typename Primitive::desc(arguments...), attributes,
                                            Engine());
#endif
}

// The same for a backward primitive, which wants its forward descriptor.
template <typename Primitive, typename Forward, typename... Arguments>
typename Primitive::primitive_desc DescribeBackward(const dnnl::primitive_attr& attributes,
                                                    const Forward& forward,
                                                    const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return typename Primitive::primitive_desc(Engine(), arguments..., forward, attributes);
#else
  return typename Primitive::primitive_desc(typename Primitive::desc(arguments...), attributes,
                                            Engine(), forward);
#endif
}

// One argument of a primitive: which operand of the node it is, and how that lies in memory.
struct Operand {
  int argument = 0;  // DNNL_ARG_SRC, …
  size_t index = 0;  // of the node's input or output
  dnnl::memory::desc descriptor;
  // The layout that the planner sees, where the primitive's view has other axes than the value.
  std::optional<dnnl::memory::desc> layout = std::nullopt;
};

// A kernel that executes a primitive. Memory objects are made here, once; running it only sets
// addresses. Its layouts are those of the operands.
std::unique_ptr<Kernel> PrimitiveKernel(const dnnl::primitive& primitive,
                                        const dnnl::memory::desc& scratchpad,
                                        const std::string& implementation,
                                        const std::vector<Operand>& inputs,
                                        const std::vector<Operand>& outputs);

// The same from a primitive descriptor.
template <typename Primitive>
std::unique_ptr<Kernel> MakePrimitiveKernel(const typename Primitive::primitive_desc& descriptor,
                                            const std::vector<Operand>& inputs,
                                            const std::vector<Operand>& outputs) {
  return PrimitiveKernel(Primitive(descriptor), descriptor.scratchpad_desc(),
                         descriptor.impl_info_str(), inputs, outputs);
}

// True for oneDNN's reference implementations, which are slower than our own kernels.
bool IsReference(const std::string& implementation);

// Runs `body`, which makes a kernel; nullptr when oneDNN has no implementation for the request.
template <typename Body>
absl::StatusOr<std::unique_ptr<Kernel>> TryMakeKernel(const Body& body) {
  try {
    return body();
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) {
      return absl::ResourceExhaustedError("oneDNN: out of memory");
    }
    return std::unique_ptr<Kernel>();
  }
}

}  // namespace strop::onednn
