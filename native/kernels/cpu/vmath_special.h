// The rest of the elementary functions. Float versions that are rarely the bottleneck compute in double: one rounding at the end.
#pragma once
#include "kernels/cpu/vmath.h"

namespace cg::cpu::CG_ISA {

namespace vmath {

// Largest |x| for which sin, cos and tan of a float reduce their argument in double.
constexpr float kReducible = 0x1p20f;

struct Reduced {
  double r;         // in [-pi/4, pi/4]
  int32_t quadrant; // modulo 4 in the low bits
};
// x = quadrant pi/2 + r; the high part of pi/2 has 33 bits, so that its product with the quadrant is exact.
CG_INLINE Reduced reduce(double x) {
  const double shifted = x * 0.63661977236758134308 + kRound;
  const double n = shifted - kRound;
  const double r = (x - n * 1.57079632673412561417) - n * 6.07710050650619224932e-11;
  return {r, static_cast<int32_t>(bits(shifted))};
}
// sin r / r - 1 and cos r - 1, to 1e-11 on [-pi/4, pi/4].
CG_INLINE double sin_tail(double z) {
  return z *
         (-1.66666666666666324348e-01 +
          z * (8.33333333332248946124e-03 +
               z * (-1.98412698298579493134e-04 + z * (2.75573137070700676789e-06 + z * -2.50507602534068634195e-08))));
}
CG_INLINE double cos_tail(double z) {
  return z * (-0.5 + z * (4.16666666666666019037e-02 +
                          z * (-1.38888888888741095749e-03 +
                               z * (2.48015872894767294178e-05 + z * -2.75573143513906633035e-07))));
}

} // namespace vmath

CG_INLINE float sin(float x) {
  const auto [r, quadrant] = vmath::reduce(x);
  const double z = r * r;
  const double s = r + r * vmath::sin_tail(z), c = 1.0 + vmath::cos_tail(z);
  const auto y = static_cast<float>((quadrant & 1) != 0 ? c : s);
  const float signed_y = (quadrant & 2) != 0 ? -y : y;
  return x == 0.0f ? x : signed_y;
}
CG_INLINE float cos(float x) {
  const auto [r, quadrant] = vmath::reduce(x);
  const double z = r * r;
  const double s = r + r * vmath::sin_tail(z), c = 1.0 + vmath::cos_tail(z);
  const auto y = static_cast<float>((quadrant & 1) != 0 ? s : c);
  return ((quadrant + 1) & 2) != 0 ? -y : y;
}
CG_INLINE float tan(float x) {
  const auto [r, quadrant] = vmath::reduce(x);
  const double z = r * r;
  const double s = r + r * vmath::sin_tail(z), c = 1.0 + vmath::cos_tail(z);
  const auto y = static_cast<float>((quadrant & 1) != 0 ? -c / s : s / c);
  return x == 0.0f ? x : y;
}
CG_INLINE double sin(double x) { return std::sin(x); }
CG_INLINE double cos(double x) { return std::cos(x); }
CG_INLINE double tan(double x) { return std::tan(x); }

CG_INLINE float sqrt(float x) { return std::sqrt(x); }
CG_INLINE double sqrt(double x) { return std::sqrt(x); }

// Cephes asinf: a polynomial below 1/2, and asin x = pi/2 - 2 asin sqrt((1 - x)/2) above.
CG_INLINE float asin(float x) {
  using namespace vmath;
  const float a = abs(x);
  const bool far = a > 0.5f;
  const float z = far ? 0.5f * (1.0f - a) : a * a;
  const float root = far ? std::sqrt(z) : a;
  float p = 4.2163199048e-2f;
  p = p * z + 2.4181311049e-2f;
  p = p * z + 4.5470025998e-2f;
  p = p * z + 7.4953002686e-2f;
  p = p * z + 1.6666752422e-1f;
  const float y = root + root * z * p;
  return with_sign(far ? 1.5707963267948966f - 2.0f * y : y, x);
}
CG_INLINE float acos(float x) {
  using namespace vmath;
  const float a = abs(x);
  const float z = a > 0.5f ? 0.5f * (1.0f - a) : a * a;
  const float root = a > 0.5f ? std::sqrt(z) : a;
  float p = 4.2163199048e-2f;
  p = p * z + 2.4181311049e-2f;
  p = p * z + 4.5470025998e-2f;
  p = p * z + 7.4953002686e-2f;
  p = p * z + 1.6666752422e-1f;
  const float y = root + root * z * p; // asin of root
  const float far = x > 0.0f ? 2.0f * y : 3.1415926535897932f - 2.0f * y;
  return a > 0.5f ? far : 1.5707963267948966f - with_sign(y, x);
}
CG_INLINE float atan(float x) {
  using namespace vmath;
  const float a = abs(x);
  const bool far = a > 2.414213562373095f, middle = a > 0.4142135623730950f;
  const float t = far ? -1.0f / a : middle ? (a - 1.0f) / (a + 1.0f) : a;
  const float base = far ? 1.5707963267948966f : middle ? 0.78539816339744831f : 0.0f;
  const float z = t * t;
  float p = 8.05374449538e-2f;
  p = p * z - 1.38776856032e-1f;
  p = p * z + 1.99777106478e-1f;
  p = p * z - 3.33329491539e-1f;
  return with_sign(base + (t + t * z * p), x);
}
CG_INLINE double asin(double x) { return std::asin(x); }
CG_INLINE double acos(double x) { return std::acos(x); }
CG_INLINE double atan(double x) { return std::atan(x); }
CG_INLINE float atan2(float y, float x) { return std::atan2(y, x); }
CG_INLINE double atan2(double y, double x) { return std::atan2(y, x); }

CG_INLINE float exp2(float x) {
  using namespace vmath;
  x = x > 129.0f ? 129.0f : x;
  x = x < -151.0f ? -151.0f : x;
  const float shifted = x + kRoundF;
  const float r = (x - (shifted - kRoundF)) * 0.69314718055994531f;
  return scale(exp_kernel(r), static_cast<int32_t>(bits(shifted) - bits(kRoundF)));
}
CG_INLINE double exp2(double x) { return std::exp2(x); }

CG_INLINE float expm1(float x) {
  const double d = x;
  const double y = vmath::abs(d) < 1e-5 ? d + 0.5 * d * d : exp(d) - 1.0;
  return x == 0.0f ? x : static_cast<float>(y);
}
CG_INLINE double expm1(double x) { return std::expm1(x); }

CG_INLINE float log2(float x) { return static_cast<float>(log(static_cast<double>(x)) * 1.4426950408889634074); }
CG_INLINE float log10(float x) { return static_cast<float>(log(static_cast<double>(x)) * 0.43429448190325182765); }
// log of the rounded 1 + x, and what the rounding lost.
CG_INLINE float log1p(float x) {
  const float u = 1.0f + x;
  const float y = log(u) + (x - (u - 1.0f)) / u;
  return (x == 0.0f) | (x == vmath::kInfF) ? x : u == 0.0f ? -vmath::kInfF : y;
}
// log(1 + e^-|x|) as 2 atanh(e / (2 + e)), which vectorises where log1p of an exp does not.
CG_INLINE float log1p_exp(float x) {
  const float e = exp(-vmath::abs(x)), s = e / (2.0f + e), z = s * s;
  float p = 1.0f / 13;
  p = p * z + 1.0f / 11;
  p = p * z + 1.0f / 9;
  p = p * z + 1.0f / 7;
  p = p * z + 1.0f / 5;
  p = p * z + 1.0f / 3;
  return 2.0f * (s + s * z * p);
}
CG_INLINE double log1p_exp(double x) { return std::log1p(exp(-vmath::abs(x))); }
CG_INLINE double log2(double x) { return std::log2(x); }
CG_INLINE double log10(double x) { return std::log10(x); }
CG_INLINE double log1p(double x) { return std::log1p(x); }

CG_INLINE float sinh(float x) {
  const double d = vmath::abs(x), e = exp(d);
  return vmath::with_sign(static_cast<float>(d < 1e-4 ? d + d * d * d / 6.0 : 0.5 * (e - 1.0 / e)), x);
}
CG_INLINE float cosh(float x) {
  const double e = exp(static_cast<double>(vmath::abs(x)));
  return static_cast<float>(0.5 * (e + 1.0 / e));
}
CG_INLINE float asinh(float x) {
  const double d = vmath::abs(x);
  return vmath::with_sign(static_cast<float>(d < 1e-4 ? d - d * d * d / 6.0 : log(d + std::sqrt(d * d + 1.0))), x);
}
CG_INLINE float acosh(float x) {
  const double d = x;
  // Two roots: their product is NaN below 1, where d^2 - 1 is not.
  return static_cast<float>(log(d + std::sqrt(d - 1.0) * std::sqrt(d + 1.0)));
}
CG_INLINE float atanh(float x) {
  const double d = vmath::abs(x);
  return vmath::with_sign(static_cast<float>(d < 1e-4 ? d + d * d * d / 3.0 : 0.5 * log((1.0 + d) / (1.0 - d))), x);
}
CG_INLINE double sinh(double x) { return std::sinh(x); }
CG_INLINE double cosh(double x) { return std::cosh(x); }
CG_INLINE double asinh(double x) { return std::asinh(x); }
CG_INLINE double acosh(double x) { return std::acosh(x); }
CG_INLINE double atanh(double x) { return std::atanh(x); }

// N. Juffa's two polynomials: x + x P(x^2) near 0, 1 - exp(Q(|x|)) beyond.
CG_INLINE float erf(float x) {
  using namespace vmath;
  const float t = abs(x), s = x * x;
  float q = -1.72853470e-5f * t + 3.83197126e-4f;
  q = q * s + (-3.88396438e-3f * t + 2.42546219e-2f);
  q = q * t - 1.06777877e-1f;
  q = q * t - 6.34846687e-1f;
  q = q * t - 1.28717512e-1f;
  q = q * t - t;
  const float far = with_sign(1.0f - exp(q), x);
  float p = -5.96761703e-4f;
  p = p * s + 4.99119423e-3f;
  p = p * s - 2.67681349e-2f;
  p = p * s + 1.12819925e-1f;
  p = p * s - 3.76125336e-1f;
  p = p * s + 1.28379166e-1f;
  const float near = p * x + x;
  return t > 0.927734375f ? far : near;
}
CG_INLINE double erf(double x) { return std::erf(x); }
CG_INLINE float erfc(float x) { return std::erfc(x); }
CG_INLINE double erfc(double x) { return std::erfc(x); }

// A rational start and two Newton steps, as in PyTorch.
CG_INLINE double erfinv(double y) {
  const double a = vmath::abs(y);
  if (!(a < 1.0)) return a == 1.0 ? vmath::with_sign(vmath::kInf, y) : vmath::kNan;
  double x;
  if (a <= 0.7) {
    const double z = y * y;
    x = y * (((-0.140543331 * z + 0.914624893) * z - 1.645349621) * z + 0.886226899) /
        ((((0.012229801 * z - 0.329097515) * z + 1.442710462) * z - 2.118377725) * z + 1.0);
  } else {
    const double z = std::sqrt(-std::log((1.0 - a) / 2.0));
    x = vmath::with_sign(((1.641345311 * z + 3.429567803) * z - 1.624906493) * z - 1.970840454, y) /
        ((1.637067800 * z + 3.543889200) * z + 1.0);
  }
  constexpr double kSlope = 1.1283791670955125739; // 2 / sqrt(pi)
  for (int step = 0; step < 2; ++step) x -= (std::erf(x) - y) / (kSlope * std::exp(-x * x));
  return x;
}
CG_INLINE float erfinv(float y) { return static_cast<float>(erfinv(static_cast<double>(y))); }

CG_INLINE double lgamma(double x) {
  int sign;
  return ::lgamma_r(x, &sign); // std::lgamma writes a global
}
CG_INLINE float lgamma(float x) { return static_cast<float>(lgamma(static_cast<double>(x))); }
// For finite x >= 0, so that it vectorises. Around the zeros at 1 and 2 (x - 1) (x - 2) times a polynomial (Chebyshev, to 1e-9),
// elsewhere Stirling's series at x or, below 4, at x + 4.
CG_INLINE double lgamma_positive(double x) {
  const double t = x - 1.5;
  double r = -0.00068168155951535069;
  r = r * t + 0.0011019515187226008;
  r = r * t - 0.0010567768475059685;
  r = r * t + 0.0017505779715311823;
  r = r * t - 0.0032329965199998912;
  r = r * t + 0.0054799462863768309;
  r = r * t - 0.0094238192231651901;
  r = r * t + 0.016794212858483241;
  r = r * t - 0.031308543717483657;
  r = r * t + 0.062911491032978941;
  r = r * t - 0.14595989563266733;
  r = r * t + 0.48312895009030523;
  const bool low = x < 4.0;
  const double product = low ? x * (x + 1.0) * ((x + 2.0) * (x + 3.0)) : 1.0; // Gamma(x + 4) / Gamma(x)
  const double z = low ? x + 4.0 : x;
  const double inverse = 1.0 / z, square = inverse * inverse;
  const double series =
      inverse *
      (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260 - square * (1.0 / 1680 - square * (1.0 / 1188)))));
  const double far = (z - 0.5) * log(z) - z + 0.91893853320467274178 + series - log(product);
  const bool near = (x > 0.9) & (x < 2.1);
  return near ? (x - 1.0) * (x - 2.0) * r : far;
}
// For |x| < 2^22, by Euler's reflection: Gamma(-y) Gamma(y) = -pi / (y sin(pi y)).
CG_INLINE double lgamma_signed(double x) {
  using namespace vmath;
  const double y = abs(x), r = 3.14159265358979323846 * (y - ((y + kRound) - kRound)), z = r * r;
  double p = 1.6059043836821615e-10; // the series of sin r / r - 1, |r| <= pi / 2
  p = p * z - 2.5052108385441719e-8;
  p = p * z + 2.7557319223985891e-6;
  p = p * z - 1.9841269841269841e-4;
  p = p * z + 8.3333333333333333e-3;
  p = p * z - 1.6666666666666667e-1;
  const double sine = abs(r + r * z * p);
  const double positive = lgamma_positive(y);
  return x < 0.0 ? log(3.14159265358979323846 / (y * sine)) - positive : positive;
}

