// The innermost loops of convolution: sums over taps, whose inputs lie at fixed offsets from the output's place.
#pragma once
#include "kernels/cpu/gemm_tile.h"

namespace cg::cpu::CG_ISA {

// C[R, cols] = start + sum over k taps of A[R, k] * (kTileCols inputs from image + offsets[p]).
template <class T, int R, int W>
void tap_tile(int64_t k, const T* a, int64_t a_row, const T* image, const int64_t* offsets, const Target<T>& to,
              int cols) {
  Vector<T> sum[R][W] = {};
  prefetch<T, R, W>(to);
  multiply<T, R, W>(k, a, a_row, 1, [&](int64_t p) { return image + offsets[p]; }, sum);
  store<T, R, W>(sum, to, cols);
}

template <class T>
using TapTile = void (*)(int64_t, const T*, int64_t, const T*, const int64_t*, const Target<T>&, int);

template <class T, int W, class Rows> struct TapTileTable;
template <class T, int W, int... I> struct TapTileTable<T, W, std::integer_sequence<int, I...>> {
  static constexpr TapTile<T> kTiles[] = {tap_tile<T, I + 1, W>...};
};
template <class T, int W>
constexpr const TapTile<T>* kTapTiles = TapTileTable<T, W, std::make_integer_sequence<int, kTileRows<T>>>::kTiles;

// The weight gradient's tile: kDotRows output channels by kDotTaps taps, each a sum of products along the image.
#if defined(__AVX512F__)
constexpr int kDotRows = 5, kDotTaps = 5;
#else
constexpr int kDotRows = 3, kDotTaps = 4;
#endif

// sums[i * kDotTaps + t] += rows[i * pitch ..] * (image + offsets[t] ..), lane by lane, over n elements, a multiple of
// kWidth.
template <class T, int R, int N>
void dot_tile(int64_t n, const T* rows, int64_t pitch, const T* image, const int64_t* offsets, Vector<T>* sums) {
  Vector<T> sum[R][N];
  for (int i = 0; i < R; ++i)
    for (int t = 0; t < N; ++t) sum[i][t] = sums[i * kDotTaps + t];
  const T* inputs[N];
  for (int t = 0; t < N; ++t) inputs[t] = image + offsets[t];
  for (int64_t p = 0; p < n; p += kWidth<T>) {
    Vector<T> left[R];
#pragma GCC unroll 8
    for (int i = 0; i < R; ++i) left[i] = *reinterpret_cast<const Vector<T>*>(rows + i * pitch + p);
#pragma GCC unroll 8
    for (int t = 0; t < N; ++t) {
      const Vector<T> right = *reinterpret_cast<const Vector<T>*>(inputs[t] + p);
#pragma GCC unroll 8
      for (int i = 0; i < R; ++i) sum[i][t] += left[i] * right;
    }
  }
  for (int i = 0; i < R; ++i)
    for (int t = 0; t < N; ++t) sums[i * kDotTaps + t] = sum[i][t];
}

template <class T> using DotTile = void (*)(int64_t, const T*, int64_t, const T*, const int64_t*, Vector<T>*);

// kDotTiles<T>[(r - 1) * kDotTaps + n - 1] sums r rows by n taps.
template <class T, class All> struct DotTileTable;
template <class T, int... I> struct DotTileTable<T, std::integer_sequence<int, I...>> {
  static constexpr DotTile<T> kTiles[] = {dot_tile<T, I / kDotTaps + 1, I % kDotTaps + 1>...};
};
template <class T>
constexpr const DotTile<T>* kDotTiles = DotTileTable<T, std::make_integer_sequence<int, kDotRows * kDotTaps>>::kTiles;

template <class T> T sum_of_lanes(const Vector<T>& v) {
  T lanes[kWidth<T>];
  std::memcpy(lanes, &v, sizeof v);
  for (int w = kWidth<T> / 2; w > 0; w /= 2)
    for (int i = 0; i < w; ++i) lanes[i] += lanes[i + w];
  return lanes[0];
}

} // namespace cg::cpu::CG_ISA
