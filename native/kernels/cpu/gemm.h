// One matrix product, C = start + alpha * A B; large float ones by OpenBLAS (gemm_blas.h), others here: blocks of A and
// B are packed once, in parallel, then tiles of C are computed in parallel. How C is cut depends on the shape only, so
// the result does not depend on the thread count.
#pragma once
#include <algorithm>
#include <cstdint>
#include <iterator>

#include "core/parallel.h"
#include "kernels/cpu/gemm_blas.h"
#include "kernels/cpu/gemm_tile.h"

namespace cg::cpu::CG_ISA {

// Element (i, j) is data[i * row + j * col].
template <class T> struct Matrix {
  const T* data;
  int64_t row, col;
  Matrix at(int64_t i, int64_t j) const { return {data + i * row + j * col, row, col}; }
  Matrix transposed() const { return {data, col, row}; }
};

constexpr int64_t kDepth = 384;       // steps of k in one packed block: a panel of B fits the L1 cache, or nearly
constexpr int64_t kMostRows = 4096;   // of A packed at a time
constexpr int64_t kMostCols = 4096;   // of B packed at a time
constexpr int64_t kBlockTiles = 8;    // tiles of rows in a task: its part of A fits the L2 cache
constexpr int64_t kBlockPanels = 4;   // panels of columns in a task
constexpr int64_t kInline = 400'000;  // multiply-adds that are not worth waking another thread
constexpr size_t kOnStack = 8'192;    // bytes
constexpr int64_t kUnpacked = 16'384; // elements of an operand that the L1 cache serves from any layout

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The rows [i * n / parts, (i + 1) * n / parts).
inline int64_t part(int64_t n, int64_t parts, int64_t i) { return n * i / parts; }

// panel[p][j] = b[p][j], padded with zeros to kTileCols columns.
template <class T> void pack_panel(const Matrix<T>& b, int64_t k, int64_t cols, T* panel) {
  constexpr int64_t kCols = kTileCols<T>, kSide = kWidth<T>;
  if (b.col == 1 || b.row != 1) {
    for (int64_t p = 0; p < k; ++p, panel += kCols) {
      const T* from = b.data + p * b.row;
      if (b.col == 1 && cols == kCols)
        std::memcpy(panel, from, kCols * sizeof(T));
      else if (b.col == 1)
        for (int64_t j = 0; j < kCols; ++j) panel[j] = j < cols ? from[j] : T{};
      else
        for (int64_t j = 0; j < kCols; ++j) panel[j] = j < cols ? from[j * b.col] : T{};
    }
    return;
  }
  for (int64_t p = 0; p < k; p += kSide) {
    const int64_t steps = std::min(kSide, k - p);
    for (int64_t j = 0; j < kCols; j += kSide) {
      T* to = panel + p * kCols + j;
      const int64_t filled = std::clamp<int64_t>(cols - j, 0, kSide);
      if constexpr (sizeof(T) >= 4) {
        if (steps == kSide && filled == kSide) {
          transpose_square(b.data + p + j * b.col, b.col, to, kCols);
          continue;
        }
      }
      for (int64_t q = 0; q < steps; ++q)
        for (int64_t l = 0; l < kSide; ++l) to[q * kCols + l] = l < filled ? b.data[p + q + (j + l) * b.col] : T{};
    }
  }
}

// The layout of `rows` rows of A after packing: rows stay rows where they were contiguous, else they are interleaved.
template <class T> Matrix<T> packed_layout(const Matrix<T>& a, int64_t rows, int64_t k, const T* at) {
  return a.col == 1 ? Matrix<T>{at, k, 1} : Matrix<T>{at, 1, rows};
}

template <class T> void pack_rows(const Matrix<T>& a, int64_t rows, int64_t k, T* to) {
  if (a.col == 1) {
    for (int64_t i = 0; i < rows; ++i) std::memcpy(to + i * k, a.data + i * a.row, k * sizeof(T));
    return;
  }
  for (int64_t p = 0; p < k; ++p)
    for (int64_t i = 0; i < rows; ++i) to[p * rows + i] = a.data[i * a.row + p * a.col];
}

// One block of A [m,k] and B [k,n], k at most kDepth, m and n bounded so that the packed copies stay small.
template <class T> class Block {
public:
  Block(const Matrix<T>& a, const Matrix<T>& b, int64_t m, int64_t n, int64_t k)
      : a_(a), b_(b), m_(m), n_(n), k_(k), tiles_(ceil_div(m, kTileRows<T>)), panels_(ceil_div(n, kTileCols<T>)) {
    direct_a_ = n <= 2 * kTileCols<T> || m * k <= kUnpacked;
    direct_b_ = b.col == 1 && (m <= 2 * kTileRows<T> || k * n <= kUnpacked);
  }

  // `packed` has room for packed_size() elements.
  Status run(T* packed, const Target<T>& to) {
    packed_b_ = packed;
    packed_a_ = packed + panels_ * kTileCols<T> * k_;
    const int64_t first_panel = direct_b_ ? n_ / kTileCols<T> : 0; // a last, partial panel is always packed
    const int64_t packs = panels_ - first_panel + (direct_a_ ? 0 : tiles_);
    Status status = parallel_for(0, packs, grain(packs), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t panel = first_panel + i;
        if (panel < panels_) {
          const int64_t j = panel * kTileCols<T>;
          pack_panel(b_.at(0, j), k_, std::min<int64_t>(kTileCols<T>, n_ - j), packed + j * k_);
        } else {
          const int64_t t = panel - panels_, row = part(m_, tiles_, t);
          pack_rows(a_.at(row, 0), part(m_, tiles_, t + 1) - row, k_, packed_a_ + row * k_);
        }
      }
    });
    if (status != Status::kOk) return status;
    const int64_t row_blocks = ceil_div(tiles_, kBlockTiles), col_blocks = ceil_div(panels_, kBlockPanels);
    const int64_t blocks = row_blocks * col_blocks;
    return parallel_for(0, blocks, grain(blocks), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t r = i % row_blocks, c = i / row_blocks;
        compute(part(tiles_, row_blocks, r), part(tiles_, row_blocks, r + 1), part(panels_, col_blocks, c),
                part(panels_, col_blocks, c + 1), to);
      }
    });
  }

  static int64_t packed_size(int64_t m, int64_t n, int64_t k) { return (m + n + kTileCols<T>)*k; }

