// Splits a reduction into tiles: joins dims, picks the inner row and column dims, runs fixed blocks in parallel.
#include "kernels/cpu/reduction.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <optional>

#include "core/parallel.h"
#include "kernels/cpu/copy.h"
#include "kernels/cpu/feed.h"

namespace cg::cpu {
namespace {

constexpr int64_t kBlock = 65536;      // elements of one task
constexpr int64_t kTileColumns = 1024; // columns of one task: a page of floats
constexpr int64_t kTotalBytes = 16384; // totals kept on the stack by one task

thread_local const Feed* feeding = nullptr;

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

// Tiles of a block, in the order of the reduced space: fn(index of the first element, how many rows, position of the first).
template <class Fn> void for_tiles(const Plan& plan, const Plan::Block& block, const Fn& fn) {
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
    fn(offset + row * plan.rows.stride, n, position);
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

void add_block(const Plan& plan, const Plan::Block& block, const Reduction& reduction, void* totals) {
  reduction.start(totals, block.cols);
  for_tiles(plan, block, [&](int64_t start, int64_t rows, int64_t position) {
    const Tile tile{
        plan.data + start * plan.element, plan.dtype, rows, plan.rows.stride, block.cols, plan.cols.stride, position};
    reduction.add(tile, totals);
  });
}

// The same of elements that are made for it: in pieces that end where the loops of fold.h begin anew, so that every bit
// is the same.
class FedBlocks {
public:
  FedBlocks(const Plan& plan, const Feed& feed)
      : plan_(plan), reader_(feed.open()),
        scratch_(
            static_cast<size_t>(std::max({kRun, kTallest * kLanes, kTallest * (plan.tile_cols + 1)}) * plan.element)) {}
  bool ok() const { return scratch_.ok(); }

  void add(const Plan::Block& block, const Reduction& reduction, void* totals) {
    reduction.start(totals, block.cols);
    const bool across = plan_.rows.stride != 1;
    for_tiles(plan_, block, [&](int64_t start, int64_t rows, int64_t position) {
      if (across) return add_across(start, rows, block.cols, position, reduction, totals);
      for (int64_t j = 0; j < block.cols; ++j)
        add_run(start + j * plan_.cols.stride, rows, position, reduction,
                static_cast<char*>(totals) + j * static_cast<int64_t>(reduction.total_size()));
    });
  }

private:
  static constexpr int64_t kRun = 8192;    // elements of a column that lies in order: two pieces of fold.h
  static constexpr int64_t kTallest = 256; // rows of several columns: a block of fold.h, more of them when narrow
  static constexpr int64_t kLanes = 64;

  void add_run(int64_t start, int64_t rows, int64_t position, const Reduction& reduction, void* totals) {
    for (int64_t r = 0; r < rows; r += kRun) {
      const int64_t n = std::min(kRun, rows - r);
      reader_->read(start + r, n, scratch_.as<void>());
      reduction.add({scratch_.as<void>(), plan_.dtype, n, 1, 1, 1, position + r}, totals);
    }
  }

  void add_across(int64_t start, int64_t rows, int64_t cols, int64_t position, const Reduction& reduction,
                  void* totals) {
    const bool whole = plan_.rows.stride == cols; // the loops of fold.h treat rows without gaps differently
    const int64_t stride = whole || cols == 1 ? cols : plan_.tile_cols + 1;
    const int64_t tallest = cols == 1 ? kRun : whole ? kTallest * std::max<int64_t>(1, kLanes / cols) : kTallest;
    for (int64_t r = 0; r < rows; r += tallest) {
      const int64_t n = std::min(tallest, rows - r), from = start + r * plan_.rows.stride;
      if (whole)
        reader_->read(from, n * cols, scratch_.as<void>());
      else
        for (int64_t i = 0; i < n; ++i)
          reader_->read(from + i * plan_.rows.stride, cols, scratch_.as<char>() + i * stride * plan_.element);
      reduction.add({scratch_.as<void>(), plan_.dtype, n, stride, cols, 1, position + r}, totals);
    }
  }

  const Plan& plan_;
  const std::unique_ptr<Feed::Reader> reader_;
  const Scratch scratch_;
};

// Nothing to add: every output is the finished empty total.
Status reduce_nothing(int64_t outputs, const Reduction& reduction) {
  const Scratch total(reduction.total_size());
  if (!total.ok()) return Status::kOutOfMemory;
  reduction.start(total.as<char>(), 1);
  for (int64_t i = 0; i < outputs; ++i) reduction.finish(total.as<char>(), 1, i, 1);
  return Status::kOk;
}

} // namespace

Feeding::Feeding(const Feed& feed, View& view) {
  feeding = &feed;
  view.data = const_cast<Feed*>(&feed);
}
Feeding::~Feeding() { feeding = nullptr; }
const Feed* feed_of(const View& view) { return view.data == feeding ? feeding : nullptr; }

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

  const Feed* const feed = feed_of(x);
  std::atomic<bool> starved = false;
  const auto add_blocks = [&](int64_t begin, int64_t end, const auto& totals_of, const auto& finish) {
    std::optional<FedBlocks> fed;
    if (feed != nullptr && !fed.emplace(plan, *feed).ok()) return starved.store(true);
    for (int64_t i = begin; i < end; ++i) {
      const Plan::Block block = plan.block(i);
      if (fed)
        fed->add(block, reduction, totals_of(i));
      else
        add_block(plan, block, reduction, totals_of(i));
      finish(block);
    }
  };
  if (plan.row_blocks == 1 && slot <= kTotalBytes) {
    const Status status = parallel_for(0, outer, grain, [&](int64_t begin, int64_t end) {
      alignas(64) std::byte totals[kTotalBytes];
      const auto finish = [&](const Plan::Block& block) {
        reduction.finish(totals, block.cols, block.out, plan.cols.out_stride);
      };
      add_blocks(begin, end, [&](int64_t) { return totals; }, finish);
    });
    return starved ? Status::kOutOfMemory : status;
  }

  const Scratch partial(static_cast<size_t>(slot * outer * plan.row_blocks));
  if (!partial.ok()) return Status::kOutOfMemory;
  const Status status = parallel_for(0, outer * plan.row_blocks, grain, [&](int64_t begin, int64_t end) {
    add_blocks(begin, end, [&](int64_t i) { return partial.as<char>() + i * slot; }, [](const Plan::Block&) {});
  });
  if (starved) return Status::kOutOfMemory;
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
