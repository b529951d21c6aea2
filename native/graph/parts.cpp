// Splits a trace into plans.
#include "graph/parts.h"

#include <algorithm>

#include "core/shape.h"
#include "graph/passes.h"

namespace cg::graph {
namespace {

std::vector<Operand> operands_of(Trace& trace, std::span<Tensor* const> tensors) {
  std::vector<Operand> operands;
  for (const Tensor* tensor : tensors) operands.push_back(trace.operand(tensor->view));
  return operands;
}

// All bytes of a buffer.
View bytes_of(const Buffer& buffer) {
  View view;
  view.dtype = DType::kUInt8;
  view.rank = 1;
  view.sizes[0] = static_cast<int64_t>(buffer.bytes);
  make_contiguous(view);
  return view;
}

// Buffers that `first` writes and `second` reads, but for those in `known`.
std::vector<int> shared_buffers(std::span<const Step> first, std::span<const Step> second,
                                const std::vector<Buffer>& buffers, std::vector<bool> known) {
  std::vector<bool> written(buffers.size());
  for (const Step& step : first)
    for (const Operand& out : step.out)
      if (out.buffer != Operand::kNumber) written[static_cast<size_t>(out.buffer)] = true;
  std::vector<int> shared;
  for (const Step& step : second) {
    for (const auto* operands : {&step.in, &step.out}) {
      for (const Operand& operand : *operands) {
        if (operand.buffer == Operand::kNumber) continue;
        const auto b = static_cast<size_t>(operand.buffer);
        if (!written[b] || known[b] || buffers[b].origin != Origin::kMade) continue;
        known[b] = true;
        shared.push_back(operand.buffer);
      }
    }
  }
  return shared;
}

} // namespace

Parts plans_of(Trace& trace, Launcher& target, std::span<Tensor* const> results, std::span<Tensor* const> incoming,
               std::span<Tensor* const> outgoing) {
  std::vector<Operand> first_results = operands_of(trace, results);
  const std::vector<Operand> second_results = operands_of(trace, outgoing);
  const std::vector<Operand> brought = operands_of(trace, incoming);
  const std::vector<Buffer>& buffers = trace.buffers();
  const auto middle = trace.steps().begin() + static_cast<ptrdiff_t>(trace.split_at());
  std::vector<Step> first(trace.steps().begin(), middle), second(middle, trace.steps().end());

  std::vector<Argument> arguments;
  for (size_t i = 0; i < trace.arguments().size(); ++i)
    arguments.push_back({static_cast<int>(i), trace.arguments()[i]});
  Parts parts;
  if (!outgoing.empty()) {
    std::vector<bool> wanted(buffers.size()), known(buffers.size());
    for (size_t b = 0; b < buffers.size(); ++b) wanted[b] = buffers[b].origin != Origin::kMade;
    for (const Operand& result : second_results)
      if (result.buffer != Operand::kNumber) wanted[static_cast<size_t>(result.buffer)] = true;
    drop_dead_steps(second, wanted);

    std::vector<Argument> all = arguments;
    for (size_t i = 0; i < brought.size(); ++i) known[static_cast<size_t>(brought[i].buffer)] = true;
    for (const int b : shared_buffers(first, second, buffers, known)) {
      const Buffer& buffer = buffers[static_cast<size_t>(b)];
      Operand saved;
      saved.view = bytes_of(buffer);
      saved.buffer = b;
      first_results.push_back(saved);
      all.push_back({b, saved.view});
      parts.saved.push_back(buffer.bytes);
    }
    for (size_t i = 0; i < brought.size(); ++i) all.push_back({brought[i].buffer, incoming[i]->view});
    parts.second = std::make_unique<Plan>(trace, target, std::move(second), std::move(all), second_results);
  }
  parts.whole = std::make_unique<Plan>(trace, target, std::move(first), std::move(arguments), std::move(first_results));
  return parts;
}

} // namespace cg::graph
