// Builds and runs plans.
#include "graph/plan.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/parallel.h"
#include "graph/passes.h"
#include "graph/rows.h"
#include "kernels/devices.h"

namespace cg::graph {
namespace {

bool same_layout(const View& a, const View& b) {
  return a.dtype == b.dtype && a.rank == b.rank && std::equal(a.sizes, a.sizes + a.rank, b.sizes) &&
         std::equal(a.strides, a.strides + a.rank, b.strides);
}

const char* row_name(Family family, int op) { return rows(family)[static_cast<size_t>(op)].name; }

std::string name_of(const Step& step) {
  switch (step.kind) {
  case StepKind::kPointwise: return row_name(step.family, step.op);
  case StepKind::kStructured: return structured_names()[static_cast<size_t>(step.op)];
  case StepKind::kCopy: return "copy";
  case StepKind::kUpload: return "constant";
  case StepKind::kChain:
  case StepKind::kReducedChain:
  case StepKind::kRows: break;
  }
  std::string names;
  if (step.kind == StepKind::kRows)
    for (const Member& member : step.rows->members) names += (names.empty() ? "" : " + ") + name_of(member.step);
  for (const cpu::Chain::Step& part : step.chain.steps) {
    if (!names.empty()) names += " + ";
    names += part.copies ? "copy" : row_name(part.family, part.op);
  }
  if (step.kind == StepKind::kReducedChain)
    names += std::string(" + ") + structured_names()[static_cast<size_t>(step.op)];
  return names;
}

// "float32 [64, 256]"
std::string shape_of(const View& view) {
  std::string text = std::string(name_of(view.dtype)) + " [";
  for (int d = 0; d < view.rank; ++d) text += (d > 0 ? ", " : "") + std::to_string(view.sizes[d]);
  return text + "]";
}

// What is not the plan's own memory: arguments, what was captured, results.
std::vector<bool> kept_buffers(const std::vector<Buffer>& buffers, const std::vector<Argument>& arguments,
                               const std::vector<Operand>& results) {
  std::vector<bool> kept(buffers.size());
  for (size_t b = 0; b < buffers.size(); ++b) kept[b] = buffers[b].origin != Origin::kMade;
  for (const Argument& argument : arguments) kept[static_cast<size_t>(argument.buffer)] = true;
  for (const Operand& result : results)
    if (result.buffer != Operand::kNumber) kept[static_cast<size_t>(result.buffer)] = true;
  return kept;
}

// Different storages on the same JavaScript memory: no trace has such.
bool share_bytes(const Storage& a, const Storage& b) {
  return &a != &b &&
         overlap(static_cast<const char*>(a.block.data), a.bytes, static_cast<const char*>(b.block.data), b.bytes);
}

} // namespace

Plan::Plan(const Trace& trace, Launcher& target, std::vector<Step> steps, std::vector<Argument> arguments,
           std::vector<Operand> results)
    : handles_(trace.handles()), target_(target), buffers_(trace.buffers()), arguments_(std::move(arguments)),
      results_(std::move(results)) {
  const std::vector<bool> kept = kept_buffers(buffers_, arguments_, results_);
  drop_dead_steps(steps, kept);
  steps = reduce_chains(gather_rows(fuse(std::move(steps), kept), buffers_, kept), kept);
  Layout layout = lay_out(steps, buffers_, kept);
  planned_ = std::move(layout.offsets);
  arena_bytes_ = layout.bytes;
  for (Step& step : steps) prepare(std::move(step));
  std::ranges::sort(written_);
  written_.erase(std::ranges::unique(written_).begin(), written_.end());
  for (Buffer& buffer : buffers_) {
    base_.push_back(buffer.data);
    if (buffer.origin != Origin::kCaptured) continue;
    const Tensor* keeper = handles_.find(buffer.keeper);
    buffer.keeper = handles_.share(*keeper, keeper->view)->handle;
  }
}

Plan::~Plan() {
  for (const Buffer& buffer : buffers_)
    if (buffer.origin == Origin::kCaptured) handles_.release(buffer.keeper);
}

void Plan::prepare(Step step) {
  Launch& launch = *launches_.emplace_back(std::make_unique<Launch>());
  launch.step = std::move(step);
  const auto bring = [&](std::vector<Operand>& operands, std::vector<View>& views) {
    views.reserve(operands.size());
    for (Operand& operand : operands) {
      View& view = views.emplace_back(operand.view);
      if (operand.buffer == Operand::kNumber)
        view.data = operand.number;
      else
        places_.push_back({&view, operand.buffer, operand.offset});
    }
  };
  bring(launch.step.in, launch.in);
  bring(launch.step.out, launch.out);
  for (const View& view : launch.in) launch.in_pointers.push_back(&view);
  for (const auto& [first, from, count] : launch.step.fresh) fresh_numbers_ = std::max(fresh_numbers_, from + count);
  for (const Operand& out : launch.step.out)
    if (out.buffer != Operand::kNumber && planned_[static_cast<size_t>(out.buffer)] == kNowhere)
      written_.push_back(out.buffer);
}

bool Plan::fits(std::span<Tensor* const> given) const {
  for (size_t i = 0; i < given.size(); ++i) {
    if (!same_layout(given[i]->view, arguments_[i].view)) return false;
    // Arguments share memory exactly where those of the trace did, and never with what was captured.
    const Buffer& buffer = buffers_[static_cast<size_t>(arguments_[i].buffer)];
    for (size_t j = 0; j < i; ++j) {
      const Buffer& other = buffers_[static_cast<size_t>(arguments_[j].buffer)];
      const bool shared = given[i]->storage == given[j]->storage;
      const auto apart = given[i]->view.as<char>() - given[j]->view.as<char>();
      if (shared != (buffer.block == other.block) || (shared && apart != buffer.data - other.data)) return false;
      if (share_bytes(*given[i]->storage, *given[j]->storage)) return false;
    }
    for (const Buffer& other : buffers_) {
      if (other.origin != Origin::kCaptured) continue;
      const Tensor* captured = handles_.find(other.keeper);
      if (captured == nullptr || captured->storage == given[i]->storage) return false;
      if (share_bytes(*captured->storage, *given[i]->storage)) return false;
    }
  }
  return true;
}

Status Plan::run(std::span<Tensor* const> given, std::span<const double> fresh, std::span<Tensor*> made) {
  for (const Buffer& buffer : buffers_)
    if (buffer.origin == Origin::kCaptured && handles_.find(buffer.keeper) == nullptr) return Status::kStaleHandle;
  Allocator& memory = *devices()[0].memory;
  const Block arena = memory.allocate(std::max<size_t>(arena_bytes_, 1));
  if (arena.data == nullptr) return Status::kOutOfMemory;
  for (size_t b = 0; b < buffers_.size(); ++b)
    if (planned_[b] != kNowhere)
      base_[b] = static_cast<char*>(arena.data) + planned_[b];
    else if (buffers_[b].origin == Origin::kCaptured) // sharing a tensor between threads moves its storage
      base_[b] = static_cast<char*>(handles_.find(buffers_[b].keeper)->storage->block.data);
  for (size_t i = 0; i < given.size(); ++i)
    base_[static_cast<size_t>(arguments_[i].buffer)] = given[i]->view.as<char>();
  Status status = make_results(given, made) ? Status::kOk : Status::kOutOfMemory;
  for (const Place& place : places_) place.view->data = base_[static_cast<size_t>(place.buffer)] + place.offset;
  for (size_t i = 0; status == Status::kOk && i < launches_.size(); ++i)
    status = cancelled() ? Status::kCancelled : launch(*launches_[i], fresh);
  memory.deallocate(arena);
  for (const int buffer : written_)
    if (Tensor* owner = owner_of(buffer, given)) ++owner->storage->version;
  if (status == Status::kOk) return status;
  for (Tensor*& tensor : made)
    if (tensor != nullptr) handles_.release(std::exchange(tensor, nullptr)->handle);
  return status;
}

// Results are views of memory that is there already, or of memory that the first of them makes.
bool Plan::make_results(std::span<Tensor* const> arguments, std::span<Tensor*> made) {
  std::ranges::fill(made, nullptr);
  for (size_t i = 0; i < results_.size(); ++i) {
    const Operand& result = results_[i];
    const Tensor* owner = result.buffer == Operand::kNumber ? nullptr : owner_of(result.buffer, arguments);
    for (size_t j = 0; j < i && owner == nullptr && result.buffer != Operand::kNumber; ++j)
      if (results_[j].buffer == result.buffer) owner = made[j];
    if (owner != nullptr) {
      made[i] = handles_.share(*owner, result.view);
    } else {
      View bytes;
      bytes.rank = 1;
      bytes.numel = bytes.sizes[0] = result.buffer == Operand::kNumber ? 0 : bytes_of(result.buffer);
      made[i] = handles_.make(bytes, DType::kUInt8, 0, *devices()[0].memory);
    }
    if (made[i] == nullptr) return false;
    made[i]->view = result.view;
    if (result.buffer == Operand::kNumber) continue;
    char*& base = base_[static_cast<size_t>(result.buffer)];
    if (owner == nullptr) base = static_cast<char*>(made[i]->storage->block.data);
    made[i]->view.data = base + result.offset;
  }
  return true;
}

// The tensor that has the memory of an argument or of a captured buffer; nullptr for any other.
Tensor* Plan::owner_of(int buffer, std::span<Tensor* const> arguments) const {
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments_[i].buffer == buffer) return arguments[i];
  const Buffer& own = buffers_[static_cast<size_t>(buffer)];
  return own.origin == Origin::kCaptured ? handles_.find(own.keeper) : nullptr;
}

