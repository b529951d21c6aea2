// Runs a chain: fetches a block of each input, runs every step's loop on blocks, stores the outputs' blocks.
#include "kernels/cpu/chain.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>

#include "core/parallel.h"
#include "kernels/cpu/adapt.h"
#include "kernels/cpu/blocks.h"
#include "kernels/cpu/feed.h"
#include "kernels/cpu/pointwise.h"
#include "kernels/cpu/table.h"
#include "kernels/devices.h"

namespace cg::cpu {
namespace {

// The types whose loops compute in them.
int computed_index(DType dtype) {
  switch (dtype) {
  case DType::kBool: return static_cast<int>(Computed::kBool);
  case DType::kInt32: return static_cast<int>(Computed::kInt32);
  case DType::kInt64: return static_cast<int>(Computed::kInt64);
  case DType::kFloat32: return static_cast<int>(Computed::kFloat32);
  case DType::kFloat64: return static_cast<int>(Computed::kFloat64);
  default: return -1;
  }
}

Loop loop_of(Family family, int op, DType dtype) {
  return table().loops[static_cast<int>(family)][op][static_cast<size_t>(computed_index(dtype))];
}

// A step with what its blocks go through.
struct Work {
  Loop loop = nullptr;               // nullptr: a copy
  Convert prepare[kMostInputs] = {}; // nullptr: read as it is
  int64_t from[kMostInputs], to[kMostInputs];
  Carry carry = Carry::kNone;
  int operand = 0; // when carried: the value that the step combines with
  size_t next = 0; // the step after it, and after those that carry its result on
};

// How the step can be carried out on the value that `k` of its inputs is.
Carry carry_of(const Chain::Step& step, const Work& work, int k) {
  if (step.copies || step.dtype != DType::kFloat32 || std::ranges::any_of(work.prepare, std::identity{}))
    return Carry::kNone;
  const Carrying& carrying = *table().carrying;
  const auto op = static_cast<size_t>(step.op);
  if (step.family == Family::kUnary) return carrying.unary[op];
  if (step.family != Family::kBinary) return Carry::kNone;
  const Carry found = carrying.binary[op];
  if (k == 0) return found;
  return found == Carry::kSub ? Carry::kSubFrom : found == Carry::kDiv ? Carry::kDivInto : found;
}

// Finds steps whose results only the step after them reads: they are carried to it in registers.
void find_carried(const Chain& chain, int fed, std::vector<Work>& works) {
  std::vector<int> reads(chain.values.size(), 0);
  for (const Chain::Step& step : chain.steps)
    for (int k = 0; k < step.inputs; ++k) ++reads[static_cast<size_t>(step.in[k])];
  for (const int value : chain.outputs) ++reads[static_cast<size_t>(value)];
  if (fed >= 0) ++reads[static_cast<size_t>(fed)];

  const size_t steps = chain.steps.size();
  for (size_t s = 0; s < steps;) {
    size_t next = s + 1;
    works[s].carry = carry_of(chain.steps[s], works[s], 0);
    works[s].operand = chain.steps[s].in[chain.steps[s].inputs - 1];
    for (; works[next - 1].carry != Carry::kNone && next < steps; ++next) {
      const int value = chain.steps[next - 1].out;
      const Chain::Step& step = chain.steps[next];
      const int k = step.in[0] == value ? 0 : step.inputs - 1;
      if (step.in[k] != value || reads[static_cast<size_t>(value)] != 1) break;
      works[next].carry = carry_of(step, works[next], k);
      works[next].operand = step.in[step.inputs - 1 - k];
      if (works[next].carry == Carry::kNone) break;
    }
    works[s].next = next;
    s = next;
  }
}

Work work_of(const Chain::Step& step, const std::vector<DType>& values) {
  Work work;
  if (!step.copies) work.loop = loop_of(step.family, step.op, step.dtype);
  for (int k = 0; k < step.inputs; ++k) {
    const DType held = values[static_cast<size_t>(step.in[k])];
    const DType wanted =
        step.copies ? values[static_cast<size_t>(step.out)] : chain_operand(step.family, step.op, step.dtype, k);
    work.from[k] = size_of(held);
    work.to[k] = size_of(wanted);
    if (held != wanted || step.copies) work.prepare[k] = convert(wanted, held);
  }
  return work;
}

} // namespace

std::optional<DType> chain_result(Family family, int op, DType dtype) {
  if (computed_index(dtype) < 0 || loop_of(family, op, dtype) == nullptr) return std::nullopt;
  return rows(family)[static_cast<size_t>(op)].predicate ? DType::kBool : dtype;
}

DType chain_operand(Family family, int op, DType dtype, int k) {
  return k == 0 && rows(family)[static_cast<size_t>(op)].condition_first ? DType::kBool : dtype;
}

namespace {

constexpr int kNone = -1;

// A chain with what a launch gives it; passes over elements share it.
class Prepared {
public:
  // `fed` is a value that passes hand out as well, or kNone.
  Prepared(const Chain& chain, std::span<const View> in, std::span<const View> out, const View& shape, int fed)
      : chain_(chain), in_(in.size()), out_(out), fed_(fed), sources_(std::make_unique_for_overwrite<Source[]>(in_)) {
    for (size_t i = 0; i < in_; ++i)
      sources_[i].open(in[i], chain.values[i], in[i].numel == shape.numel ? in[i] : shape);
    for (const View& view : out) sinks_.emplace_back(view, view.dtype);
    for (const Chain::Step& step : chain.steps) works_.push_back(work_of(step, chain.values));
    find_carried(chain, fed, works_);
  }

private:
  friend class Pass;
  const Chain& chain_;
  size_t in_;
  std::span<const View> out_;
  int fed_;
  std::unique_ptr<Source[]> sources_;
  std::vector<Sink> sinks_;
  std::vector<Work> works_;
};

// One thread's blocks.
class Pass {
public:
  explicit Pass(const Prepared& prepared)
      : p_(prepared), scratch_(std::make_unique_for_overwrite<Buffer[]>(static_cast<size_t>(prepared.chain_.scratch))),
        cursors_(prepared.in_), at_(prepared.chain_.values.size()) {}

