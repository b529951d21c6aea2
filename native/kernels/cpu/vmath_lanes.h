// exp, tanh and sigmoid of contiguous floats by instructions that loops over vmath.h's functions cannot be made of:
// AVX-512 scales by powers of two at once, looks up tables in registers, and a refined reciprocal takes a third of a division's time.
#pragma once
#if defined(__AVX512F__)
#include <bit>
#include <cstdint>
#include <immintrin.h>
#include <initializer_list>

#include "kernels/cpu/isa.h"

namespace cg::cpu::CG_ISA::lanes {

CG_INLINE __m512 all(float x) { return _mm512_set1_ps(x); }

// As vmath.h's exp, NaN included: minimum and maximum answer their second operand then.
CG_INLINE __m512 exp(__m512 x) {
  x = _mm512_max_ps(all(-104.0f), _mm512_min_ps(all(89.0f), x));
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, all(1.44269504088896341f)), _MM_FROUND_TO_NEAREST_INT);
  __m512 r = _mm512_fnmadd_ps(n, all(0.693359375f), x);
  r = _mm512_fmadd_ps(n, all(2.12194440e-4f), r);
  __m512 p = all(1.9875691500e-4f);
  for (const float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = _mm512_fmadd_ps(p, r, all(c));
  p = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), all(1.0f));
  return _mm512_scalef_ps(p, n);
}

// 1 / d within 2^-27, for d that are neither tiny nor huge.
CG_INLINE __m512 reciprocal(__m512 d) {
  const __m512 r = _mm512_rcp14_ps(d);
  return _mm512_fmadd_ps(r, _mm512_fnmadd_ps(d, r, all(1.0f)), r);
}

// tanh as a polynomial about the middle of each of 32 intervals, four an octave up to 10: c[k][i] is the coefficient of d^k
// in interval i. As y' = 1 - y^2, the Taylor coefficients follow from y at the middle.
struct TanhTable {
  static constexpr int kIntervals = 32, kDegree = 5;
  static constexpr int kShift = 21;             // bits of a float below the two highest of its fraction
  static constexpr int32_t kFirst = 0x3d200000; // 0.0390625: interval 0 is from here to 0.046875, and all below
  static constexpr int32_t kLast = 0x411fffff;  // just below 10
  alignas(64) float middle[kIntervals], c[kDegree + 1][kIntervals];

  constexpr TanhTable() : middle{}, c{} {
    for (int i = 0; i < kIntervals; ++i) {
      // Permutations look at the lowest five bits of an index only.
      const int at = ((kFirst >> kShift) + i) % kIntervals;
      const double low = edge(i), high = edge(i + 1);
      const bool inner = i > 0 && i + 1 < kIntervals; // the outer ones end where tanh is 0, or rounds to 1
      middle[at] = static_cast<float>(inner ? (low + high) / 2 : i == 0 ? 0 : high);
      double taylor[kDegree + 3] = {of(middle[at])};
      for (int k = 0; k < kDegree + 2; ++k) {
        double square = 0;
        for (int j = 0; j <= k; ++j) square += taylor[j] * taylor[k - j];
        taylor[k + 1] = ((k == 0) - square) / (k + 1);
      }
      if (inner) economize(taylor, (high - low) / 2);
      for (int k = 0; k <= kDegree; ++k) c[k][at] = static_cast<float>(taylor[k]);
    }
  }

private:
  static constexpr double edge(int i) { return std::bit_cast<float>(kFirst + (i << kShift)); }
  static constexpr double of(double x) { // from a small argument, doubled ten times
    double y = x / 1024;
    y -= y * y * y / 3;
    for (int i = 0; i < 10; ++i) y = 2 * y / (1 + y * y);
    return y;
  }
  // Within `half` of the middle, d^7 and d^6 are, but for a 64th and a 32nd of their largest value, lower powers (Chebyshev).
  static constexpr void economize(double* p, double half) {
    const double h2 = half * half, h4 = h2 * h2;
    p[5] += p[7] * h2 * 112 / 64;
    p[3] -= p[7] * h4 * 56 / 64;
    p[1] += p[7] * h4 * h2 * 7 / 64;
    p[4] += p[6] * h2 * 48 / 32;
    p[2] -= p[6] * h4 * 18 / 32;
    p[0] += p[6] * h4 * h2 / 32;
  }
};
constexpr TanhTable kTanh;

CG_INLINE __m512 pick(const float (&table)[32], __m512i at) {
  return _mm512_permutex2var_ps(_mm512_load_ps(table), at, _mm512_load_ps(table + 16));
}

CG_INLINE __m512 tanh(__m512 x) {
  const __m512 a = _mm512_min_ps(all(std::bit_cast<float>(TanhTable::kLast)), _mm512_abs_ps(x)); // NaN stays
  const __m512i at = _mm512_srli_epi32(_mm512_max_epi32(_mm512_castps_si512(a), _mm512_set1_epi32(TanhTable::kFirst)),
                                       TanhTable::kShift);
  const __m512 d = _mm512_sub_ps(a, pick(kTanh.middle, at));
  __m512 y = pick(kTanh.c[TanhTable::kDegree], at);
  for (int k = TanhTable::kDegree - 1; k >= 0; --k) y = _mm512_fmadd_ps(y, d, pick(kTanh.c[k], at));
  const __m512i sign = _mm512_and_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(INT32_MIN));
  return _mm512_castsi512_ps(_mm512_or_epi32(_mm512_castps_si512(y), sign));
}

CG_INLINE __m512 sigmoid(__m512 x) {
  const __m512 e = exp(_mm512_sub_ps(all(0.0f), _mm512_abs_ps(x)));
  const __m512 d = _mm512_add_ps(e, all(1.0f)), r = reciprocal(d);
  const __m512 n = _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, all(0.0f), _CMP_GE_OQ), e, all(1.0f));
  const __m512 q = _mm512_mul_ps(n, r), lost = _mm512_sub_ps(e, _mm512_sub_ps(d, all(1.0f))); // by rounding d
  return _mm512_fmadd_ps(_mm512_fnmadd_ps(lost, q, _mm512_fnmadd_ps(d, q, n)), r, q);
}

// y[i] = fn(x[i]); the last lanes are computed like all others, so that results do not depend on where a chunk ends.
template <class Fn> CG_INLINE void map(void* out, const void* in, int64_t n, const Fn& fn) {
  auto* y = static_cast<float*>(out);
  const auto* x = static_cast<const float*>(in);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) _mm512_storeu_ps(y + i, fn(_mm512_loadu_ps(x + i)));
  const auto rest = static_cast<__mmask16>((1u << (n - i)) - 1);
  if (rest != 0) _mm512_mask_storeu_ps(y + i, rest, fn(_mm512_maskz_loadu_ps(rest, x + i)));
}

} // namespace cg::cpu::CG_ISA::lanes
#endif
