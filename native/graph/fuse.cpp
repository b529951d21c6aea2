// Puts pointwise steps into chains.
#include <algorithm>
#include <optional>
#include <utility>

#include "core/shape.h"
#include "graph/passes.h"

namespace cg::graph {
namespace {

constexpr size_t kMostSteps = 48;   // of a chain
constexpr size_t kMostSources = 12; // their blocks share the cache with what is computed
constexpr int64_t kNever = -1;

// Elements in order, without gaps: a value of a chain can lie there.
struct Linear {
  int buffer;
  int64_t offset, numel;
  DType dtype;
  bool operator==(const Linear&) const = default;
};

std::optional<Linear> linear(const Operand& operand) {
  if (operand.buffer == Operand::kNumber || !operand.view.contiguous()) return std::nullopt;
  return Linear{operand.buffer, operand.offset, operand.view.numel, operand.view.dtype};
}

// Steps that are being gathered; they run together where the group is closed.
class Group {
public:
  bool empty() const { return steps_.empty(); }

  // Takes the step if it can run element by element with the others.
  bool join(const Step& step) {
    if (step.kind != StepKind::kPointwise && step.kind != StepKind::kCopy) return false;
    const std::optional<Linear> target = linear(step.out[0]);
    if (!target || steps_.size() == kMostSteps || (!empty() && target->numel != numel_)) return false;
    const bool copies = step.kind == StepKind::kCopy;
    const std::optional<DType> made = copies ? target->dtype : cpu::chain_result(step.family, step.op, step.dtype);
    if (made != target->dtype) return false;
    for (const Source& source : sources_)
      if (source.operand.buffer == target->buffer && source.linear != target) return false; // would be overwritten
    for (const Written& written : written_)
      if (written.where.buffer == target->buffer && written.where != *target) return false;
    for (const Operand& in : step.in)
      if (!readable(in, *target)) return false;
    if (sources_.size() + step.in.size() > kMostSources) return false;

    numel_ = target->numel;
    cpu::Chain::Step part{
        copies, step.family, step.op, step.dtype, {step.p[0], step.p[1]}, static_cast<int>(step.in.size()), {}, 0};
    for (size_t k = 0; k < step.in.size(); ++k)
      part.in[k] = value_of(step.in[k], step.out[0].view,
                            copies ? step.in[k].view.dtype
                                   : cpu::chain_operand(step.family, step.op, step.dtype, static_cast<int>(k)));
    part.out = static_cast<int>(values_.size());
    values_.push_back({*made, kNever});
    const auto again = std::ranges::find(written_, *target, &Written::where);
    if (again != written_.end())
      again->value = part.out;
    else
      written_.push_back({*target, part.out, step.out[0]});
    parts_.push_back(part);
    steps_.push_back(step);
    return true;
  }

  // True when the step can run before the group although it comes after it.
  bool independent_of(const Step& step) const {
    for (const Operand& in : step.in)
      if (writes(in.buffer)) return false;
    for (const Operand& out : step.out)
      if (writes(out.buffer) || reads(out.buffer)) return false;
    return true;
  }

  // Ends the group: its steps as one. `wanted` tells which buffers something outside reads later.
  template <class Wanted> Step close(const Wanted& wanted) {
    return steps_.size() == 1 ? take(steps_[0]) : chain(wanted);
  }

  // The same as a chain, also of one step.
  template <class Wanted> Step chain(const Wanted& wanted) {
    Step step;
    step.kind = StepKind::kChain;
    step.op = static_cast<int>(steps_.size());
    number_values();
    cpu::Chain& chain = step.chain;
    for (const Source& source : sources_) step.in.push_back(source.operand);
    for (const Written& written : written_) {
      if (!wanted(written.where.buffer)) continue;
      step.out.push_back(written.operand);
      chain.outputs.push_back(renumbered_[static_cast<size_t>(written.value)]);
      chain.aliased.push_back(reads(written.where.buffer));
    }
    chain.values.resize(values_.size());
    for (size_t v = 0; v < values_.size(); ++v) chain.values[static_cast<size_t>(renumbered_[v])] = values_[v].dtype;
    for (cpu::Chain::Step part : parts_) {
      for (int k = 0; k < part.inputs; ++k) part.in[k] = renumbered_[static_cast<size_t>(part.in[k])];
      part.out = renumbered_[static_cast<size_t>(part.out)];
      chain.steps.push_back(part);
    }
    share_scratch(chain, sources_.size());
    *this = Group();
    return step;
  }

private:
  struct Source {
    Operand operand; // with the sizes of the step that reads it
    std::optional<Linear> linear;
    DType dtype; // in which it is read
    int value;
  };
  struct Written {
    Linear where;
    int value; // the latest
    Operand operand;
  };
  struct Value {
    DType dtype;
    int source; // or kNever
  };

