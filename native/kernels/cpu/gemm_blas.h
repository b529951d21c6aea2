// Large float products by OpenBLAS: C is cut into blocks that depend on the shape only, each one call on one thread,
// so that the result does not depend on the thread count.
#pragma once
#include <cblas.h>
#include <concepts>

#include "core/parallel.h"
#include "kernels/cpu/gemm_tile.h"

namespace cg::cpu::CG_ISA {

// Multiply-adds from which OpenBLAS is faster than our own tiles: never with AVX-512.
constexpr int64_t kBlasWork = kVectorBytes == 64 ? INT64_MAX : 192ll * 192 * 192;
constexpr int64_t kBlasMost = 512;  // rows or columns of a block: larger ones leave threads idle
constexpr int64_t kBlasLeast = 128; // smaller ones pack more than they compute
constexpr int64_t kBlasNarrow = 48; // narrower or shallower products are for our own tiles
constexpr int64_t kBlasDeep = 128;
constexpr int64_t kBlasBlocks = 4; // so many, if the limits allow

// How OpenBLAS reads a matrix: as it lies or transposed, with the distance between rows. ld 0: it cannot.
struct BlasLayout {
  CBLAS_TRANSPOSE transpose = CblasNoTrans;
  blasint ld = 0;
};
template <class M> BlasLayout blas_layout(const M& x, int64_t rows, int64_t cols) {
  constexpr int64_t kMost = INT32_MAX;
  if (x.col == 1 && x.row >= cols && x.row <= kMost) return {CblasNoTrans, static_cast<blasint>(x.row)};
  if (x.row == 1 && x.col >= rows && x.col <= kMost) return {CblasTrans, static_cast<blasint>(x.col)};
  return {};
}

// True when the product was OpenBLAS's to compute; `status` says how it went.
template <class T, class M>
bool gemm_blas(int64_t m, int64_t n, int64_t k, const M& a, const M& b, const Target<T>& to, Status& status) {
  if constexpr (!std::same_as<T, float> && !std::same_as<T, double>) {
    return false;
  } else {
    if (m * n * k < kBlasWork || std::min(m, n) < kBlasNarrow || k < kBlasDeep || to.ldc > INT32_MAX) return false;
    const BlasLayout layout_a = blas_layout(a, m, k), layout_b = blas_layout(b, k, n);
    if (layout_a.ld == 0 || layout_b.ld == 0) return false;
    static const bool one_thread = (scipy_openblas_set_num_threads(1), true); // ours share the blocks instead
    (void)one_thread;
    int64_t rows = m, cols = n;
    const auto halve = [&] { (rows >= cols ? rows : cols) = (std::max(rows, cols) + 1) / 2; };
    while (std::max(rows, cols) > kBlasMost) halve();
    const auto count = [&] { return (m + rows - 1) / rows * ((n + cols - 1) / cols); };
    while (count() < kBlasBlocks && std::max(rows, cols) >= 2 * kBlasLeast) halve();
    const int64_t across = (n + cols - 1) / cols;
    status = parallel_for(0, count(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        const int64_t i = block / across * rows, j = block % across * cols;
        const int64_t mm = std::min(rows, m - i), nn = std::min(cols, n - j);
        const Target<T> part = to.at(i, j);
        if (part.start != nullptr && part.start != part.c)
          for (int64_t r = 0; r < mm; ++r)
            for (int64_t c = 0; c < nn; ++c)
              part.c[r * part.ldc + c] = part.start[r * part.start_row + c * part.start_col];
        const T beta = part.start == nullptr ? T{0} : T{1};
        const auto product = [&](auto gemm) {
          gemm(CblasRowMajor, layout_a.transpose, layout_b.transpose, mm, nn, k, part.alpha, a.at(i, 0).data,
               layout_a.ld, b.at(0, j).data, layout_b.ld, beta, part.c, part.ldc);
        };
        if constexpr (std::same_as<T, float>)
          product(scipy_cblas_sgemm);
        else
          product(scipy_cblas_dgemm);
      }
    });
    return true;
  }
}

} // namespace cg::cpu::CG_ISA
