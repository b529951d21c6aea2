// One matrix product, C = start + alpha * A B; large float ones by OpenBLAS (gemm_blas.h) where it is faster, others here:
// C is cut into blocks, computed in parallel, each of which packs its part of A and B and goes through its tiles. However C is
// cut, an element adds up its products in the same order, so the result does not depend on the thread count.
#pragma once
#include <algorithm>
#include <atomic>
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

constexpr int64_t kDepth = 256; // steps of k in one packed block: a panel of B and a tile's rows of A fit the L1 cache
constexpr int64_t kMostRows = 512;    // of a block of C
constexpr int64_t kMostCols = 512;    // its part of B fits the L2 cache
constexpr int64_t kBlocks = 2;        // for each thread, if there are several and enough to do
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

// One block of C on one thread. What it packs stays in its own caches: reading what another processor packed costs more
// than packing it twice.
template <class T> class Block {
public:
  Block(const Matrix<T>& a, const Matrix<T>& b, int64_t m, int64_t n)
      : a_(a), b_(b), m_(m), n_(n), tiles_(ceil_div(m, kTileRows<T>)) {}

  static int64_t packed_size(int64_t n, int64_t k) { return (kTileRows<T> + n + kTileCols<T>)*std::min(k, kDepth); }

  // C = start + alpha * A B, `packed` with room for packed_size() elements.
  void run(int64_t k, T* packed, Target<T> to) const {
    const int64_t steps = ceil_div(k, kDepth);
    for (int64_t step = 0; step < steps; ++step) {
      const int64_t p = part(k, steps, step);
      add(p, part(k, steps, step + 1) - p, packed, to);
      to.start = to.c, to.start_row = to.ldc, to.start_col = 1;
    }
  }

private:
  // The steps [p, p + k) of the product, k at most kDepth.
  void add(int64_t p, int64_t k, T* packed, const Target<T>& to) const {
    constexpr int64_t kCols = kTileCols<T>;
    const bool direct_a = n_ <= 2 * kCols || m_ * k <= kUnpacked;
    const bool direct_b = b_.col == 1 && (m_ <= 2 * kTileRows<T> || k * n_ <= kUnpacked);
    T* packed_b = packed + kTileRows<T> * k;
    for (int64_t j = direct_b ? n_ / kCols * kCols : 0; j < n_; j += kCols) // a last, partial panel is always packed
      pack_panel(b_.at(p, j), k, std::min(kCols, n_ - j), packed_b + j * k);

    for (int64_t t = 0; t < tiles_; ++t) {
      const int64_t i = part(m_, tiles_, t), rows = part(m_, tiles_, t + 1) - i;
      Matrix<T> a = a_.at(i, p);
      if (!direct_a) {
        pack_rows(a, rows, k, packed);
        a = packed_layout(a, rows, k, packed);
      }
      for (int64_t j = 0; j < n_; j += kCols) {
        const int cols = static_cast<int>(std::min(kCols, n_ - j));
        const bool in_place = direct_b && cols == kCols;
        const T* b = in_place ? b_.at(p, j).data : packed_b + j * k;
        const TileFn<T>* tiles = cols <= kWidth<T> ? kTiles<T, 1> : kTiles<T, 2>;
        tiles[rows - 1](k, a.data, a.row, a.col, b, in_place ? b_.row : kCols, to.at(i, j), cols);
      }
    }
  }

  Matrix<T> a_, b_;
  int64_t m_, n_, tiles_;
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

  // Whole tiles and panels in a block; the longer side is halved until the blocks are small, and as many as wanted: each packs
  // anew, so one thread takes few.
  const int64_t wanted = thread_count() == 1 ? 1 : kBlocks * thread_count();
  const int64_t tiles = ceil_div(m, kTileRows<T>), panels = ceil_div(n, kTileCols<T>);
  int64_t down = ceil_div(m, kMostRows), across = ceil_div(n, kMostCols);
  while (down * across < wanted && m * n * k > kInline * down * across * 2 && (down < tiles || across < panels)) {
    const bool rows_longer = m * across >= n * down;
    (across == panels || (rows_longer && down < tiles) ? down : across) *= 2;
  }
  down = std::min(down, tiles), across = std::min(across, panels);
  const int64_t size = Block<T>::packed_size(ceil_div(panels, across) * kTileCols<T>, k);
  std::atomic<bool> exhausted{false};
  const Status status = parallel_for(0, down * across, 1, [&](int64_t begin, int64_t) {
    alignas(64) T on_stack[kOnStack / sizeof(T)]; // small products need no allocation
    const bool small = size <= static_cast<int64_t>(std::size(on_stack));
    const Scratch allocated(small ? 0 : static_cast<size_t>(size) * sizeof(T));
    if (!allocated.ok()) return exhausted.store(true);
    const auto edge = [](int64_t n, int64_t side, int64_t whole, int64_t parts, int64_t i) {
      return std::min(n, part(whole, parts, i) * side);
    };
    const int64_t r = begin % down, c = begin / down;
    const int64_t i = edge(m, kTileRows<T>, tiles, down, r), mm = edge(m, kTileRows<T>, tiles, down, r + 1) - i;
    const int64_t j = edge(n, kTileCols<T>, panels, across, c), nn = edge(n, kTileCols<T>, panels, across, c + 1) - j;
    Block<T>(a.at(i, 0), b.at(0, j), mm, nn).run(k, small ? on_stack : allocated.as<T>(), to.at(i, j));
  });
  return exhausted ? Status::kOutOfMemory : status;
}

} // namespace cg::cpu::CG_ISA