  Step take(Step& step) {
    Step taken = std::move(step);
    *this = Group();
    return taken;
  }

  bool writes(int buffer) const {
    return buffer != Operand::kNumber &&
           std::ranges::any_of(written_, [&](const Written& written) { return written.where.buffer == buffer; });
  }
  bool reads(int buffer) const {
    return buffer != Operand::kNumber &&
           std::ranges::any_of(sources_, [&](const Source& source) { return source.operand.buffer == buffer; });
  }

  // From memory as it is when the group runs, or as a value of the group.
  bool readable(const Operand& in, const Linear& target) const {
    if (in.buffer == target.buffer && in.buffer != Operand::kNumber && linear(in) != target) return false;
    if (!writes(in.buffer)) return true;
    const std::optional<Linear> where = linear(in);
    return where && where->numel == numel_ && std::ranges::find(written_, *where, &Written::where) != written_.end();
  }

  int value_of(const Operand& in, const View& shape, DType wanted) {
    const std::optional<Linear> where = linear(in);
    if (where)
      if (const auto found = std::ranges::find(written_, *where, &Written::where); found != written_.end())
        return found->value;
    for (const Source& source : sources_)
      if (where && source.linear == where && source.dtype == wanted) return source.value;
    Operand operand = in;
    if (in.view.numel > 1) operand.view = expand(in.view, shape);
    const int value = static_cast<int>(values_.size());
    values_.push_back({wanted, static_cast<int>(sources_.size())});
    sources_.push_back({operand, where, wanted, value});
    return value;
  }

  // Inputs get the first numbers.
  void number_values() {
    renumbered_.assign(values_.size(), 0);
    int next = static_cast<int>(sources_.size());
    for (size_t v = 0; v < values_.size(); ++v)
      renumbered_[v] = values_[v].source == kNever ? next++ : values_[v].source;
  }

  // Values that are never needed together share a block of scratch.
  static void share_scratch(cpu::Chain& chain, size_t inputs) {
    std::vector<size_t> last(chain.values.size(), 0);
    for (size_t s = 0; s < chain.steps.size(); ++s)
      for (int k = 0; k < chain.steps[s].inputs; ++k) last[static_cast<size_t>(chain.steps[s].in[k])] = s;
    for (const int output : chain.outputs) last[static_cast<size_t>(output)] = chain.steps.size();
    std::vector<int> free;
    chain.buffers.resize(chain.values.size());
    for (size_t v = 0; v < inputs; ++v) chain.buffers[v] = chain.scratch++;
    for (size_t s = 0; s < chain.steps.size(); ++s) {
      const auto out = static_cast<size_t>(chain.steps[s].out);
      if (free.empty()) free.push_back(chain.scratch++);
      chain.buffers[out] = free.back();
      free.pop_back();
      for (size_t v = 0; v < chain.values.size(); ++v) {
        const bool made = v < inputs || std::ranges::any_of(
                                            chain.steps.begin(), chain.steps.begin() + static_cast<ptrdiff_t>(s) + 1,
                                            [&](const auto& step) { return step.out == static_cast<int>(v); });
        if (made && last[v] == s) free.push_back(chain.buffers[v]);
      }
    }
  }

  int64_t numel_ = 0;
  std::vector<Step> steps_; // as they were
  std::vector<cpu::Chain::Step> parts_;
  std::vector<Value> values_;
  std::vector<Source> sources_;
  std::vector<Written> written_;
  std::vector<int> renumbered_;
};

} // namespace

std::optional<Step> as_chain(const Step& step) {
  Group group;
  if (!group.join(step)) return std::nullopt;
  return group.chain([](int) { return true; });
}

std::vector<Step> fuse(std::vector<Step> steps, const std::vector<bool>& kept) {
  std::vector<size_t> last_use(kept.size(), 0);
  for (size_t i = 0; i < steps.size(); ++i)
    for (const auto* operands : {&steps[i].in, &steps[i].out})
      for (const Operand& operand : *operands)
        if (operand.buffer != Operand::kNumber) last_use[static_cast<size_t>(operand.buffer)] = i;

  std::vector<Step> fused;
  Group group;
  const auto close = [&](size_t before) {
    if (group.empty()) return;
    fused.push_back(group.close([&](int buffer) {
      const auto b = static_cast<size_t>(buffer);
      return kept[b] || last_use[b] >= before;
    }));
  };
  for (size_t i = 0; i < steps.size(); ++i) {
    if (group.join(steps[i])) continue;
    if (!group.empty() && group.independent_of(steps[i])) {
      fused.push_back(std::move(steps[i]));
      continue;
    }
    close(i);
    if (!group.join(steps[i])) fused.push_back(std::move(steps[i]));
  }
  close(steps.size());
  return fused;
}

} // namespace cg::graph
