// Folds tiles of a reduction with vectorised loops: an operation says how one element becomes a number and how two numbers become one.
#pragma once
#include <algorithm>
#include <type_traits>

#include "kernels/cpu/isa.h"
#include "kernels/cpu/reduction.h"

namespace cg::cpu::CG_ISA {

constexpr int64_t kLanes = 64;       // accumulators of a contiguous run: eight AVX-512 registers of float64
constexpr int64_t kRowsInBlock = 256; // rows added in the accumulator's type before they go to the total
constexpr int64_t kPiece = 4096;     // elements that stay in the L1 cache while they are read twice

// An operation `Op` has
//   Acc, Total                    the type inside a block and across blocks
//   Acc identity() const, Acc lift(In) const, static A merge(A, A)

// acc[j] = merge over rows i of data[i * stride + j]. Four rows a pass: fewer loads of acc, shorter chains of rounding.
template <class Op, class In>
CG_INLINE void fold_rows(const Op& op, const In* data, int64_t stride, int64_t rows, int64_t cols,
                         typename Op::Acc* __restrict acc) {
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4, data += 4 * stride)
    for (int64_t j = 0; j < cols; ++j) {
      const auto a = Op::merge(op.lift(data[j]), op.lift(data[j + stride]));
      const auto b = Op::merge(op.lift(data[j + 2 * stride]), op.lift(data[j + 3 * stride]));
      acc[j] = Op::merge(acc[j], Op::merge(a, b));
    }
  for (; i < rows; ++i, data += stride)
    for (int64_t j = 0; j < cols; ++j) acc[j] = Op::merge(acc[j], op.lift(data[j]));
}

// The merge of n contiguous elements.
template <class Op, class In> typename Op::Total fold_run(const Op& op, const In* data, int64_t n) {
  using Acc = typename Op::Acc;
  using Total = typename Op::Total;
  Total total = static_cast<Total>(op.identity());
  if (n < 16) {
    Acc acc = op.identity();
    for (int64_t i = 0; i < n; ++i) acc = Op::merge(acc, op.lift(data[i]));
    return Op::merge(total, static_cast<Total>(acc));
  }
  while (n > 0) {
    alignas(64) Acc acc[kLanes];
    for (int64_t j = 0; j < kLanes; ++j) acc[j] = op.identity();
    const int64_t rows = std::min(n / kLanes, kRowsInBlock);
    fold_rows(op, data, kLanes, rows, kLanes, acc);
    data += rows * kLanes;
    n -= rows * kLanes;
    if (n < kLanes) {
      for (int64_t j = 0; j < n; ++j) acc[j] = Op::merge(acc[j], op.lift(data[j]));
      n = 0;
    }
    for (int64_t w = kLanes / 2; w > 0; w /= 2)
      for (int64_t j = 0; j < w; ++j) acc[j] = Op::merge(acc[j], acc[j + w]);
    total = Op::merge(total, static_cast<Total>(acc[0]));
  }
  return total;
}

// The merge of each of `cols` columns, at most kLanes / 2, of contiguous rows: several rows side by side fill the lanes.
template <class Op, class In>
void fold_narrow(const Op& op, const In* data, int64_t rows, int64_t cols, typename Op::Total* totals) {
  using Acc = typename Op::Acc;
  using Total = typename Op::Total;
  const int64_t width = kLanes / cols * cols;
  for (int64_t n = rows * cols; n > 0;) {
    alignas(64) Acc acc[kLanes];
    for (int64_t j = 0; j < kLanes; ++j) acc[j] = op.identity();
    const int64_t wide = std::min(n / width, kRowsInBlock);
    fold_rows(op, data, width, wide, width, acc);
    data += wide * width;
    n -= wide * width;
    if (n < width) {
      for (int64_t j = 0; j < n; ++j) acc[j] = Op::merge(acc[j], op.lift(data[j]));
      n = 0;
    }
    for (int64_t first = 0; first < width; first += cols)
      for (int64_t j = 0; j < cols; ++j) totals[j] = Op::merge(totals[j], static_cast<Total>(acc[first + j]));
  }
}

