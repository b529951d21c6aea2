// The innermost product: a tile of C stays in registers while k runs. GCC vectors make one source serve every
// instruction set.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels/cpu/isa.h"

namespace cg::cpu::CG_ISA {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64, kFloatRows = 14;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32, kFloatRows = 6;
#else
constexpr int kVectorBytes = 16, kFloatRows = 6;
#endif

template <class T> constexpr int kWidth = kVectorBytes / static_cast<int>(sizeof(T));
template <class T> constexpr int kTileRows = std::is_floating_point_v<T> ? kFloatRows : 4;
template <class T> constexpr int kTileCols = 2 * kWidth<T>;

// Loads and stores of a Vector need no alignment.
template <class T> struct VectorOf {
  using Type [[gnu::vector_size(kVectorBytes), gnu::aligned(alignof(T)), gnu::may_alias]] = T;
};
template <class T> using Vector = typename VectorOf<T>::Type;

// Where a tile goes: C = start + alpha * A B. Element (i, j) of start is start[i * start_row + j * start_col],
// start_col 0 or 1; nullptr counts as zeros.
template <class T> struct Target {
  T alpha;
  T* c;
  int64_t ldc;
  const T* start;
  int64_t start_row, start_col;

  Target at(int64_t i, int64_t j) const {
    const T* moved = start == nullptr ? nullptr : start + i * start_row + j * start_col;
    return {alpha, c + i * ldc + j, ldc, moved, start_row, start_col};
  }
};

// The product of R rows of A, element (i, p) at a[i * a_row + p * a_col], with the columns at b_at(p), W vectors wide.
template <class T, int R, int W, class Columns>
CG_INLINE void multiply(int64_t k, const T* a, int64_t a_row, int64_t a_col, const Columns& b_at,
                        Vector<T> (&sum)[R][W]) {
  for (int64_t p = 0; p < k; ++p, a += a_col) {
    const Vector<T>* b = reinterpret_cast<const Vector<T>*>(b_at(p));
    Vector<T> columns[W];
    for (int w = 0; w < W; ++w) columns[w] = b[w];
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i)
      for (int w = 0; w < W; ++w) sum[i][w] += a[i * a_row] * columns[w];
  }
}

template <class T, int R, int W> CG_INLINE void prefetch(const Target<T>& to) {
  for (int i = 0; i < R; ++i)
    for (int w = 0; w < W; ++w) __builtin_prefetch(to.c + i * to.ldc + w * kWidth<T>, 1);
}

// Writes the first `cols` columns of a product.
template <class T, int R, int W> CG_INLINE void store(const Vector<T> (&sum)[R][W], const Target<T>& to, int cols) {
  if (cols == W * kWidth<T>) {
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i)
      for (int w = 0; w < W; ++w) {
        Vector<T> value = to.alpha * sum[i][w];
        if (to.start != nullptr) {
          const T* start = to.start + i * to.start_row;
          value +=
              to.start_col == 0 ? Vector<T>{} + *start : *reinterpret_cast<const Vector<T>*>(start + w * kWidth<T>);
        }
        *reinterpret_cast<Vector<T>*>(to.c + i * to.ldc + w * kWidth<T>) = value;
      }
    return;
  }
  T rows[R][W * kWidth<T>];
  std::memcpy(rows, sum, sizeof rows);
  for (int i = 0; i < R; ++i)
    for (int j = 0; j < cols; ++j) {
      const T value = to.alpha * rows[i][j];
      to.c[i * to.ldc + j] = to.start == nullptr ? value : value + to.start[i * to.start_row + j * to.start_col];
    }
}

// All W vectors of each row of B are read, from b + p * b_row; only `cols` columns of C are written.
template <class T, int R, int W>
void tile(int64_t k, const T* a, int64_t a_row, int64_t a_col, const T* b, int64_t b_row, const Target<T>& to,
          int cols) {
  Vector<T> sum[R][W] = {};
  prefetch<T, R, W>(to);
  multiply<T, R, W>(k, a, a_row, a_col, [&](int64_t p) { return b + p * b_row; }, sum);
  store<T, R, W>(sum, to, cols);
}

template <class T>
using TileFn = void (*)(int64_t, const T*, int64_t, int64_t, const T*, int64_t, const Target<T>&, int);

// kTiles<T, W>[r - 1] computes r rows.
template <class T, int W, class Rows> struct TileTable;
template <class T, int W, int... I> struct TileTable<T, W, std::integer_sequence<int, I...>> {
  static constexpr TileFn<T> kTiles[] = {tile<T, I + 1, W>...};
};
template <class T, int W>
constexpr const TileFn<T>* kTiles = TileTable<T, W, std::make_integer_sequence<int, kTileRows<T>>>::kTiles;

// Interleaves the low or the high halves of two vectors.
template <class T, int... I>
CG_INLINE Vector<T> zip(Vector<T> x, Vector<T> y, int high, std::integer_sequence<int, I...>) {
  constexpr int kHalf = kWidth<T> / 2;
  return high != 0 ? __builtin_shufflevector(x, y, (kHalf + I / 2 + I % 2 * kWidth<T>)...)
                   : __builtin_shufflevector(x, y, (I / 2 + I % 2 * kWidth<T>)...);
}

// to[j][i] = from[i][j] for a square of kWidth rows: log2(kWidth) rounds of interleaving row i with row i + kWidth / 2.
template <class T> CG_INLINE void transpose_square(const T* from, int64_t from_row, T* to, int64_t to_row) {
  constexpr int kSide = kWidth<T>;
  constexpr auto kIndex = std::make_integer_sequence<int, kSide>();
  Vector<T> rows[kSide], mixed[kSide];
#pragma GCC unroll 64
  for (int i = 0; i < kSide; ++i) rows[i] = *reinterpret_cast<const Vector<T>*>(from + i * from_row);
#pragma GCC unroll 8
  for (int round = 1; round < kSide; round *= 2) {
#pragma GCC unroll 64
    for (int i = 0; i < kSide / 2; ++i) {
      mixed[2 * i] = zip<T>(rows[i], rows[i + kSide / 2], 0, kIndex);
      mixed[2 * i + 1] = zip<T>(rows[i], rows[i + kSide / 2], 1, kIndex);
    }
#pragma GCC unroll 64
    for (int i = 0; i < kSide; ++i) rows[i] = mixed[i];
  }
#pragma GCC unroll 64
  for (int i = 0; i < kSide; ++i) *reinterpret_cast<Vector<T>*>(to + i * to_row) = rows[i];
}

} // namespace cg::cpu::CG_ISA
