// Gives a kernel every line of its operands along one dim as contiguous memory, whatever their strides.
#pragma once
#include "core/view.h"

namespace cg::cpu {

// One line of each operand, and the work space asked for.
struct Line {
  const void* in[3];
  void* out[3];
  void* work;
};

namespace detail {
using LineFn = void (*)(const void* context, const Line& line);
Status for_lines(const Call& call, int64_t dim, int64_t work_bytes, LineFn fn, const void* context);
} // namespace detail

// Calls fn(line) for every line along `dim` of the inputs and outputs (at most three of each), in parallel. Their
// sizes agree but for `dim`. Strided lines are copied in and out, sixteen neighbours at a time: they share cache lines.
template <class Fn> Status for_lines(const Call& call, int64_t dim, int64_t work_bytes, const Fn& fn) {
  return detail::for_lines(
      call, dim, work_bytes, [](const void* context, const Line& line) { (*static_cast<const Fn*>(context))(line); },
      &fn);
}

inline int64_t line_length(const View& x, int64_t dim) { return x.rank == 0 ? 1 : x.sizes[dim]; }

} // namespace cg::cpu
