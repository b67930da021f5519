#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>

#include "graph/visit_type.h"
#include "ops/core/kernel.h"
#include "ops/kernels/reduction_walk.h"

namespace strop {

// Where sums of T are kept: double for floating types, integers modulo 2^64 for the others.
template <typename T>
using SumAccumulator = std::conditional_t<std::is_integral_v<ComputeType<T>>, uint64_t, double>;

// A reducer names the accumulator of elements of type T and folds them:
//
//   static Accumulator Identity();
//   static void Row(Accumulator& a, const T* x, int64_t count);      all x into one
//   static void Columns(Accumulator* a, const T* x, int64_t count);  x[i] into a[i]
//   static void Merge(Accumulator& a, Accumulator b);
//   static T Finish(Accumulator a, int64_t count);

// Σ map(x). `Map::Apply<Accumulator>` takes elements in their compute type; `FinishSum` turns the
// sum into the result.
template <typename T, typename AccumulatorType, typename Map, typename FinishSum>
struct SumReducer {
  using Accumulator = AccumulatorType;

  static Accumulator Load(T x) {
    return Map::template Apply<Accumulator>(static_cast<ComputeType<T>>(x));
  }
  static Accumulator Identity() { return 0; }
  // Eight independent sums: short chains of additions, and vector registers.
  static void Row(Accumulator& a, const T* x, int64_t count) {
    Accumulator lanes[8] = {};
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
      for (int64_t lane = 0; lane < 8; ++lane) lanes[lane] += Load(x[i + lane]);
    }
    for (; i < count; ++i) lanes[0] += Load(x[i]);
    a += ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
         ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
  }
  static void Columns(Accumulator* a, const T* x, int64_t count) {
    for (int64_t i = 0; i < count; ++i) a[i] += Load(x[i]);
  }
  static void Merge(Accumulator& a, Accumulator b) { a += b; }
  static T Finish(Accumulator a, int64_t count) { return FinishSum::template Finish<T>(a, count); }
};

struct MapIdentity {
  template <typename Accumulator, typename X>
  static Accumulator Apply(X x) {
    return static_cast<Accumulator>(x);
  }
};

struct FinishTotal {
  template <typename T, typename A>
  static T Finish(A sum, int64_t) {
    return static_cast<T>(static_cast<ComputeType<T>>(sum));
  }
};

// Integers are divided as integers, towards zero.
struct FinishMean {
  template <typename T, typename A>
  static T Finish(A sum, int64_t count) {
    if constexpr (std::is_signed_v<T> && std::is_integral_v<T>) {
      return count == 0 ? T{0} : static_cast<T>(static_cast<int64_t>(sum) / count);
    } else if constexpr (std::is_integral_v<T>) {
      return count == 0 ? T{0} : static_cast<T>(sum / static_cast<uint64_t>(count));
    } else {
      return static_cast<T>(static_cast<ComputeType<T>>(sum / static_cast<double>(count)));
    }
  }
};

template <typename T>
using Total = SumReducer<T, SumAccumulator<T>, MapIdentity, FinishTotal>;

// y = reduce(x). The workspace holds one accumulator a group and part when parts share groups.
template <typename T, typename Reducer>
std::unique_ptr<Kernel> ReductionKernel(const Reduction& reduction) {
  using Accumulator = typename Reducer::Accumulator;
  const size_t workspace =
      reduction.parts == 1
          ? 0
          : static_cast<size_t>(reduction.group_count() * reduction.parts) * sizeof(Accumulator);
  return MakeKernel(
      [reduction](const KernelArguments& arguments) {
        const T* x = arguments.input<T>(0);
        T* y = arguments.output<T>(0);
        auto* partial = static_cast<Accumulator*>(arguments.workspace);
        reduction.ForEachItem([&](const Reduction::Item& item) {
          Accumulator sums[Reduction::kTile];
          std::fill_n(sums, item.width, Reducer::Identity());
          reduction.ForEachRun(item, [&](int64_t offset, int64_t length, int64_t) {
            if (reduction.contiguous_rows) {
              Reducer::Row(sums[0], x + offset, length);
            } else {
              Reducer::Columns(sums, x + offset, length);
            }
          });
          for (int64_t i = 0; i < item.width; ++i) {
            if (reduction.parts == 1) {
              y[item.group + i] = Reducer::Finish(sums[i], reduction.reduced_count);
            } else {
              partial[(item.group + i) * reduction.parts + item.part] = sums[i];
            }
          }
        });
        if (reduction.parts == 1) return absl::OkStatus();
        for (int64_t group = 0; group < reduction.group_count(); ++group) {
          Accumulator sum = Reducer::Identity();
          for (int64_t part = 0; part < reduction.parts; ++part) {
            Reducer::Merge(sum, partial[group * reduction.parts + part]);
          }
          y[group] = Reducer::Finish(sum, reduction.reduced_count);
        }
        return absl::OkStatus();
      },
      workspace);
}

}  // namespace strop
