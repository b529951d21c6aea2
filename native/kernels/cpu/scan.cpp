// Cumulative sums, products, extremes and log-sum-exps along a dim.
#include <cmath>

#include "core/parallel.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/visit.h"

namespace cg::cpu::CG_ISA {
namespace {

using Results = TypeSet<int32_t, int64_t, float, double>;

// Elements are converted to the result's dtype first; floats add up in float64, as in PyTorch.
template <class Step> Status scan(const Call& call, double start, const Step& step) {
  const View &x = call.in[0], &y = call.out[0];
  const int64_t dim = call.integer(0), n = line_length(x, dim);
  return visit(x.dtype, AllTypes{}, [&]<class In>() {
    return visit(y.dtype, Results{}, [&]<class Out>() {
      using Total = std::conditional_t<std::is_floating_point_v<Out>, double, Out>;
      return for_lines(call, dim, 0, [&](const Line& line) {
        const In* from = static_cast<const In*>(line.in[0]);
        Out* to = static_cast<Out*>(line.out[0]);
        Total total = static_cast<Total>(start);
        in_turn(n, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i)
            to[i] = static_cast<Out>(total = step(total, static_cast<Total>(static_cast<Out>(from[i]))));
        });
      });
    });
  });
}

// NaN wins from its place on; of equal elements the last.
template <class Wins> Status running_extreme(const Call& call, const Wins& wins) {
  const View& x = call.in[0];
  const int64_t dim = call.integer(0), n = line_length(x, dim);
  return visit(x.dtype, AllTypes{}, [&]<class T>() {
    return for_lines(call, dim, 0, [&](const Line& line) {
      const T* from = static_cast<const T*>(line.in[0]);
      T* values = static_cast<T*>(line.out[0]);
      int64_t* indices = static_cast<int64_t*>(line.out[1]);
      int64_t best = 0;
      in_turn(n, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          if (from[i] != from[i] || (from[best] == from[best] && wins(from[i], from[best]))) best = i;
          values[i] = from[best];
          indices[i] = best;
        }
      });
    });
  });
}

} // namespace

Status cummax(const Call& call) {
  return running_extreme(call, [](auto a, auto b) { return a >= b; });
}
Status cummin(const Call& call) {
  return running_extreme(call, [](auto a, auto b) { return a <= b; });
}

Status logcumsumexp(const Call& call) {
  const View& x = call.in[0];
  const int64_t dim = call.integer(0), n = line_length(x, dim);
  return visit(x.dtype, Floating{}, [&]<class T>() {
    return for_lines(call, dim, 0, [&](const Line& line) {
      const T* from = static_cast<const T*>(line.in[0]);
      T* to = static_cast<T*>(line.out[0]);
      double total = -HUGE_VAL;
      in_turn(n, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const double value = from[i], most = value > total || value != value ? value : total;
          const double least = value > total || value != value ? total : value;
          // Equal infinities stay; NaN stays.
          total = most == least && std::isinf(most) ? most : most + std::log1p(std::exp(least - most));
          to[i] = static_cast<T>(total);
        }
      });
    });
  });
}

Status cumsum(const Call& call) {
  return scan(call, 0, [](auto total, auto x) { return total + x; });
}
Status cumprod(const Call& call) {
  return scan(call, 1, [](auto total, auto x) { return total * x; });
}

} // namespace cg::cpu::CG_ISA
