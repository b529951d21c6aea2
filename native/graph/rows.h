// Steps that work row by row, run together: all of them on a few rows, then on the next, while the rows are in the cache.
#pragma once
#include <vector>

#include "graph/trace.h"

namespace cg::graph {

// An operand of a member: its view has the rows as its first dim.
struct Sliced {
  static constexpr int kScratch = -1;
  Operand operand;
  int64_t per_row = 0;    // entries of the first dim that belong to one row; 0: every row uses the whole operand
  int outer = kScratch;   // where among the group's inputs, then outputs, it is
  int64_t scratch_at = 0; // bytes, in the scratch of a tile
};

struct Member {
  Step step;
  std::vector<Sliced> in, out;
};

struct RowGroup {
  std::vector<Member> members;
  int64_t rows = 0, tile_rows = 0;
  size_t scratch_bytes = 0; // of a tile
};

// Puts steps that follow each other and share rows into groups, around kernels whose rows do not depend on each other.
// A value that only such a group uses never gets memory of its own. Every row has the bits that the kernels give it alone.
std::vector<Step> gather_rows(std::vector<Step> steps, const std::vector<Buffer>& buffers,
                              const std::vector<bool>& kept);

// `in` and `out` are the group's operands.
Status run_rows(const RowGroup& group, Launcher& target, std::span<const View> in, std::span<const View> out);

} // namespace cg::graph
