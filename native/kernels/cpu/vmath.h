// Elementary functions for float and double, written so that the compiler vectorises loops that call them.
// Branch-free: every lane computes both sides of a choice. At most 2 ulp; right for infinities, NaN, -0 and subnormals.
// Reductions and coefficients follow Cephes (S. Moshier) and fdlibm (Sun Microsystems), both free of restrictions.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/cpu/isa.h"

namespace cg::cpu::CG_ISA {

namespace vmath {

constexpr float kInfF = std::numeric_limits<float>::infinity();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr float kNanF = std::numeric_limits<float>::quiet_NaN();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Adding the constant rounds to an integer (half to even), which is then also found in the low bits.
constexpr float kRoundF = 0x1.8p23f;
constexpr double kRound = 0x1.8p52;

CG_INLINE uint32_t bits(float x) { return std::bit_cast<uint32_t>(x); }
CG_INLINE uint64_t bits(double x) { return std::bit_cast<uint64_t>(x); }
CG_INLINE float as_float(uint32_t b) { return std::bit_cast<float>(b); }
CG_INLINE double as_double(uint64_t b) { return std::bit_cast<double>(b); }

CG_INLINE float abs(float x) { return as_float(bits(x) & 0x7fffffffu); }
CG_INLINE double abs(double x) { return as_double(bits(x) & ~(uint64_t{1} << 63)); }
CG_INLINE float with_sign(float magnitude, float sign) {
  return as_float((bits(magnitude) & 0x7fffffffu) | (bits(sign) & 0x80000000u));
}
CG_INLINE double with_sign(double magnitude, double sign) {
  constexpr uint64_t kSign = uint64_t{1} << 63;
  return as_double((bits(magnitude) & ~kSign) | (bits(sign) & kSign));
}

// x 2^n in two steps, so that results between the smallest normal and zero are rounded once.
CG_INLINE float scale(float x, int32_t n) {
  const int32_t half = n >> 1;
  return x * as_float(static_cast<uint32_t>(half + 127) << 23) * as_float(static_cast<uint32_t>(n - half + 127) << 23);
}
CG_INLINE double scale(double x, int64_t n) {
  const int64_t half = static_cast<int32_t>(n) >> 1;
  return x * as_double(static_cast<uint64_t>(half + 1023) << 52) *
         as_double(static_cast<uint64_t>(n - half + 1023) << 52);
}

// A double that holds the small integer n, without a 64-bit conversion instruction (AVX2 has none).
CG_INLINE double small_to_double(int64_t n) {
  return as_double(static_cast<uint64_t>(n + 0x4338000000000000)) - kRound;
}

// e^r for |r| <= ln 2 / 2.
CG_INLINE float exp_kernel(float r) {
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * (r * r) + r + 1.0f;
}
CG_INLINE double exp_kernel(double r) {
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  return p * (r * r) + r + 1.0;
}

} // namespace vmath

CG_INLINE float exp(float x) {
  using namespace vmath;
  x = x > 89.0f ? 89.0f : x;
  x = x < -104.0f ? -104.0f : x;
  const float shifted = x * 1.44269504088896341f + kRoundF;
  const float n = shifted - kRoundF;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  return scale(exp_kernel(r), static_cast<int32_t>(bits(shifted) - bits(kRoundF)));
}
CG_INLINE double exp(double x) {
  using namespace vmath;
  x = x > 710.0 ? 710.0 : x;
  x = x < -746.0 ? -746.0 : x;
  const double shifted = x * 1.4426950408889634074 + kRound;
  const double n = shifted - kRound;
  const double r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
  return scale(exp_kernel(r), static_cast<int64_t>(bits(shifted) - bits(kRound)));
}

CG_INLINE float log(float x) {
  using namespace vmath;
  constexpr uint32_t kSqrtHalf = 0x3f3504f3u;
  const bool tiny = x < 1.17549435e-38f;
  const uint32_t b = bits(tiny ? x * 0x1p25f : x) - kSqrtHalf;
  const float e = static_cast<float>(static_cast<int32_t>(b) >> 23) - (tiny ? 25.0f : 0.0f);
  const float f = as_float((b & 0x7fffffu) + kSqrtHalf) - 1.0f;
  float p = 7.0376836292e-2f;
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  const float z = f * f;
  const float tail = p * f * z - e * 2.12194440e-4f - 0.5f * z;
  float y = (f + tail) + e * 0.693359375f;
  y = x == kInfF ? kInfF : y;
  y = x == 0.0f ? -kInfF : y;
  return x >= 0.0f ? y : kNanF; // also for NaN
}
CG_INLINE double log(double x) {
  using namespace vmath;
  constexpr uint64_t kSqrtHalf = 0x3fe6a09e667f3bcd;
  const bool tiny = x < 2.2250738585072014e-308;
  const uint64_t b = bits(tiny ? x * 0x1p54 : x) - kSqrtHalf;
  // The exponent as a small integer: an arithmetic shift of the high word.
  const int64_t exponent = static_cast<int32_t>(static_cast<uint32_t>(b >> 32)) >> 20;
  const double e = small_to_double(exponent) - (tiny ? 54.0 : 0.0);
  const double f = as_double((b & 0xfffffffffffff) + kSqrtHalf) - 1.0;
  const double s = f / (2.0 + f);
  const double z = s * s, w = z * z;
  const double even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  const double odd =
      z * (6.666666666666735130e-01 +
           w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  const double half = 0.5 * f * f;
  double y =
      e * 6.93147180369123816490e-01 - ((half - (s * (half + (even + odd)) + e * 1.90821492927058770002e-10)) - f);
  y = x == kInf ? kInf : y;
  y = x == 0.0 ? -kInf : y;
  return x >= 0.0 ? y : kNan;
}

CG_INLINE float tanh(float x) {
  using namespace vmath;
  const float a = abs(x);
  const float z = a * a;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float near = a + a * z * p;
  const float far = 1.0f - 2.0f / (exp(2.0f * a) + 1.0f);
  return with_sign(a < 0.625f ? near : far, x);
}
CG_INLINE double tanh(double x) {
  using namespace vmath;
  const double a = abs(x);
  const double z = a * a;
  const double p = ((-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3) /
                   (((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3);
  const double near = a + a * z * p;
  const double far = 1.0 - 2.0 / (exp(2.0 * a) + 1.0);
  return with_sign(a < 0.625 ? near : far, x);
}

CG_INLINE float sigmoid(float x) {
  const float e = exp(-vmath::abs(x));
  const float d = 1.0f + e, lost = e - (d - 1.0f); // by rounding d
  const float y = (x >= 0.0f ? 1.0f : e) / d;
  return y - y * lost * (x >= 0.0f ? y : 1.0f - y); // the last factor is about 1 / d
}
CG_INLINE double sigmoid(double x) {
  const double e = exp(-vmath::abs(x));
  return (x >= 0.0 ? 1.0 : e) / (1.0 + e);
}

} // namespace cg::cpu::CG_ISA
