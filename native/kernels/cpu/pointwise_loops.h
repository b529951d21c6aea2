// Turns rows of the .def files into loops: one instantiation per row and type of computation.
#pragma once
#include <algorithm>
#include <limits>
#include <type_traits>

#include "kernels/cpu/isa.h"
#include "kernels/cpu/pointwise.h"
#include "kernels/cpu/vmath.h"
#include "kernels/cpu/vmath_bessel.h"
#include "kernels/cpu/vmath_gamma.h"
#include "kernels/cpu/vmath_integer.h"
#include "kernels/cpu/vmath_special.h"

namespace cg::cpu::CG_ISA {

template <class... T> struct Types {};
using FLOATING = Types<float, double>;
using NUMERIC = Types<int32_t, int64_t, float, double>;
using INTEGRAL = Types<bool, int32_t, int64_t>;
using ANY = Types<bool, int32_t, int64_t, float, double>;
using COMPLEX = Types<>;
struct TRIGONOMETRIC : FLOATING {};
struct GAMMA : FLOATING {};

template <class T> constexpr size_t kIndexOf = 0; // of T in Computed
template <> inline constexpr size_t kIndexOf<bool> = static_cast<size_t>(Computed::kBool);
template <> inline constexpr size_t kIndexOf<int32_t> = static_cast<size_t>(Computed::kInt32);
template <> inline constexpr size_t kIndexOf<int64_t> = static_cast<size_t>(Computed::kInt64);
template <> inline constexpr size_t kIndexOf<float> = static_cast<size_t>(Computed::kFloat32);
template <> inline constexpr size_t kIndexOf<double> = static_cast<size_t>(Computed::kFloat64);

// An attribute in the type of the computation; integers saturate.
template <class T> T attribute(double p) {
  if constexpr (std::is_floating_point_v<T>) return static_cast<T>(p);
  constexpr auto kLow = static_cast<double>(std::numeric_limits<T>::min());
  constexpr auto kHigh = static_cast<double>(std::numeric_limits<T>::max());
  return !(p > kLow) ? std::numeric_limits<T>::min() : p >= kHigh ? std::numeric_limits<T>::max() : static_cast<T>(p);
}

// Loops over bool* are not vectorised; a bool is a byte that is 0 or 1.
template <class T> using Stored = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;
template <class T> CG_INLINE T value(Stored<T> x) {
  if constexpr (std::is_same_v<T, bool>)
    return x != 0;
  else
    return x;
}

// An operation has kInputs and a static call of (T p0, T p1, T x...); a predicate answers bool, a selection takes bool first.
template <class Op, class T> void loop(void* out, const void* const* in, int64_t n, const double* p) {
  using First = std::conditional_t<Op::kSelects, bool, T>;
  using Result = std::conditional_t<Op::kPredicate, bool, T>;
  auto* y = static_cast<Stored<Result>*>(out);
  const auto* a = static_cast<const Stored<First>*>(in[0]);
  const T p0 = attribute<T>(p[0]), p1 = attribute<T>(p[1]);
  if constexpr (Op::kInputs == 1) {
    CG_SIMD for (int64_t i = 0; i < n; ++i) y[i] = static_cast<Result>(Op::apply(p0, p1, value<First>(a[i])));
  } else if constexpr (Op::kInputs == 2) {
    const auto* b = static_cast<const Stored<T>*>(in[1]);
    CG_SIMD for (int64_t i = 0; i < n; ++i) {
      y[i] = static_cast<Result>(Op::apply(p0, p1, value<T>(a[i]), value<T>(b[i])));
    }
  } else {
    const auto *b = static_cast<const Stored<T>*>(in[1]), *c = static_cast<const Stored<T>*>(in[2]);
    CG_SIMD for (int64_t i = 0; i < n; ++i) {
      y[i] = static_cast<Result>(Op::apply(p0, p1, value<First>(a[i]), value<T>(b[i]), value<T>(c[i])));
    }
  }
}

// The vector versions of sin, cos and tan reduce arguments up to kReducible; blocks that hold a larger one use the C library.
template <class Op> void loop_reduced(void* out, const void* const* in, int64_t n, const double* p) {
  constexpr int64_t kStep = 256;
  auto* y = static_cast<float*>(out);
  const auto* x = static_cast<const float*>(in[0]);
  for (int64_t begin = 0; begin < n; begin += kStep) {
    const int64_t count = n - begin < kStep ? n - begin : kStep;
    uint32_t most = 0; // magnitudes compare like their bits; NaN is above all
    for (int64_t i = begin; i < begin + count; ++i) most = std::max(most, vmath::bits(vmath::abs(x[i])));
    const void* block = x + begin;
    if (most <= vmath::bits(vmath::kReducible))
      loop<Op, float>(y + begin, &block, count, p);
    else
      for (int64_t i = begin; i < begin + count; ++i)
        y[i] = static_cast<float>(Op::apply(0.0, 0.0, static_cast<double>(x[i])));
  }
}

// The vector versions of lgamma are for numbers from 0 and for numbers of moderate size; other blocks use the C library.
template <class Op> void loop_gamma(void* out, const void* const* in, int64_t n, const double* p) {
  constexpr int64_t kStep = 256;
  auto* y = static_cast<float*>(out);
  const auto* x = static_cast<const float*>(in[0]);
  for (int64_t begin = 0; begin < n; begin += kStep) {
    const int64_t end = std::min(n, begin + kStep);
    uint32_t most = 0, size = 0; // the bits of numbers below 0 are above those of infinity
    for (int64_t i = begin; i < end; ++i) {
      most = std::max(most, vmath::bits(x[i]));
      size = std::max(size, vmath::bits(vmath::abs(x[i])));
    }
    if (most < vmath::bits(vmath::kInfF)) {
      CG_SIMD for (int64_t i = begin; i < end; ++i) y[i] = static_cast<float>(lgamma_positive(x[i]));
    } else if (size < vmath::bits(0x1p22f)) {
      CG_SIMD for (int64_t i = begin; i < end; ++i) y[i] = static_cast<float>(lgamma_signed(x[i]));
    } else {
      const void* block = x + begin;
      loop<Op, float>(y + begin, &block, end - begin, p);
    }
  }
}

template <class Op, class... T> constexpr Loops loops_for(Types<T...>) {
  Loops loops{};
  ((loops[kIndexOf<T>] = &loop<Op, T>), ...);
  return loops;
}
template <class Op> constexpr Loops loops_for(TRIGONOMETRIC) {
  Loops loops = loops_for<Op>(FLOATING{});
  loops[kIndexOf<float>] = &loop_reduced<Op>;
  return loops;
}
template <class Op> constexpr Loops loops_for(GAMMA) {
  Loops loops = loops_for<Op>(FLOATING{});
  loops[kIndexOf<float>] = &loop_gamma<Op>;
  return loops;
}

// Declares the operation of a row; `parameters` names the inputs.
#define CG_OPERATION(name, inputs, predicate, selects, parameters, ...)                                                \
  struct op_##name {                                                                                                   \
    static constexpr int kInputs = inputs;                                                                             \
    static constexpr bool kPredicate = predicate, kSelects = selects;                                                  \
    template <class T> CG_INLINE static auto apply([[maybe_unused]] T p0, [[maybe_unused]] T p1, parameters) {         \
      return __VA_ARGS__;                                                                                              \
    }                                                                                                                  \
  };

} // namespace cg::cpu::CG_ISA
