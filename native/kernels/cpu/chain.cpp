// Runs a chain: fetches a block of each input, runs every step's loop on blocks, stores the outputs' blocks.
#include "kernels/cpu/chain.h"

#include <algorithm>
#include <memory>

#include "core/parallel.h"
#include "kernels/cpu/blocks.h"
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
};

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

Status chain(const Chain& chain, std::span<const View> in, std::span<const View> out) {
  const View& shape = out[0];
  const auto sources = std::make_unique<Source[]>(in.size());
  for (size_t i = 0; i < in.size(); ++i)
    sources[i].open(in[i], chain.values[i], in[i].numel == shape.numel ? in[i] : shape);
  std::vector<Sink> sinks;
  for (const View& view : out) sinks.emplace_back(view, view.dtype);
  std::vector<Work> works;
  for (const Chain::Step& step : chain.steps) works.push_back(work_of(step, chain.values));

  return parallel_for(0, shape.numel, kGrain, [&](int64_t begin, int64_t end) {
    const auto scratch = std::make_unique_for_overwrite<Buffer[]>(static_cast<size_t>(chain.scratch));
    const auto buffer = [&](int value) -> Buffer& {
      return scratch[static_cast<size_t>(chain.buffers[static_cast<size_t>(value)])];
    };
    Buffer converted[kMostInputs];
    std::vector<std::optional<Cursor<1>>> cursors(in.size());
    std::optional<Cursor<1>> none;
    std::vector<const void*> at(chain.values.size());
    for (size_t i = 0; i < in.size(); ++i) sources[i].start(cursors[i], begin);
    for (int64_t i = begin; i < end; i += kBlock) {
      const int64_t n = std::min(kBlock, end - i);
      for (size_t k = 0; k < in.size(); ++k) at[k] = sources[k].fetch(i, n, cursors[k], buffer(static_cast<int>(k)));
      for (size_t v = in.size(); v < at.size(); ++v) at[v] = buffer(static_cast<int>(v)).bytes;
      for (size_t k = 0; k < out.size(); ++k)
        if (const int value = chain.outputs[k]; !chain.aliased[k])
          at[static_cast<size_t>(value)] = sinks[k].block(i, buffer(value));
      for (size_t s = 0; s < works.size(); ++s) {
        const Chain::Step& step = chain.steps[s];
        const Work& work = works[s];
        void* result = const_cast<void*>(at[static_cast<size_t>(step.out)]);
        const void* operands[kMostInputs];
        for (int k = 0; k < step.inputs; ++k) {
          operands[k] = at[static_cast<size_t>(step.in[k])];
          if (work.prepare[k] == nullptr) continue;
          void* into = step.copies ? result : converted[k].bytes;
          work.prepare[k](into, work.to[k], operands[k], work.from[k], n);
          operands[k] = into;
        }
        if (work.loop != nullptr) work.loop(result, operands, n, step.p);
      }
      for (size_t k = 0; k < out.size(); ++k) {
        const int value = chain.outputs[k];
        const Buffer& block = buffer(value);
        if (at[static_cast<size_t>(value)] != block.bytes) continue; // written where it belongs
        const int64_t size = size_of(out[k].dtype);
        if (chain.aliased[k])
          std::copy_n(block.bytes, n * size, out[k].as<char>() + i * size);
        else
          sinks[k].store(i, n, block, none);
      }
    }
  });
}

} // namespace cg::cpu