private:
  int64_t grain(int64_t count) const { return m_ * n_ * k_ <= kInline ? std::max<int64_t>(count, 1) : 1; }

  void compute(int64_t tile_begin, int64_t tile_end, int64_t panel_begin, int64_t panel_end,
               const Target<T>& to) const {
    for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
      const int64_t j = panel * kTileCols<T>;
      const int cols = static_cast<int>(std::min<int64_t>(kTileCols<T>, n_ - j));
      const TileFn<T>* tiles = cols <= kWidth<T> ? kTiles<T, 1> : kTiles<T, 2>;
      const bool in_place = direct_b_ && cols == kTileCols<T>;
      const T* b = in_place ? b_.data + j : packed_b_ + j * k_;
      const int64_t b_row = in_place ? b_.row : kTileCols<T>;
      for (int64_t t = tile_begin; t < tile_end; ++t) {
        const int64_t i = part(m_, tiles_, t), rows = part(m_, tiles_, t + 1) - i;
        const Matrix<T> a = direct_a_ ? a_.at(i, 0) : packed_layout(a_, rows, k_, packed_a_ + i * k_);
        tiles[rows - 1](k_, a.data, a.row, a.col, b, b_row, to.at(i, j), cols);
      }
    }
  }

  Matrix<T> a_, b_;
  int64_t m_, n_, k_, tiles_, panels_;
  bool direct_a_, direct_b_;
  T* packed_a_ = nullptr;
  const T* packed_b_ = nullptr;
};

