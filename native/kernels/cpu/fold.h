// Folds tiles of a reduction in vectorised loops; an operation says what an element is worth and how two worths merge.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <type_traits>

#include "kernels/cpu/copy.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/reduction.h"

namespace cg::cpu::CG_ISA {

constexpr int64_t kLanes = 64;        // accumulators of a contiguous run: eight AVX-512 registers of float64
constexpr int64_t kRowsInBlock = 256; // rows added in the accumulator's type before they go to the total
constexpr int64_t kPiece = 4096;      // elements that stay in the L1 cache while they are read twice

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

// The merge of all lanes, in pairs.
template <class Op> [[gnu::noinline]] typename Op::Acc fold_lanes(typename Op::Acc* acc) {
  for (int64_t width = kLanes / 2; width > 0; width /= 2)
    for (int64_t j = 0; j < width; ++j) acc[j] = Op::merge(acc[j], acc[j + width]);
  return acc[0];
}

// The merge of n contiguous elements.
template <class Op, class In> typename Op::Total fold_run(const Op& op, const In* data, int64_t n) {
  using Acc = typename Op::Acc;
  using Total = typename Op::Total;
  if (n < 16) {
    Acc acc = op.identity();
    for (int64_t i = 0; i < n; ++i) acc = Op::merge(acc, op.lift(data[i]));
    return static_cast<Total>(acc);
  }
  Total total = static_cast<Total>(op.identity());
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
    total = Op::merge(total, static_cast<Total>(fold_lanes<Op>(acc)));
  }
  return total;
}

// The merge of each column of rows that are `stride` apart.
template <class Op, class In>
void fold_columns(const Op& op, const In* data, int64_t stride, int64_t rows, int64_t cols,
                  typename Op::Total* totals) {
  using Acc = typename Op::Acc;
  using Total = typename Op::Total;
  constexpr int64_t kWidth = 1024;
  // Few columns of contiguous rows: several rows side by side are one row of more columns.
  const int64_t together = stride == cols ? std::clamp(kLanes / cols, int64_t{1}, rows) : 1;
  const int64_t wide = together * cols, wide_rows = rows / together;
  alignas(64) Acc acc[kWidth];
  for (int64_t c = 0; c < wide; c += kWidth)
    for (int64_t r = 0; r < wide_rows; r += kRowsInBlock) {
      const int64_t width = std::min(kWidth, wide - c);
      for (int64_t j = 0; j < width; ++j) acc[j] = op.identity();
      fold_rows(op, data + r * together * stride + c, together * stride, std::min(kRowsInBlock, wide_rows - r), width,
                acc);
      for (int64_t first = 0; first < width; first += cols)
        for (int64_t j = 0; j < std::min(cols, width - first); ++j)
          totals[c + j] = Op::merge(totals[c + j], static_cast<Total>(acc[first + j]));
    }
  for (int64_t r = wide_rows * together; r < rows; ++r)
    for (int64_t j = 0; j < cols; ++j)
      totals[j] = Op::merge(totals[j], static_cast<Total>(op.lift(data[r * stride + j])));
}

// Calls fn(column, contiguous elements, count, index of the first) for pieces of at most kPiece elements of each
// column, converted to In where the tensor has another dtype.
template <class In, class Fn> void for_pieces(const Tile& tile, const Fn& fn) {
  if (tile.dtype == DTypeOf<In>::value && (tile.row_stride == 1 || tile.rows == 1)) {
    const In* data = static_cast<const In*>(tile.data);
    for (int64_t j = 0; j < tile.cols; ++j)
      for (int64_t r = 0; r < tile.rows; r += kPiece)
        fn(j, data + j * tile.col_stride + r, std::min(kPiece, tile.rows - r), tile.first + r);
    return;
  }
  const Convert read = convert(DTypeOf<In>::value, tile.dtype);
  const int64_t size = static_cast<int64_t>(element_size(tile.dtype));
  const int64_t row_bytes = tile.row_stride * size, col_bytes = tile.col_stride * size;
  // Sixteen columns at once when their elements share cache lines.
  const int64_t most_cols = tile.cols > 1 && std::abs(col_bytes) < std::abs(row_bytes) ? 16 : 1;
  const int64_t most_rows = kPiece / most_cols;
  alignas(64) In buffer[kPiece];
  for (int64_t c = 0; c < tile.cols; c += most_cols)
    for (int64_t r = 0; r < tile.rows; r += most_rows) {
      const int64_t cols = std::min(most_cols, tile.cols - c), rows = std::min(most_rows, tile.rows - r);
      const char* corner = static_cast<const char*>(tile.data) + r * row_bytes + c * col_bytes;
      if (cols == 1)
        read(buffer, sizeof(In), corner, row_bytes, rows);
      else
        for (int64_t i = 0; i < rows; ++i)
          read(buffer + i, rows * static_cast<int64_t>(sizeof(In)), corner + i * row_bytes, col_bytes, cols);
      for (int64_t j = 0; j < cols; ++j) fn(c + j, buffer + j * rows, rows, tile.first + r);
    }
}

// The type in which the elements of a dtype are folded: a few types serve all.
template <class Fn> CG_INLINE Status visit_wide(DType dtype, Fn&& fn) {
  switch (dtype) {
  case DType::kBool:
  case DType::kUInt8:
  case DType::kInt8:
  case DType::kInt16:
  case DType::kInt32: return fn.template operator()<int32_t>();
  case DType::kInt64: return fn.template operator()<int64_t>();
  case DType::kFloat16:
  case DType::kBFloat16:
  case DType::kFloat32: return fn.template operator()<float>();
  case DType::kFloat64: return fn.template operator()<double>();
  default: return fail(Status::kUnsupportedDType);
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
    Total* totals = static_cast<Total*>(memory);
    if (tile.cols > 1 && tile.col_stride == 1 && tile.dtype == DTypeOf<In>::value)
      return fold_columns(op_, static_cast<const In*>(tile.data), tile.row_stride, tile.rows, tile.cols, totals);
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