// The merge of each column of rows that are `stride` apart.
template <class Op, class In>
void fold_columns(const Op& op, const In* data, int64_t stride, int64_t rows, int64_t cols, typename Op::Total* totals) {
  using Acc = typename Op::Acc;
  using Total = typename Op::Total;
  constexpr int64_t kWidth = 1024;
  alignas(64) Acc acc[kWidth];
  for (int64_t c = 0; c < cols; c += kWidth)
    for (int64_t r = 0; r < rows; r += kRowsInBlock) {
      const int64_t width = std::min(kWidth, cols - c);
      for (int64_t j = 0; j < width; ++j) acc[j] = op.identity();
      fold_rows(op, data + r * stride + c, stride, std::min(kRowsInBlock, rows - r), width, acc);
      for (int64_t j = 0; j < width; ++j) totals[c + j] = Op::merge(totals[c + j], static_cast<Total>(acc[j]));
    }
}

// Calls fn(column, contiguous elements, count, index of the first) for pieces of at most kPiece elements of each column.
template <class In, class Fn> void for_pieces(const Tile& tile, const Fn& fn) {
  const In* data = static_cast<const In*>(tile.data);
  if (tile.row_stride == 1 || tile.rows == 1) {
    for (int64_t j = 0; j < tile.cols; ++j)
      for (int64_t r = 0; r < tile.rows; r += kPiece)
        fn(j, data + j * tile.col_stride + r, std::min(kPiece, tile.rows - r), tile.first + r);
    return;
  }
  // Sixteen columns at once, because their elements share cache lines when columns lie side by side.
  constexpr int64_t kCols = 16, kRows = kPiece / kCols;
  alignas(64) In buffer[kPiece];
  const int64_t most_cols = tile.cols == 1 ? 1 : kCols, most_rows = tile.cols == 1 ? kPiece : kRows;
  for (int64_t c = 0; c < tile.cols; c += most_cols)
    for (int64_t r = 0; r < tile.rows; r += most_rows) {
      const int64_t cols = std::min(most_cols, tile.cols - c), rows = std::min(most_rows, tile.rows - r);
      const In* corner = data + r * tile.row_stride + c * tile.col_stride;
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < cols; ++j) buffer[j * rows + i] = corner[i * tile.row_stride + j * tile.col_stride];
      for (int64_t j = 0; j < cols; ++j) fn(c + j, buffer + j * rows, rows, tile.first + r);
    }
}

// A reduction by a fold. `Op` also has void finish(Total, int64_t output) const.
template <class Op, class In> class Fold final : public Reduction {
public:
  using Total = typename Op::Total;
  explicit Fold(const Op& op) : op_(op) {}

  size_t total_size() const override { return sizeof(Total); }
  void start(void* totals, int64_t count) const override {
    for (int64_t k = 0; k < count; ++k) static_cast<Total*>(totals)[k] = static_cast<Total>(op_.identity());
  }
  void add(const Tile& tile, void* memory) const override {
    const In* data = static_cast<const In*>(tile.data);
    Total* totals = static_cast<Total*>(memory);
    if (tile.cols > 1 && tile.col_stride == 1 && tile.row_stride == tile.cols && 2 * tile.cols <= kLanes)
      fold_narrow(op_, data, tile.rows, tile.cols, totals);
    else if (tile.cols > 1 && tile.col_stride == 1)
      fold_columns(op_, data, tile.row_stride, tile.rows, tile.cols, totals);
    else
      for_pieces<In>(tile, [&](int64_t column, const In* piece, int64_t n, int64_t) {
        totals[column] = Op::merge(totals[column], fold_run(op_, piece, n));
      });
  }
  void merge(void* totals, const void* later, int64_t count) const override {
    Total* a = static_cast<Total*>(totals);
    for (int64_t k = 0; k < count; ++k) a[k] = Op::merge(a[k], static_cast<const Total*>(later)[k]);
  }
  void finish(const void* totals, int64_t count, int64_t output, int64_t stride) const override {
    for (int64_t k = 0; k < count; ++k) op_.finish(static_cast<const Total*>(totals)[k], output + k * stride);
  }

private:
  Op op_;
};

template <class In, class Op> Status fold(const View& x, uint32_t mask, const Op& op) {
  return reduce(x, mask, Order::kMemory, Fold<Op, In>(op));
}

} // namespace cg::cpu::CG_ISA