  // Elements [begin, end); the value that is fed goes to `into`.
  void run(int64_t begin, int64_t end, char* into) {
    for (size_t i = 0; i < p_.in_; ++i) p_.sources_[i].start(cursors_[i], begin);
    for (int64_t i = begin; i < end; i += kBlock) {
      const int64_t n = std::min(kBlock, end - i);
      place(i, n, into);
      for (size_t s = 0; s < p_.works_.size(); s = p_.works_[s].next) {
        if (p_.works_[s].next == s + 1)
          compute(p_.chain_.steps[s], p_.works_[s], n);
        else
          carry(s, n);
      }
      store(i, n, into);
      if (into != nullptr) into += n * fed_size();
    }
  }

private:
  Buffer& buffer(int value) { return scratch_[static_cast<size_t>(p_.chain_.buffers[static_cast<size_t>(value)])]; }
  int64_t fed_size() const { return size_of(p_.chain_.values[static_cast<size_t>(p_.fed_)]); }

  // Where each value of the block is.
  void place(int64_t i, int64_t n, char* into) {
    for (size_t k = 0; k < p_.in_; ++k) at_[k] = p_.sources_[k].fetch(i, n, cursors_[k], buffer(static_cast<int>(k)));
    for (size_t v = p_.in_; v < at_.size(); ++v) at_[v] = buffer(static_cast<int>(v)).bytes;
    if (p_.fed_ != kNone) at_[static_cast<size_t>(p_.fed_)] = into;
    for (size_t k = 0; k < p_.out_.size(); ++k)
      if (const int value = p_.chain_.outputs[k]; !p_.chain_.aliased[k])
        at_[static_cast<size_t>(value)] = p_.sinks_[k].block(i, buffer(value));
  }

