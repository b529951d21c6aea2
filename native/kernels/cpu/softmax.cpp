// softmax and logSoftmax along a dim, and their gradients.
#include <cmath>

#include "kernels/cpu/lines.h"
#include "kernels/cpu/softmax_line.h"
#include "kernels/cpu/visit.h"

namespace cg::cpu::CG_ISA {
namespace {

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
