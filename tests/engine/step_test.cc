// A step allocates nothing and creates no primitive; two runs give the same bits.

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "ops/core/registry.h"
#include "plugin/engine/runtime/session.h"
#include "tests/engine/small_network.h"

// ---- Counters: the C library's allocator and oneDNN's primitive constructor, seen on their way.
// dnnl_primitive_execute puts its arguments into a hash table, a few nodes of tens of bytes at
// every call, which its interface leaves no way around. Inside it only larger allocations count:
// buffers.

namespace {
constexpr size_t kArgumentTableBytes = 512;

std::atomic<bool> counting{false};
std::atomic<int> allocations{0};
std::atomic<int> primitives{0};
thread_local bool is_executing_primitive = false;

}  // namespace

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
namespace {
void CountAllocation(size_t bytes) {
  if (!counting.load(std::memory_order_relaxed)) return;
  if (!is_executing_primitive || bytes > kArgumentTableBytes) ++allocations;
}
}  // namespace

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t bytes) {
  CountAllocation(bytes);
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) {
  CountAllocation(count * bytes);
  return __libc_calloc(count, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
  CountAllocation(bytes);
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** pointer, size_t alignment, size_t bytes) {
  CountAllocation(bytes);
  *pointer = __libc_memalign(alignment, bytes);
  return *pointer == nullptr ? 12 : 0;
}
}
#endif

extern "C" int dnnl_primitive_create(void** primitive, const void* descriptor) {
  if (counting.load(std::memory_order_relaxed)) ++primitives;
  using Create = int (*)(void**, const void*);
  static const auto create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "dnnl_primitive_create"));
  return create(primitive, descriptor);
}

extern "C" int dnnl_primitive_execute(const void* primitive, void* stream, int count,
                                      const void* arguments) {
  using Execute = int (*)(const void*, void*, int, const void*);
  static const auto execute = reinterpret_cast<Execute>(dlsym(RTLD_NEXT, "dnnl_primitive_execute"));
  is_executing_primitive = true;
  const int status = execute(primitive, stream, count, arguments);
  is_executing_primitive = false;
  return status;
}

