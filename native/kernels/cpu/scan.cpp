// Cumulative sums and products along a dim.
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
        for (int64_t i = 0; i < n; ++i)
          to[i] = static_cast<Out>(total = step(total, static_cast<Total>(static_cast<Out>(from[i]))));
      });
    });
  });
}

} // namespace

Status cumsum(const Call& call) {
  return scan(call, 0, [](auto total, auto x) { return total + x; });
}
Status cumprod(const Call& call) {
  return scan(call, 1, [](auto total, auto x) { return total * x; });
}

} // namespace cg::cpu::CG_ISA