  void compute(const Chain::Step& step, const Work& work, int64_t n) {
    void* result = const_cast<void*>(at_[static_cast<size_t>(step.out)]);
    const void* operands[kMostInputs];
    for (int k = 0; k < step.inputs; ++k) {
      operands[k] = at_[static_cast<size_t>(step.in[k])];
      if (work.prepare[k] == nullptr) continue;
      void* into = step.copies ? result : converted_[k].bytes;
      work.prepare[k](into, work.to[k], operands[k], work.from[k], n);
      operands[k] = into;
    }
    if (work.loop != nullptr) work.loop(result, operands, n, step.p);
  }

  // Step `s` and those that carry its result on.
  void carry(size_t s, int64_t n) {
    const Chain::Step* steps = p_.chain_.steps.data();
    const size_t next = p_.works_[s].next;
    carried_.clear();
    for (size_t k = s; k < next; ++k) {
      const Work& work = p_.works_[k];
      const auto value = static_cast<size_t>(work.operand);
      const bool repeated = value < p_.in_ && p_.sources_[value].repeated();
      carried_.push_back(
          {work.carry, repeated, steps[k].inputs == 1 ? nullptr : static_cast<const float*>(at_[value])});
    }
    auto* out = static_cast<float*>(const_cast<void*>(at_[static_cast<size_t>(steps[next - 1].out)]));
    table().carrying->loop(out, static_cast<const float*>(at_[static_cast<size_t>(steps[s].in[0])]), carried_, n);
  }

  void store(int64_t i, int64_t n, char* into) {
    std::optional<Cursor<1>> none;
    if (p_.fed_ != kNone)
      if (const void* made = at_[static_cast<size_t>(p_.fed_)]; made != into)
        std::memcpy(into, made, static_cast<size_t>(n * fed_size()));
    for (size_t k = 0; k < p_.out_.size(); ++k) {
      const auto value = static_cast<size_t>(p_.chain_.outputs[k]);
      const int64_t size = size_of(p_.out_[k].dtype);
      char* there = p_.out_[k].as<char>() + i * size;
      if (at_[value] == there) continue;            // written where it belongs
      if (p_.chain_.aliased[k] || p_.fed_ != kNone) // a feed may begin where streaming stores cannot
        std::memcpy(there, at_[value], static_cast<size_t>(n * size));
      else
        p_.sinks_[k].store(i, n, buffer(static_cast<int>(value)), none);
    }
  }

  const Prepared& p_;
  std::unique_ptr<Buffer[]> scratch_;
  Buffer converted_[kMostInputs];
  std::vector<std::optional<Cursor<1>>> cursors_;
  std::vector<const void*> at_;
  std::vector<CarryStep> carried_;
};

class ChainFeed final : public Feed {
public:
  explicit ChainFeed(const Prepared& prepared) : prepared_(prepared) {}
  std::unique_ptr<Reader> open() const override { return std::make_unique<PassReader>(prepared_); }

private:
  struct PassReader final : Reader {
    explicit PassReader(const Prepared& prepared) : pass(prepared) {}
    void read(int64_t begin, int64_t n, void* into) override { pass.run(begin, begin + n, static_cast<char*>(into)); }
    Pass pass;
  };
  const Prepared& prepared_;
};

} // namespace

Status chain(const Chain& chain, std::span<const View> in, std::span<const View> out) {
  const Prepared prepared(chain, in, out, out[0], kNone);
  return parallel_for(0, out[0].numel, kGrain,
                      [&](int64_t begin, int64_t end) { Pass(prepared).run(begin, end, nullptr); });
}

Status reduce_chain(const Chain& chain, std::span<const View> in, std::span<const View> out, int fed,
                    const View& fed_view, int reduction, std::span<const double> attributes,
                    std::span<const View> reduced) {
  const Prepared prepared(chain, in, out, fed_view, fed);
  const ChainFeed feed(prepared);
  View view = fed_view;
  const Feeding feeding(feed, view);
  return run_structured(reduction, {{&view, 1}, reduced, attributes});
}

} // namespace cg::cpu
