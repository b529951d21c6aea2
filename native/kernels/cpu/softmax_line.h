// The softmax of one contiguous line, which stays in the L1 cache while it is read three times.
#pragma once
#include "kernels/cpu/fold.h"
#include "kernels/cpu/moments.h"
#include "kernels/cpu/vmath.h"

namespace cg::cpu::CG_ISA {

// Sum of exp(x - greatest), in as many lanes as fold_run; the terms go to y when y is given.
template <class T, bool Keep> double sum_exp(const T* x, T greatest, int64_t n, T* y) {
  double total = 0;
  int64_t i = 0;
  while (i + kLanes <= n) {
    alignas(64) T acc[kLanes] = {};
    for (int64_t rows = 0; rows < kRowsInBlock && i + kLanes <= n; ++rows, i += kLanes)
      for (int64_t j = 0; j < kLanes; ++j) {
        const T e = exp(x[i + j] - greatest);
        if constexpr (Keep) y[i + j] = e;
        acc[j] += e;
      }
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
