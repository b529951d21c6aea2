// Splits a reduction into tiles: joins dims, picks the inner row and column dims, runs fixed blocks in parallel.
#include "kernels/cpu/reduction.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include "core/parallel.h"
#include "kernels/cpu/copy.h"

namespace cg::cpu {
namespace {

constexpr int64_t kBlock = 65536;      // elements of one task
constexpr int64_t kTileColumns = 1024; // columns of one task: a page of floats
constexpr int64_t kTotalBytes = 16384; // totals kept on the stack by one task

struct Dim { int64_t size, stride, out_stride; };

struct Dims {
  Dim dim[kMaxRank];
  int count = 0;

  void push(Dim d) { dim[count++] = d; }
  int64_t numel() const {
    int64_t n = 1;
    for (int i = 0; i < count; ++i) n *= dim[i].size;
    return n;
  }
  Dim pop_inner() { return count > 0 ? dim[--count] : Dim{1, 1, 1}; }

  // Largest stride first, so that the last dim is the innermost in memory.
  void sort() {
    for (int i = 1; i < count; ++i)
      for (int k = i; k > 0 && std::llabs(dim[k - 1].stride) < std::llabs(dim[k].stride); --k) {
        const Dim d = dim[k];
        dim[k] = dim[k - 1];
        dim[k - 1] = d;
      }
  }
  // Joins neighbours that one stride can walk.
  void join() {
    int last = 0;
    for (int i = 1; i < count; ++i) {
      Dim& outer = dim[last];
      const Dim& inner = dim[i];
      if (outer.stride == inner.stride * inner.size && outer.out_stride == inner.out_stride * inner.size)
        outer = {outer.size * inner.size, inner.stride, inner.out_stride};
      else
        dim[++last] = inner;
    }
    if (count > 0) count = last + 1;
  }
};

struct Offsets { int64_t in = 0, out = 0; };

Offsets offsets_of(const Dims& dims, int64_t index) {
  Offsets at;
  for (int i = dims.count - 1; i >= 0; --i) {
    const int64_t k = index % dims.dim[i].size;
    index /= dims.dim[i].size;
    at.in += k * dims.dim[i].stride;
    at.out += k * dims.dim[i].out_stride;
  }
  return at;
}

struct Plan {
  const char* data;
  DType dtype;
  int64_t element;
  Dims kept, reduced; // without their inner dims
  Dim cols, rows;
  int64_t reduced_numel;
  int64_t tile_cols, tile_rows, col_blocks, row_blocks;

  Plan(const View& x, uint32_t mask, Order order, size_t total_size);

