// The operations that several kernels fold with: extremes that NaN wins, and count, sum and squared deviations of a run.
#pragma once
#include <bit>
#include <limits>

#include "kernels/cpu/fold.h"

namespace cg::cpu::CG_ISA {

template <class In, bool Greatest> struct Extreme {
  using Acc = In;
  using Total = In;
  using Limits = std::numeric_limits<In>;
  Acc identity() const {
    if constexpr (std::is_floating_point_v<In>) return Greatest ? -Limits::infinity() : Limits::infinity();
    return Greatest ? Limits::lowest() : Limits::max();
  }
  Acc lift(In x) const { return x; }
  // Once a is NaN no comparison removes it. Floats are chosen by a bit mask, because g++ branches on `greater | unordered`.
  static In merge(In a, In b) {
    if constexpr (std::is_floating_point_v<In>) {
      using Bits = std::conditional_t<sizeof(In) == 4, int32_t, int64_t>;
      const Bits take = -static_cast<Bits>((Greatest ? b > a : b < a) | (b != b));
      return std::bit_cast<In>((std::bit_cast<Bits>(b) & take) | (std::bit_cast<Bits>(a) & ~take));
    } else {
      return Greatest ? std::max(a, b) : std::min(a, b);
    }
  }
};

template <class In> struct PlainSum {
  using Acc = In;
  using Total = double;
  Acc identity() const { return 0; }
  Acc lift(In x) const { return x; }
  template <class V> static V merge(V a, V b) { return a + b; }
};

template <class In> struct SquaredDeviation {
  using Acc = In;
  using Total = double;
  In mean;
  Acc identity() const { return 0; }
  Acc lift(In x) const { return (x - mean) * (x - mean); }
  template <class V> static V merge(V a, V b) { return a + b; }
};

// Chan, Golub and LeVeque 1983: moments of parts give the moments of the whole without cancellation.
struct Moments {
  double count = 0, sum = 0, m2 = 0;

  void merge(const Moments& other) {
    if (other.count == 0) return;
    if (count == 0) return void(*this = other);
    const double delta = other.sum / other.count - sum / count;
    m2 += other.m2 + delta * delta * count * other.count / (count + other.count);
    sum += other.sum;
    count += other.count;
  }
};

// Two passes over a run that fits the L1 cache.
template <class In> Moments moments_of(const In* run, int64_t n) {
  const double sum = fold_run(PlainSum<In>{}, run, n);
  const double count = static_cast<double>(n);
  const double m2 = fold_run(SquaredDeviation<In>{static_cast<In>(sum / count)}, run, n);
  return {count, sum, m2};
}

} // namespace cg::cpu::CG_ISA