// Reflection for x < 0, recurrence up to 10, then the asymptotic series.
CG_INLINE double digamma(double x) {
  constexpr double kPi = 3.14159265358979323846;
  if (x == 0.0) return -vmath::with_sign(vmath::kInf, x);
  double result = 0.0;
  if (x < 0.0) {
    if (x == std::floor(x)) return vmath::kNan;
    result = -kPi / std::tan(kPi * (x - std::floor(x)));
    x = 1.0 - x;
  }
  for (; x < 10.0; x += 1.0) result -= 1.0 / x;
  const double z = 1.0 / (x * x);
  const double series =
      z *
      (1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * (691.0 / 32760 - z / 12))))));
  return result + std::log(x) - 0.5 / x - series;
}
CG_INLINE float digamma(float x) { return static_cast<float>(digamma(static_cast<double>(x))); }

// C's rules for signs and special values, from exp(b log |a|) in double.
CG_INLINE float pow(float a, float b) {
  using namespace vmath;
  const double size = abs(static_cast<double>(a)), y = b;
  double r = exp(y * log(size));
  r = (size == 1.0) & (b == b) ? 1.0 : r;
  const double half = 0.5 * y;
  const bool large = abs(b) >= 0x1p24f; // an even integer
  const bool whole = large | ((y + kRound) - kRound == y);
  const bool odd = whole & !large & ((half + kRound) - kRound != half);
  r = (a < 0.0f) & (size < kInf) & !whole ? kNan : r;
  r = odd ? with_sign(r, static_cast<double>(a)) : r;
  return (b == 0.0f) | (a == 1.0f) ? 1.0f : static_cast<float>(r);
}
CG_INLINE double pow(double a, double b) { return std::pow(a, b); }

