// exp, tanh and sigmoid of contiguous floats by instructions that loops over vmath.h's functions cannot be made of:
// AVX-512 scales by powers of two at once, and a refined reciprocal takes a third of a division's time.
#pragma once
#if defined(__AVX512F__)
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

CG_INLINE __m512 tanh(__m512 x) {
  const __m512 a = _mm512_min_ps(all(10.0f), _mm512_abs_ps(x)); // tanh(10) rounds to 1
  const __m512 z = _mm512_mul_ps(a, a);
  __m512 p = all(-5.70498872745e-3f);
  for (const float c : {2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f, -3.33332819422e-1f})
    p = _mm512_fmadd_ps(p, z, all(c));
  const __m512 near = _mm512_fmadd_ps(_mm512_mul_ps(a, z), p, a);
  const __m512 far =
      _mm512_fnmadd_ps(all(2.0f), reciprocal(_mm512_add_ps(exp(_mm512_add_ps(a, a)), all(1.0f))), all(1.0f));
  const __m512 y = _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, all(0.625f), _CMP_LT_OQ), far, near);
  const __m512i sign = _mm512_and_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(INT32_MIN));
  return _mm512_castsi512_ps(_mm512_or_epi32(_mm512_castps_si512(y), sign));
}

CG_INLINE __m512 sigmoid(__m512 x) {
  const __m512 e = exp(_mm512_sub_ps(all(0.0f), _mm512_abs_ps(x)));
  const __m512 d = _mm512_add_ps(e, all(1.0f)), r = reciprocal(d);
  const __m512 n = _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, all(0.0f), _CMP_GE_OQ), e, all(1.0f));
  const __m512 q = _mm512_mul_ps(n, r);
  return _mm512_fmadd_ps(_mm512_fnmadd_ps(d, q, n), r, q);
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
