// Makes plans of a finished trace: one of all of it, or one of each part.
#pragma once
#include "graph/plan.h"

namespace cg::graph {

struct Parts {
  std::unique_ptr<Plan> whole; // or the first part; its results: `results`, then `saved` as bytes of whole storages
  // The second part, or nothing. Its arguments: those of the trace, what the first saved, `incoming`; its results: `outgoing`.
  std::unique_ptr<Plan> second;
  std::vector<size_t> saved; // bytes of each
};

// All four are tensors of the trace. `incoming` were made after the split and stand for what a run of the second part brings.
Parts plans_of(Trace& trace, Launcher& target, std::span<Tensor* const> results, std::span<Tensor* const> incoming,
               std::span<Tensor* const> outgoing);

} // namespace cg::graph