CG_INLINE float hypot(float a, float b) {
  const double x = a, y = b;
  const bool infinite = (vmath::abs(a) == vmath::kInfF) | (vmath::abs(b) == vmath::kInfF);
  return infinite ? vmath::kInfF : static_cast<float>(std::sqrt(x * x + y * y));
}
CG_INLINE double hypot(double a, double b) { return std::hypot(a, b); }
CG_INLINE float copysign(float a, float b) { return vmath::with_sign(a, b); }
CG_INLINE double copysign(double a, double b) { return vmath::with_sign(a, b); }

// Slopes at x of activations, from values that the expression computes once.
template <class T> CG_INLINE T silu_slope(T x, T sigmoid) { return sigmoid * (T{1} + x * (T{1} - sigmoid)); }
template <class T> CG_INLINE T gelu_tanh_slope(T x, T tanh) {
  const T inner = T(0.79788456080286535588) * (T{1} + T(3 * 0.044715) * x * x);
  return T{0.5} * (T{1} + tanh) + T{0.5} * x * (T{1} - tanh * tanh) * inner;
}
template <class T> CG_INLINE T mish_slope(T x, T sigmoid, T tanh) { return tanh + x * (T{1} - tanh * tanh) * sigmoid; }

} // namespace cg::cpu::CG_ISA