namespace strop {
namespace {

std::unique_ptr<Session> MakeSession() {
  PlanOptions options;
  options.verify = true;
  absl::StatusOr<std::unique_ptr<Session>> session =
      Session::Create(SmallTrainingGraph(), std::make_shared<StateStore>(), options);
  EXPECT_TRUE(session.ok()) << session.status();
  return session.ok() ? *std::move(session) : nullptr;
}

TEST(Step, AllocatesNothingAndCreatesNoPrimitive) {
  std::unique_ptr<Session> session = MakeSession();
  ASSERT_NE(session, nullptr);
  const std::vector<Tensor> inputs = {RandomTensor({4, 3, 16, 16}, 99)};
  // The counters themselves work: planning allocates and creates.
  counting = true;
  const absl::Status first = session->Run(inputs).status();
  counting = false;
  ASSERT_TRUE(first.ok()) << first;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_GT(allocations, 0);
#endif
  EXPECT_GT(primitives, 0);
  ASSERT_TRUE(session->Run(inputs).ok());

  allocations = 0;
  primitives = 0;
  counting = true;
  for (int step = 0; step < 3; ++step) {
    if (!session->Run(inputs).ok()) break;
  }
  counting = false;
  EXPECT_EQ(allocations, 0);
  EXPECT_EQ(primitives, 0);
  EXPECT_EQ(session->step(), 5u);
}

TEST(Step, TwoRunsGiveTheSameBits) {
  std::vector<std::vector<Tensor>> states;
  for (int run = 0; run < 2; ++run) {
    std::unique_ptr<Session> session = MakeSession();
    ASSERT_NE(session, nullptr);
    const std::vector<Tensor> inputs = {RandomTensor({4, 3, 16, 16}, 99)};
    for (int step = 0; step < 4; ++step) ASSERT_TRUE(session->Run(inputs).ok());
    states.emplace_back();
    for (const std::string& name : session->store().Names()) {
      states.back().push_back(*session->store().Read(name));
    }
  }
  ASSERT_EQ(states[0].size(), states[1].size());
  for (size_t i = 0; i < states[0].size(); ++i) {
    EXPECT_EQ(std::memcmp(states[0][i].data(), states[1][i].data(), states[0][i].bytes()), 0);
  }
}

TEST(Step, LossFallsAndShapesMayChange) {
  std::unique_ptr<Session> session = MakeSession();
  ASSERT_NE(session, nullptr);
  std::vector<float> losses;
  for (const int64_t batch : {4, 2, 4, 2, 4}) {
    const std::vector<Tensor> inputs = {RandomTensor({batch, 3, 16, 16}, 99)};
    absl::StatusOr<absl::Span<const Tensor>> outputs = session->Run(inputs);
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    losses.push_back((*outputs)[0].elements<float>()[0]);
  }
  EXPECT_LT(losses[2], losses[0]);
  EXPECT_LT(losses[4], losses[2]);
}

// The second session outgrows the arena that the first one's plan points into, step by step in
// turn.
TEST(Step, SessionsThatTakeTurnsShareAnArena) {
  const auto losses = [](const std::shared_ptr<Arena>& arena) {
    std::vector<std::unique_ptr<Session>> sessions;
    for (int i = 0; i < 2; ++i) {
      absl::StatusOr<std::unique_ptr<Session>> session = Session::Create(
          SmallTrainingGraph(), std::make_shared<StateStore>(), {.verify = true}, arena);
      EXPECT_TRUE(session.ok()) << session.status();
      if (session.ok()) sessions.push_back(*std::move(session));
    }
    std::vector<float> found;
    for (const int64_t batch : {4, 64, 4, 64, 128, 4}) {
      const auto outputs =
          sessions[batch == 4 ? 0 : 1]->Run({{RandomTensor({batch, 3, 16, 16}, 99)}});
      EXPECT_TRUE(outputs.ok()) << outputs.status();
      if (outputs.ok()) found.push_back((*outputs)[0].elements<float>()[0]);
    }
    return found;
  };
  const auto shared = std::make_shared<Arena>();
  EXPECT_EQ(losses(shared), losses(nullptr));
  EXPECT_GT(shared->generation(), 1u);
}

// Relu writes over Neg's result; the Reshape behind it is a view of that memory.
TEST(Step, AViewFollowsAResultThatWasWrittenOverItsInput) {
  Graph graph;
  const ValueId x = graph.AddInput("x", {DataType::kFloat, std::nullopt});
  const ValueId flat = graph.AddConstant("flat", Tensor::FromVector<int64_t>({1}, {-1}));
  const auto add = [&](const char* op, std::vector<ValueId> inputs) {
    return AppendNode(graph, {op, "", op, {}, std::move(inputs), {}}, 1).value()[0];
  };
  const ValueId view = add("Reshape", {add("Relu", {add("Neg", {x})}), flat});
  const ValueId other = add("Exp", {x});
  graph.outputs = {add("Neg", {view}), other};
  auto session = Session::Create(graph, std::make_shared<StateStore>()).value();
  const Tensor input = RandomTensor({5, 7}, 1);
  const absl::Span<const Tensor> outputs = session->Run({input}).value();
  for (size_t i = 0; i < 35; ++i) {
    EXPECT_EQ(outputs[0].elements<float>()[i], -std::max(-input.elements<float>()[i], 0.0f));
  }
}

// Eight bools take as many bytes as the one number that they are compared with.
TEST(Step, AResultOfAnotherTypeIsNotWrittenOverItsInput) {
  Graph graph;
  const ValueId x = graph.AddInput("x", {DataType::kInt64, std::nullopt});
  const ValueId y = graph.AddInput("y", {DataType::kInt64, std::nullopt});
  const auto add = [&](const char* op, std::vector<ValueId> inputs) {
    return AppendNode(graph, {op, "", op, {}, std::move(inputs), {}}, 1).value()[0];
  };
  graph.outputs = {add("Less", {add("Add", {x, x}), add("Add", {y, y})})};
  auto session = Session::Create(graph, std::make_shared<StateStore>()).value();
  const Tensor numbers = Tensor::FromVector<int64_t>({8}, {0, 1, 2, 3, 4, 5, 6, 7});
  const Tensor bound = Tensor::FromVector<int64_t>({1}, {4});
  const Tensor result = session->Run({numbers, bound}).value()[0];
  for (int64_t i = 0; i < 8; ++i) EXPECT_EQ(result.elements<bool>()[i], i < 4) << i;
}

}  // namespace
}  // namespace strop