// One contiguous row times a vector, in kWidth * 4 interleaved sums.
template <class T> T dot_run(const T* a, const T* b, int64_t n) {
  using V = Vector<T>;
  constexpr int64_t kStep = 4 * kWidth<T>;
  V sum[4] = {};
  int64_t i = 0;
  for (; i + kStep <= n; i += kStep)
    for (int w = 0; w < 4; ++w)
      sum[w] += *reinterpret_cast<const V*>(a + i + w * kWidth<T>) * *reinterpret_cast<const V*>(b + i + w * kWidth<T>);
  for (; i + kWidth<T> <= n; i += kWidth<T>)
    sum[0] += *reinterpret_cast<const V*>(a + i) * *reinterpret_cast<const V*>(b + i);
  const V all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  T total{};
  for (int w = 0; w < kWidth<T>; ++w) total += all[w];
  for (; i < n; ++i) total += a[i] * b[i];
  return total;
}

// C [m,1] with contiguous rows of A: a dot product each, because packing A would cost more than using it once.
template <class T> Status multiply_vector(int64_t m, int64_t k, const Matrix<T>& a, const T* x, const Target<T>& to) {
  return parallel_for(0, m, std::max<int64_t>(1, kInline / k), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T value = to.alpha * dot_run(a.data + i * a.row, x, k);
      to.c[i * to.ldc] = to.start == nullptr ? value : value + to.start[i * to.start_row];
    }
  });
}

template <class T> void write_start(int64_t m, int64_t n, const Target<T>& to) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      to.c[i * to.ldc + j] = to.start == nullptr ? T{} : to.start[i * to.start_row + j * to.start_col];
}

template <class T>
Status gemm(int64_t m, int64_t n, int64_t k, const Matrix<T>& a, const Matrix<T>& b, const Target<T>& to) {
  if (m == 0 || n == 0) return Status::kOk;
  if (k == 0) return write_start(m, n, to), Status::kOk;
  if (n == 1 && a.col == 1 && b.row == 1) return multiply_vector(m, k, a, b.data, to);
  if (m == 1 && b.row == 1 && a.col == 1)
    return multiply_vector(n, k, b.transposed(), a.data, {to.alpha, to.c, 1, to.start, to.start_col, 0});

  if (Status status; gemm_blas<T>(m, n, k, a, b, to, status)) return status;

  const int64_t steps = ceil_div(k, kDepth), depth = ceil_div(k, steps);
  const int64_t rows = std::min(m, kMostRows), cols = std::min(n, kMostCols);
  const int64_t size = Block<T>::packed_size(rows, cols, depth);
  alignas(64) T on_stack[kOnStack / sizeof(T)]; // small products need no allocation
  const bool small = size <= static_cast<int64_t>(std::size(on_stack));
  Scratch allocated(small ? 0 : size * sizeof(T));
  if (!small && !allocated.ok()) return Status::kOutOfMemory;
  T* packed = small ? on_stack : allocated.as<T>();
  for (int64_t j = 0; j < n; j += cols)
    for (int64_t step = 0; step < steps; ++step) {
      const int64_t p = part(k, steps, step), kk = part(k, steps, step + 1) - p;
      for (int64_t i = 0; i < m; i += rows) {
        const int64_t mm = std::min(rows, m - i), nn = std::min(cols, n - j);
        Target<T> part_of_c = to.at(i, j);
        if (step > 0) part_of_c.start = part_of_c.c, part_of_c.start_row = to.ldc, part_of_c.start_col = 1;
        const Status status = Block<T>(a.at(i, p), b.at(p, j), mm, nn, kk).run(packed, part_of_c);
        if (status != Status::kOk) return status;
      }
    }
  return Status::kOk;
}

} // namespace cg::cpu::CG_ISA
