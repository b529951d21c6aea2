// exp, tanh, sigmoid and what is made of them for contiguous floats, by instructions that loops over vmath.h's functions cannot be made of:
// AVX-512 scales by powers of two at once, looks up tables in registers, and a refined reciprocal takes a third of a division's time.
#pragma once
#if defined(__AVX512F__)
#include <bit>
#include <cstdint>
#include <immintrin.h>

#include "kernels/cpu/isa.h"

namespace cg::cpu::CG_ISA::lanes {

CG_INLINE __m512 all(float x) { return _mm512_set1_ps(x); }
CG_INLINE __m512 with_sign(__m512 magnitude, __m512 sign) {
  const __m512i bit = _mm512_and_epi32(_mm512_castps_si512(sign), _mm512_set1_epi32(INT32_MIN));
  return _mm512_castsi512_ps(_mm512_or_epi32(_mm512_castps_si512(magnitude), bit));
}

// e^x = 2^n e^r with n in steps of 1/32 and |r| <= ln 2 / 64.
struct Power {
  __m512 n, r;
  __m512i index;
}; // the lowest five bits of the index: the steps after the point
CG_INLINE Power split(__m512 x) {
  // Numbers as large as this one are 1/32 apart: adding it rounds to steps, which are then also found in the low bits.
  const __m512 round = all(0x1.8p18f), shifted = _mm512_fmadd_ps(x, all(1.44269504088896341f), round);
  const __m512 n = _mm512_sub_ps(shifted, round);
  const __m512 r = _mm512_fnmadd_ps(n, all(0.693359375f), x);
  return {n, _mm512_fmadd_ps(n, all(2.12194440e-4f), r), _mm512_castps_si512(shifted)};
}

// 2^(sign i / 32)
template <int sign> struct Roots {
  alignas(64) float at[32];
  constexpr Roots() : at{} {
    double root = 1 + sign * 0.021660849392498290; // ln 2 / 32
    for (int step = 0; step < 20; ++step) {        // Newton: root^32 = 2^sign
      double power = root;
      for (int i = 0; i < 5; ++i) power *= power;
      root -= (power - (sign > 0 ? 2 : 0.5)) * root / (32 * power);
    }
    double x = 1;
    for (float& element : at) element = static_cast<float>(x), x *= root;
  }
};
constexpr Roots<1> kRoots;
constexpr Roots<-1> kInverseRoots;

CG_INLINE __m512 pick(const float (&table)[32], __m512i at) {
  return _mm512_permutex2var_ps(_mm512_load_ps(table), at, _mm512_load_ps(table + 16));
}

// As vmath.h's exp, NaN included: minimum and maximum answer their second operand then.
CG_INLINE __m512 exp(__m512 x) {
  const auto [n, r, index] = split(_mm512_max_ps(all(-104.0f), _mm512_min_ps(all(89.0f), x)));
  const __m512 p = _mm512_fmadd_ps(_mm512_fmadd_ps(r, all(1.0f / 6), all(0.5f)), _mm512_mul_ps(r, r), r);
  const __m512 root = pick(kRoots.at, index);
  return _mm512_scalef_ps(_mm512_fmadd_ps(root, p, root), n); // which rounds n down
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

CG_INLINE __m512 tanh(__m512 x) {
  const __m512 a = _mm512_min_ps(all(std::bit_cast<float>(TanhTable::kLast)), _mm512_abs_ps(x)); // NaN stays
  const __m512i at = _mm512_srli_epi32(_mm512_max_epi32(_mm512_castps_si512(a), _mm512_set1_epi32(TanhTable::kFirst)),
                                       TanhTable::kShift);
  const __m512 d = _mm512_sub_ps(a, pick(kTanh.middle, at));
  __m512 y = pick(kTanh.c[TanhTable::kDegree], at);
  for (int k = TanhTable::kDegree - 1; k >= 0; --k) y = _mm512_fmadd_ps(y, d, pick(kTanh.c[k], at));
  return with_sign(y, x);
}

// 1 / (1 + e^-x) as 2^n / (2^n + q), q = 2^n e^-x: neither overflows. What rounding takes from q and d is made good.
CG_INLINE __m512 sigmoid(__m512 x) {
  const auto [n, r, index] = split(_mm512_max_ps(all(-104.0f), _mm512_min_ps(all(30.0f), x)));
  const __m512 p = _mm512_fmsub_ps(_mm512_fnmadd_ps(r, all(1.0f / 6), all(0.5f)), _mm512_mul_ps(r, r), r);
  const __m512 root = pick(kInverseRoots.at, index), q = _mm512_fmadd_ps(root, p, root);
  const __m512 power = _mm512_scalef_ps(all(1.0f), n), d = _mm512_add_ps(power, q);
  const __m512 of_q = _mm512_fmsub_ps(root, p, _mm512_sub_ps(q, root));
  const __m512 of_d = _mm512_sub_ps(_mm512_min_ps(power, q), _mm512_sub_ps(d, _mm512_max_ps(power, q)));
  const __m512 y = _mm512_rcp14_ps(d); // and a step of Newton's
  const __m512 rest = _mm512_fnmadd_ps(_mm512_add_ps(of_d, of_q), y, _mm512_fnmadd_ps(d, y, all(1.0f)));
  return _mm512_scalef_ps(_mm512_fmadd_ps(rest, y, y), n);
}

CG_INLINE __m512 silu(__m512 x) { return x * sigmoid(x); }
// g times the slope of silu.
CG_INLINE __m512 siluBackward(__m512 g, __m512 x) {
  const __m512 s = sigmoid(x);
  return g * (s * (all(1.0f) + x * (all(1.0f) - s)));
}

// As vmath_special.h's.
CG_INLINE __m512 erf(__m512 x) {
  const __m512 t = _mm512_abs_ps(x), s = x * x;
  __m512 q = -1.72853470e-5f * t + 3.83197126e-4f;
  q = q * s + (-3.88396438e-3f * t + 2.42546219e-2f);
  q = q * t - 1.06777877e-1f;
  q = q * t - 6.34846687e-1f;
  q = q * t - 1.28717512e-1f;
  q = q * t - t;
  __m512 p = -5.96761703e-4f * s + 4.99119423e-3f;
  p = p * s - 2.67681349e-2f;
  p = p * s + 1.12819925e-1f;
  p = p * s - 3.76125336e-1f;
  p = p * s + 1.28379166e-1f;
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(t, all(0.927734375f), _CMP_GT_OQ), p * x + x,
                              with_sign(all(1.0f) - exp(q), x));
}
CG_INLINE __m512 gelu(__m512 x) { return 0.5f * x * (1.0f + erf(x * 0.70710678118654752440f)); }
// g times the slope of gelu.
CG_INLINE __m512 geluBackward(__m512 g, __m512 x) {
  return g * (0.5f * (1.0f + erf(x * 0.70710678118654752440f)) + x * exp(-0.5f * x * x) * 0.39894228040143267794f);
}

constexpr int64_t kAhead = 512; // elements from here to what is fetched: blocks that were dropped come back cold

// y[i] = fn(x[i]...); the last lanes are computed like all others, so that results do not depend on where a chunk ends.
template <class Fn, class... In> CG_INLINE void map(void* out, int64_t n, const Fn& fn, const In*... in) {
  auto* y = static_cast<float*>(out);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    __builtin_prefetch(y + i + kAhead, 1);
    (__builtin_prefetch(static_cast<const float*>(in) + i + kAhead), ...);
    _mm512_storeu_ps(y + i, fn(_mm512_loadu_ps(static_cast<const float*>(in) + i)...));
  }
  const auto rest = static_cast<__mmask16>((1u << (n - i)) - 1);
  if (rest == 0) return;
  _mm512_mask_storeu_ps(y + i, rest, fn(_mm512_maskz_loadu_ps(rest, static_cast<const float*>(in) + i)...));
}

} // namespace cg::cpu::CG_ISA::lanes

// Makes them the loop of a row with one input, or two.
#define CG_LANES(name)                                                                                                 \
  template <> void loop<op_##name, float>(void* out, const void* const* in, int64_t n, const double*) {                \
    lanes::map(out, n, [](__m512 x) { return lanes::name(x); }, in[0]);                                                \
  }
#define CG_LANES_2(name)                                                                                               \
  template <> void loop<op_##name, float>(void* out, const void* const* in, int64_t n, const double*) {                \
    lanes::map(out, n, [](__m512 a, __m512 b) { return lanes::name(a, b); }, in[0], in[1]);                            \
  }
#endif
