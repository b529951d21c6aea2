// Kernels that walk along lines: a thread for each short line, a group for each long one, with the same text.
#pragma once
#include "kernels/programs/context.h"

namespace cg::programs {

// Lines along a dim of contiguous elements: element j of line l is at l / inner * size * inner + l % inner + j * inner.
struct Along {
  int64_t size = 1, inner = 1, lines;
  Along(const View& view, int64_t dim);
};

// Runs `body` for `lines` lines of `size` elements. In it: T (the type of `dtype`), `line`, FOR(j, n) (the thread's share of 0..n-1),
// FOLD(v, JOIN) (joins v over the threads of a line; JOIN is ADD or MOST). `head` has functions, `parameters` start with buffers.
struct LineText {
  std::string parameters, places, body;
  std::string head = "";
};
Status run_lines(const Context& context, DType dtype, const LineText& text, Launch& launch, int64_t lines,
                 int64_t size);

// float32, or float64 where the device has it.
bool floating_program(const Context& context, DType dtype);

} // namespace cg::programs
