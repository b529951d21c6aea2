// The softmax of one contiguous line, which stays in the L1 cache while it is read three times.
#pragma once
#include <concepts>

#include "kernels/cpu/fold.h"
#include "kernels/cpu/moments.h"
#include "kernels/cpu/vmath.h"
#include "kernels/cpu/vmath_lanes.h"

namespace cg::cpu::CG_ISA {

// acc[j] += exp(x[j] - greatest) for kLanes elements; the terms go to y when Keep.
template <class T, bool Keep> CG_INLINE void add_exp(const T* x, T greatest, T* y, T* acc) {
#if defined(__AVX512F__)
  if constexpr (std::same_as<T, float>) {
    for (int64_t j = 0; j < kLanes; j += 16) {
      const __m512 e = lanes::exp(_mm512_sub_ps(_mm512_loadu_ps(x + j), lanes::all(greatest)));
      if constexpr (Keep) _mm512_storeu_ps(y + j, e);
      _mm512_store_ps(acc + j, _mm512_add_ps(_mm512_load_ps(acc + j), e));
    }
    return;
  }
#endif
  for (int64_t j = 0; j < kLanes; ++j) {
    const T e = exp(x[j] - greatest);
    if constexpr (Keep) y[j] = e;
    acc[j] += e;
  }
}

// Sum of exp(x - greatest), in as many lanes as fold_run; the terms go to y when y is given.
template <class T, bool Keep> double sum_exp(const T* x, T greatest, int64_t n, T* y) {
  double total = 0;
  int64_t i = 0;
  while (i + kLanes <= n) {
    alignas(64) T acc[kLanes] = {};
    for (int64_t rows = 0; rows < kRowsInBlock && i + kLanes <= n; ++rows, i += kLanes)
      add_exp<T, Keep>(x + i, greatest, Keep ? y + i : nullptr, acc);
    for (int64_t w = kLanes / 2; w > 0; w /= 2)
      for (int64_t j = 0; j < w; ++j) acc[j] += acc[j + w];
    total += acc[0];
  }
  alignas(64) T tail[kLanes] = {};
  CG_SIMD for (int64_t j = 0; j < n - i; ++j) tail[j] = exp(x[i + j] - greatest);
  for (int64_t j = 0; j < n - i; ++j) {
    total += tail[j];
    if constexpr (Keep) y[i + j] = tail[j];
  }
  return total;
}

// y = e^x / sum(e^x); y may be x.
template <class T> struct LineSum {
  T greatest;
  double sum; // of e^(x - greatest)
};
template <class T> LineSum<T> softmax_line(const T* x, T* y, int64_t n) {
  const T greatest = fold_run(Extreme<T, true>{}, x, n);
  const double sum = sum_exp<T, true>(x, greatest, n, y);
  const T scale = static_cast<T>(1 / sum);
  for (int64_t i = 0; i < n; ++i) y[i] *= scale;
  return {greatest, sum};
}

} // namespace cg::cpu::CG_ISA
