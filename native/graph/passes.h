// What happens to the steps of a trace before they become a plan.
#pragma once
#include <optional>

#include "graph/trace.h"

namespace cg::graph {

// Drops steps whose results nobody reads; `kept[b]` says that buffer b outlives a run.
void drop_dead_steps(std::vector<Step>& steps, const std::vector<bool>& kept);

// Puts pointwise steps of equal numel that follow each other, or can, into chains.
std::vector<Step> fuse(std::vector<Step> steps, const std::vector<bool>& kept);

// Lets a chain hand its elements to the reduction that follows it: what only the reduction reads is never in memory.
std::vector<Step> reduce_chains(std::vector<Step> steps, const std::vector<bool>& kept);

// A pointwise step or a copy as a chain of one; nothing when it cannot run element by element.
std::optional<Step> as_chain(const Step& step);

// Where buffers that live only during a run lie in one block of memory: those that are never needed together share bytes.
// Offsets are -1 for buffers that are kept or that no step touches.
struct Layout {
  std::vector<int64_t> offsets;
  size_t bytes = 0;
};
Layout lay_out(const std::vector<Step>& steps, const std::vector<Buffer>& buffers, const std::vector<bool>& kept);

} // namespace cg::graph
