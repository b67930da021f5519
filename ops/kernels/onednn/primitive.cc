#include "ops/kernels/onednn/primitive.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop::onednn {
namespace {

// A primitive with its arguments. Shared by the copies of the kernel's function.
class Execution {
 public:
  Execution(const dnnl::primitive& primitive, const dnnl::memory::desc& scratchpad,
            const std::vector<Operand>& inputs, const std::vector<Operand>& outputs)
      : primitive_(primitive) {
    for (const Operand& operand : inputs) Add(operand);
    input_count_ = inputs.size();
    for (const Operand& operand : outputs) Add(operand);
    if (scratchpad.get_size() > 0) {
      Add({.argument = DNNL_ARG_SCRATCHPAD, .descriptor = scratchpad});
      has_scratchpad_ = true;
    }
  }

  absl::Status Run(const KernelArguments& arguments) {
    const size_t operand_count = memories_.size() - (has_scratchpad_ ? 1 : 0);
    for (size_t i = 0; i < input_count_; ++i) {
      // oneDNN takes inputs by mutable pointers and does not write to them.
      STROP_RETURN_IF_ERROR(SetAddress(i, const_cast<void*>(arguments.inputs[indices_[i]])));
    }
    for (size_t i = input_count_; i < operand_count; ++i) {
      STROP_RETURN_IF_ERROR(SetAddress(i, arguments.outputs[indices_[i]]));
    }
    if (has_scratchpad_) STROP_RETURN_IF_ERROR(SetAddress(operand_count, arguments.workspace));
    // The C interface takes the arguments as they are; the C++ one would copy them into a map.
    return ToStatus(dnnl_primitive_execute(primitive_.get(), Stream().get(),
                                           static_cast<int>(execution_arguments_.size()),
                                           execution_arguments_.data()));
  }

 private:
  void Add(const Operand& operand) {
    memories_.emplace_back(operand.descriptor, Engine(), nullptr);
    addresses_.push_back(nullptr);
    indices_.push_back(operand.index);
    execution_arguments_.push_back({operand.argument, memories_.back().get()});
  }

  // oneDNN 2.6 clears a layout's padding whenever an address is set, so unchanged ones are not.
  absl::Status SetAddress(size_t i, void* address) {
    if (addresses_[i] == address) return absl::OkStatus();
    addresses_[i] = address;
    return ToStatus(dnnl_memory_set_data_handle(memories_[i].get(), address));
  }

  static absl::Status ToStatus(dnnl_status_t status) {
    if (status == dnnl_success) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("oneDNN: execution failed with status ", static_cast<int>(status)));
  }

  dnnl::primitive primitive_;
  std::vector<dnnl::memory> memories_;
  std::vector<void*> addresses_;
  std::vector<size_t> indices_;
  std::vector<dnnl_exec_arg_t> execution_arguments_;
  size_t input_count_ = 0;
  bool has_scratchpad_ = false;
};

std::vector<Layout> LayoutsOf(const std::vector<Operand>& operands) {
  std::vector<Layout> layouts;
  for (const Operand& operand : operands) {
    if (operand.index >= layouts.size()) layouts.resize(operand.index + 1);
    layouts[operand.index] = LayoutOf(operand.layout.value_or(operand.descriptor));
  }
  return layouts;
}

}  // namespace

const dnnl::engine& Engine() {
  static const auto* const engine = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *engine;
}

const dnnl::stream& Stream() {
  static thread_local const dnnl::stream stream(Engine());
  return stream;
}

dnnl::primitive_attr DefaultAttributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

std::unique_ptr<Kernel> PrimitiveKernel(const dnnl::primitive& primitive,
                                        const dnnl::memory::desc& scratchpad,
                                        const std::string& implementation,
                                        const std::vector<Operand>& inputs,
                                        const std::vector<Operand>& outputs) {
  auto execution = std::make_shared<Execution>(primitive, scratchpad, inputs, outputs);
  std::unique_ptr<Kernel> kernel = MakeKernel(
      [execution](const KernelArguments& arguments) { return execution->Run(arguments); },
      scratchpad.get_size());
  kernel->input_layouts = LayoutsOf(inputs);
  kernel->output_layouts = LayoutsOf(outputs);
  kernel->implementation = absl::StrCat("onednn ", implementation);
  return kernel;
}

bool IsReference(const std::string& implementation) {
  return absl::StartsWith(implementation, "ref");
}

}  // namespace strop::onednn