Status Plan::launch(Launch& launch, std::span<const double> fresh) {
  Step& step = launch.step;
  switch (step.kind) {
  case StepKind::kPointwise: {
    Pointwise call{.family = step.family, .op = step.op, .dtype = step.dtype, .in = launch.in_pointers};
    std::copy_n(step.p, 2, call.p);
    return target_.pointwise(call, launch.out[0]);
  }
  case StepKind::kStructured:
    for (const auto& [first, from, count] : step.fresh)
      std::copy_n(fresh.begin() + static_cast<ptrdiff_t>(from), count,
                  step.attributes.begin() + static_cast<ptrdiff_t>(first));
    return target_.structured(step.op, {launch.in, launch.out, step.attributes});
  case StepKind::kCopy: return target_.copy(launch.out[0], launch.in[0]);
  case StepKind::kChain: return cpu::chain(step.chain, launch.in, launch.out);
  case StepKind::kReducedChain: {
    const size_t stored = step.chain.outputs.size();
    const std::span<const View> out(launch.out);
    return cpu::reduce_chain(step.chain, launch.in, out.first(stored), step.fed, step.fed_view, step.op,
                             step.attributes, out.subspan(stored));
  }
  case StepKind::kRows: return run_rows(*step.rows, target_, launch.in, launch.out);
  case StepKind::kUpload: return target_.upload(launch.out[0].data, step.bytes.data(), step.bytes.size());
  }
  return Status::kInvalid;
}

std::string Plan::text() const {
  std::string text;
  for (const auto& launch : launches_) {
    text += name_of(launch->step);
    if (!launch->step.out.empty()) text += " -> " + shape_of(launch->step.out.back().view);
    if (launch->step.kind == StepKind::kRows) text += " (row by row)";
    if (launch->step.kind == StepKind::kReducedChain) text += " (reduced on the way)";
    text += '\n';
  }
  return text;
}

} // namespace cg::graph
