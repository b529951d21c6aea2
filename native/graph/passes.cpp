// Dead steps and memory.
#include "graph/passes.h"

#include <algorithm>
#include <ranges>

namespace cg::graph {

void drop_dead_steps(std::vector<Step>& steps, const std::vector<bool>& kept) {
  std::vector<bool> wanted = kept;
  std::vector<bool> live(steps.size());
  for (size_t i = steps.size(); i-- > 0;) {
    const auto is_wanted = [&](const Operand& out) {
      return out.buffer != Operand::kNumber && wanted[static_cast<size_t>(out.buffer)];
    };
    live[i] = std::ranges::any_of(steps[i].out, is_wanted);
    if (!live[i]) continue;
    for (const Operand& in : steps[i].in)
      if (in.buffer != Operand::kNumber) wanted[static_cast<size_t>(in.buffer)] = true;
  }
  size_t i = 0;
  std::erase_if(steps, [&](const Step&) { return !live[i++]; });
}

Layout lay_out(const std::vector<Step>& steps, const std::vector<Buffer>& buffers, const std::vector<bool>& kept) {
  struct Life {
    int buffer;
    size_t first, last;
    int64_t bytes, offset;
  };
  std::vector<Life> lives;
  std::vector<int> life_of(buffers.size(), -1);
  for (size_t i = 0; i < steps.size(); ++i) {
    for (const auto* operands : {&steps[i].in, &steps[i].out}) {
      for (const Operand& operand : *operands) {
        if (operand.buffer == Operand::kNumber || kept[static_cast<size_t>(operand.buffer)]) continue;
        int& life = life_of[static_cast<size_t>(operand.buffer)];
        if (life < 0) {
          life = static_cast<int>(lives.size());
          const auto bytes = static_cast<int64_t>(buffers[static_cast<size_t>(operand.buffer)].bytes);
          lives.push_back({operand.buffer, i, i, (bytes + 63) / 64 * 64, 0});
        }
        lives[static_cast<size_t>(life)].last = i;
      }
    }
  }

  // The largest first, each at the lowest place that is free for its whole life.
  std::ranges::stable_sort(lives, std::ranges::greater{}, &Life::bytes);
  Layout layout{std::vector<int64_t>(buffers.size(), -1)};
  std::vector<const Life*> placed; // by offset
  for (Life& life : lives) {
    for (const Life* other : placed) {
      if (other->last < life.first || life.last < other->first) continue;
      if (life.offset + life.bytes <= other->offset) break;
      life.offset = std::max(life.offset, other->offset + other->bytes);
    }
    placed.insert(std::ranges::upper_bound(placed, life.offset, {}, &Life::offset), &life);
    layout.offsets[static_cast<size_t>(life.buffer)] = life.offset;
    layout.bytes = std::max(layout.bytes, static_cast<size_t>(life.offset + life.bytes));
  }
  return layout;
}

} // namespace cg::graph