  struct Block { int64_t in, out, cols, row_begin, row_end; };
  Block block(int64_t index) const {
    const int64_t row_block = index % row_blocks, col_block = index / row_blocks % col_blocks;
    const Offsets base = offsets_of(kept, index / row_blocks / col_blocks);
    const int64_t col = col_block * tile_cols, row = row_block * tile_rows;
    return {base.in + col * cols.stride, base.out + col * cols.out_stride, std::min(tile_cols, cols.size - col), row,
            std::min(row + tile_rows, reduced_numel)};
  }
};

Plan::Plan(const View& x, uint32_t mask, Order order, size_t total_size)
    : data(x.as<char>()), dtype(x.dtype), element(static_cast<int64_t>(element_size(x.dtype))),
      reduced_numel(reduced_count(x, mask)) {
  int64_t out_strides[kMaxRank], out_stride = 1;
  for (int d = x.rank - 1; d >= 0; --d) {
    out_strides[d] = out_stride;
    if (!(mask >> d & 1)) out_stride *= x.sizes[d];
  }
  for (int d = 0; d < x.rank; ++d) {
    if (x.sizes[d] == 1) continue;
    if (mask >> d & 1)
      reduced.push({x.sizes[d], x.strides[d], 0});
    else
      kept.push({x.sizes[d], x.strides[d], out_strides[d]});
  }
  kept.sort();
  kept.join();
  if (order == Order::kMemory) reduced.sort();
  reduced.join();
  cols = kept.pop_inner();
  rows = reduced.pop_inner();

  const int64_t most = std::min(kTileColumns, std::max<int64_t>(1, kTotalBytes / static_cast<int64_t>(total_size)));
  const bool columns_inside = std::llabs(cols.stride) < std::llabs(rows.stride);
  const int64_t wanted = columns_inside ? most : std::max<int64_t>(1, kBlock / std::max<int64_t>(1, reduced_numel));
  tile_cols = std::min({most, wanted, cols.size});
  tile_rows = reduced_numel * tile_cols <= 2 * kBlock ? reduced_numel : std::max<int64_t>(1, kBlock / tile_cols);
  col_blocks = (cols.size + tile_cols - 1) / tile_cols;
  row_blocks = std::max<int64_t>(1, (reduced_numel + tile_rows - 1) / std::max<int64_t>(1, tile_rows));
}

void add_block(const Plan& plan, const Plan::Block& block, const Reduction& reduction, void* totals) {
  reduction.start(totals, block.cols);
  int64_t position = block.row_begin;
  int64_t index[kMaxRank];
  int64_t rest = position / plan.rows.size, offset = block.in;
  for (int i = plan.reduced.count - 1; i >= 0; --i) {
    const Dim& d = plan.reduced.dim[i];
    index[i] = rest % d.size;
    rest /= d.size;
    offset += index[i] * d.stride;
  }
  int64_t row = position % plan.rows.size;
  while (position < block.row_end) {
    const int64_t n = std::min(plan.rows.size - row, block.row_end - position);
    const char* start = plan.data + (offset + row * plan.rows.stride) * plan.element;
    reduction.add({start, plan.dtype, n, plan.rows.stride, block.cols, plan.cols.stride, position}, totals);
    position += n;
    row = 0;
    for (int i = plan.reduced.count - 1; i >= 0; --i) {
      const Dim& d = plan.reduced.dim[i];
      offset += d.stride;
      if (++index[i] < d.size) break;
      index[i] = 0;
      offset -= d.size * d.stride;
    }
  }
}

// Nothing to add: every output is the finished empty total.
Status reduce_nothing(int64_t outputs, const Reduction& reduction) {
  const Scratch total(reduction.total_size());
  if (!total.ok()) return Status::kOutOfMemory;
  reduction.start(total.as<char>(), 1);
  for (int64_t i = 0; i < outputs; ++i) reduction.finish(total.as<char>(), 1, i, 1);
  return Status::kOk;
}

} // namespace

void store_converted(const View& y, int64_t index, double value) {
  convert(y.dtype, DType::kFloat64)(y.as<char>() + index * static_cast<int64_t>(element_size(y.dtype)), 0, &value, 0,
                                    1);
}
void store_converted(const View& y, int64_t index, int64_t value) {
  convert(y.dtype, DType::kInt64)(y.as<char>() + index * static_cast<int64_t>(element_size(y.dtype)), 0, &value, 0, 1);
}

int64_t reduced_count(const View& x, uint32_t mask) {
  int64_t n = 1;
  for (int d = 0; d < x.rank; ++d)
    if (mask >> d & 1) n *= x.sizes[d];
  return n;
}

Status reduce(const View& x, uint32_t mask, Order order, const Reduction& reduction) {
  const int64_t outputs = reduced_count(x, ~mask);
  if (outputs == 0) return Status::kOk;
  if (reduced_count(x, mask) == 0) return reduce_nothing(outputs, reduction);

  const Plan plan(x, mask, order, reduction.total_size());
  const int64_t slot = (plan.tile_cols * static_cast<int64_t>(reduction.total_size()) + 63) / 64 * 64;
  const int64_t outer = plan.kept.numel() * plan.col_blocks;
  const int64_t grain = std::max<int64_t>(1, kBlock / (plan.tile_cols * plan.tile_rows));

  if (plan.row_blocks == 1 && slot <= kTotalBytes)
    return parallel_for(0, outer, grain, [&](int64_t begin, int64_t end) {
      alignas(64) std::byte totals[kTotalBytes];
      for (int64_t i = begin; i < end; ++i) {
        const Plan::Block block = plan.block(i);
        add_block(plan, block, reduction, totals);
        reduction.finish(totals, block.cols, block.out, plan.cols.out_stride);
      }
    });

  const Scratch partial(static_cast<size_t>(slot * outer * plan.row_blocks));
  if (!partial.ok()) return Status::kOutOfMemory;
  const Status status = parallel_for(0, outer * plan.row_blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) add_block(plan, plan.block(i), reduction, partial.as<char>() + i * slot);
  });
  if (status != Status::kOk) return status;
  return parallel_for(0, outer, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Plan::Block block = plan.block(i * plan.row_blocks);
      char* totals = partial.as<char>() + i * plan.row_blocks * slot;
      for (int64_t k = 1; k < plan.row_blocks; ++k) reduction.merge(totals, totals + k * slot, block.cols);
      reduction.finish(totals, block.cols, block.out, plan.cols.out_stride);
    }
  });
}

} // namespace cg::cpu
