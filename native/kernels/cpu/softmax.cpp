// softmax and logSoftmax along a dim, and their gradients: a line stays in the L1 cache while it is read three times.
#include <cmath>

#include "kernels/cpu/fold.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/moments.h"
#include "kernels/cpu/visit.h"
#include "kernels/cpu/vmath.h"

namespace cg::cpu::CG_ISA {
namespace {

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

template <class T> void softmax_line(const T* x, T* y, int64_t n) {
  const double sum = sum_exp<T, true>(x, fold_run(Extreme<T, true>{}, x, n), n, y);
  const T scale = static_cast<T>(1 / sum);
  for (int64_t i = 0; i < n; ++i) y[i] *= scale;
}

template <class T> void log_softmax_line(const T* x, T* y, int64_t n) {
  const T greatest = fold_run(Extreme<T, true>{}, x, n);
  const T log_sum = static_cast<T>(std::log(sum_exp<T, false>(x, greatest, n, nullptr)));
  CG_SIMD for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - greatest) - log_sum;
}

} // namespace

Status softmax(const Call& call) {
  const int64_t dim = call.integer(0), n = line_length(call.in[0], dim);
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() {
    return for_lines(call, dim, 0, [&](const Line& line) {
      softmax_line(static_cast<const T*>(line.in[0]), static_cast<T*>(line.out[0]), n);
    });
  });
}

Status logSoftmax(const Call& call) {
  const int64_t dim = call.integer(0), n = line_length(call.in[0], dim);
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() {
    return for_lines(call, dim, 0, [&](const Line& line) {
      log_softmax_line(static_cast<const T*>(line.in[0]), static_cast<T*>(line.out[0]), n);
    });
  });
}

// dx = y * (g - sum(g * y))
Status softmaxBackward(const Call& call) {
  const int64_t dim = call.integer(0), n = line_length(call.in[0], dim);
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() {
    return for_lines(call, dim, 0, [&](const Line& line) {
      const T *g = static_cast<const T*>(line.in[0]), *y = static_cast<const T*>(line.in[1]);
      T* dx = static_cast<T*>(line.out[0]);
      CG_SIMD for (int64_t i = 0; i < n; ++i) dx[i] = g[i] * y[i];
      const T sum = static_cast<T>(fold_run(PlainSum<T>{}, dx, n));
      CG_SIMD for (int64_t i = 0; i < n; ++i) dx[i] -= y[i] * sum;
    });
  });
}

// dx = g - exp(y) * sum(g)
Status logSoftmaxBackward(const Call& call) {
  const int64_t dim = call.integer(0), n = line_length(call.in[0], dim);
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() {
    return for_lines(call, dim, 0, [&](const Line& line) {
      const T *g = static_cast<const T*>(line.in[0]), *y = static_cast<const T*>(line.in[1]);
      T* dx = static_cast<T*>(line.out[0]);
      const T sum = static_cast<T>(fold_run(PlainSum<T>{}, g, n));
      CG_SIMD for (int64_t i = 0; i < n; ++i) dx[i] = g[i] - exp(y[i]) * sum;
    });
  });
}

} // namespace cg::cpu::CG_ISA
