// Runs a row's loop over blocks: operands that are not contiguous, or of another type, are brought into small buffers first.
#include "kernels/cpu/pointwise.h"

#include <algorithm>
#include <optional>

#include "core/parallel.h"
#include "core/shape.h"
#include "core/walk.h"
#include "kernels/cpu/blocks.h"
#include "kernels/cpu/copy.h"
#include "kernels/cpu/table.h"
#include "kernels/devices.h"

namespace cg::cpu {
namespace {

constexpr int64_t kSmall = 128;            // elements up to which a repeated scalar is not worth blocks
constexpr int64_t kWorthCopying = 1 << 14; // elements from which a transposed operand is copied first
constexpr DType kStorageOf[kComputed] = {DType::kBool, DType::kInt32, DType::kInt64, DType::kFloat32, DType::kFloat64};

Computed computed_type(DType dtype, const Loops& loops) {
  switch (dtype) {
  case DType::kBool: return loops[static_cast<size_t>(Computed::kBool)] != nullptr ? Computed::kBool : Computed::kInt32;
  case DType::kInt64: return Computed::kInt64;
  case DType::kFloat16:
  case DType::kBFloat16:
  case DType::kFloat32: return Computed::kFloat32;
  case DType::kFloat64: return Computed::kFloat64;
  default: return Computed::kInt32;
  }
}

// A loop and the dtype it computes in.
struct Chosen {
  Loop loop;
  DType dtype;
};

Chosen choose(Family family, int op, DType dtype) {
  if (is_complex(dtype)) {
    const ComplexLoops& loops = complex_loops(family, op);
    if (dtype == DType::kComplex64 && loops.narrow != nullptr) return {loops.narrow, dtype};
    return {loops.wide, DType::kComplex128};
  }
  const Loops& loops = table().loops[static_cast<int>(family)][op];
  const auto type = static_cast<size_t>(computed_type(dtype, loops));
  return {loops[type], kStorageOf[type]};
}

// Contiguous elements of the loop's type: `view` can be read, or written, where it lies.
bool direct(const View& view, DType wanted, int64_t numel) {
  return view.dtype == wanted && view.numel == numel && view.contiguous();
}

// True when the walk along `out` jumps through `in`'s memory from element to element: a tiled copy is cheaper then.
bool jumps(const View& in, const View& out) {
  if (in.numel < kWorthCopying || in.numel != out.numel || in.contiguous()) return false;
  const View expanded = expand(in, out);
  const Walk<1> walk({&expanded});
  return walk.rank > 1 && std::abs(walk.inner_strides()[0]) >= 64;
}

Status run_blocks(Loop loop, const double* p, std::span<const View> in, std::span<const DType> wanted, const View& out,
                  DType made) {
  Source sources[kMostInputs];
  const int inputs = static_cast<int>(in.size());
  for (int k = 0; k < inputs; ++k) sources[k].open(in[k], wanted[k], out);
  const Sink sink(out, made);
  return parallel_for(0, out.numel, kGrain, [&](int64_t begin, int64_t end) {
    Buffer buffers[kMostInputs], result;
    std::optional<Cursor<1>> cursors[kMostInputs], out_cursor;
    for (int k = 0; k < inputs; ++k) sources[k].start(cursors[k], begin);
    sink.start(out_cursor, begin);
    for (int64_t i = begin; i < end; i += kBlock) {
      const int64_t n = std::min(kBlock, end - i);
      const void* blocks[kMostInputs];
      for (int k = 0; k < inputs; ++k) blocks[k] = sources[k].fetch(i, n, cursors[k], buffers[k]);
      loop(sink.block(i, result), blocks, n, p);
      sink.store(i, n, result, out_cursor);
    }
  });
}

// Copies inputs that would be overwritten too early or are read across their rows, then runs block by block.
Status run_any(Loop loop, const Pointwise& call, std::span<const DType> wanted, const View& out, DType made) {
  const int inputs = static_cast<int>(call.in.size());
  View in[kMostInputs];
  std::optional<Scratch> copies[kMostInputs];
  for (int k = 0; k < inputs; ++k) {
    in[k] = *call.in[k];
    if (!overlaps(out, in[k]) && !jumps(in[k], out)) continue;
    copies[k].emplace(static_cast<size_t>(in[k].numel * size_of(in[k].dtype)));
    if (!copies[k]->ok()) return Status::kOutOfMemory;
    in[k].data = copies[k]->as<void>();
    make_contiguous(in[k]);
    if (const Status status = copy(in[k], *call.in[k]); status != Status::kOk) return status;
  }
  return run_blocks(loop, call.p, {in, static_cast<size_t>(inputs)}, wanted, out, made);
}

Status launch(const Pointwise& call, const Row& row, Loop loop, DType computed, const View& out) {
  const DType made = row.predicate ? DType::kBool : computed;
  DType wanted[kMostInputs] = {computed, computed, computed};
  if (row.condition_first) wanted[0] = DType::kBool;

  // The common case: every operand can be used where it lies, and a scalar is repeated once for a small tensor.
  struct alignas(64) { char bytes[kSmall * kWidest]; } repeated[kMostInputs];
  const char* from[kMostInputs];
  bool in_place = direct(out, made, out.numel) && !past_cache(out);
  for (int k = 0; in_place && k < row.inputs; ++k) {
    const View& in = *call.in[k];
    from[k] = in.as<const char>();
    if (direct(in, wanted[k], out.numel)) {
      in_place = !overlaps(out, in);
    } else if (in.numel == 1 && out.numel <= kSmall) {
      convert(wanted[k], in.dtype)(repeated[k].bytes, size_of(wanted[k]), in.data, 0, out.numel);
      from[k] = repeated[k].bytes;
    } else {
      in_place = false;
    }
  }
  if (!in_place) return run_any(loop, call, wanted, out, made);
  if (out.numel <= kGrain) {
    loop(out.data, reinterpret_cast<const void* const*>(from), out.numel, call.p);
    return Status::kOk;
  }
  return parallel_for(0, out.numel, kGrain, [&](int64_t begin, int64_t end) {
    const void* at[kMostInputs];
    for (int k = 0; k < row.inputs; ++k) at[k] = from[k] + begin * size_of(wanted[k]);
    loop(out.as<char>() + begin * size_of(made), at, end - begin, call.p);
  });
}

// One element beside tensors of a type without loops of its own takes that type first: -1 beside uint8 is 255; float16 is compared
// with the nearest float16. Arithmetic of half types takes numbers as they are, as in PyTorch.
bool narrows(const Row& row, DType dtype, DType computed, const View& in) {
  if (in.numel != 1 || in.dtype == dtype || dtype == computed || is_complex(dtype)) return false;
  return row.predicate || !is_floating(dtype);
}

} // namespace

Status pointwise(const Pointwise& call, const View& out) {
  const Row& row = rows(call.family)[static_cast<size_t>(call.op)];
  const auto [loop, computed] = choose(call.family, call.op, call.dtype);
  if (loop == nullptr) return fail(Status::kUnsupportedDType);
  if (out.numel == 0) return Status::kOk;
  View numbers[kMostInputs];
  int64_t memory[kMostInputs];
  const View* in[kMostInputs];
  for (int k = 0; k < row.inputs; ++k) {
    in[k] = call.in[k];
    if ((k == 0 && row.condition_first) || !narrows(row, call.dtype, computed, *in[k])) continue;
    numbers[k] = *in[k];
    numbers[k].dtype = call.dtype;
    numbers[k].data = &memory[k];
    convert(call.dtype, in[k]->dtype)(&memory[k], 0, in[k]->data, 0, 1);
    in[k] = &numbers[k];
  }
  Pointwise narrowed = call;
  narrowed.in = {in, static_cast<size_t>(row.inputs)};
  return launch(narrowed, row, loop, computed, out);
}

} // namespace cg::cpu
