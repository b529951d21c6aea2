// Derivatives of log Gamma beyond digamma, and other scalar functions that no loop needs fast.
#pragma once
#include "kernels/cpu/vmath_special.h"

namespace cg::cpu::CG_ISA {

namespace vmath {

// Hurwitz's zeta function, the sum over k >= 0 of (q + k)^-s, by Euler and Maclaurin's formula (Cephes).
CG_INLINE double hurwitz_zeta(double s, double q) {
  constexpr double kCoefficients[] = {12.0,
                                      -720.0,
                                      30240.0,
                                      -1209600.0,
                                      47900160.0,
                                      -1.8924375803183791606e9,
                                      7.47242496e10,
                                      -2.950130727918164224e12,
                                      1.1646782814350067249e14,
                                      -4.5979787224074726105e15,
                                      1.8152105401943546773e17,
                                      -7.1661652561756670113e18};
  constexpr double kEpsilon = 1.11022302462515654042e-16;
  if (s == 1.0) return kInf;
  if (s < 1.0) return kNan;
  if (q <= 0.0) {
    if (q == std::floor(q)) return kInf;
    if (s != std::floor(s)) return kNan;
  }
  double sum = std::pow(q, -s), a = q, b = 0.0;
  for (int i = 0; i < 9 || a <= 9.0; ++i) {
    a += 1.0;
    b = std::pow(a, -s);
    sum += b;
    if (-kEpsilon * sum < b && b < kEpsilon * sum) return sum;
  }
  const double w = a;
  sum += b * w / (s - 1.0) - 0.5 * b;
  double factor = 1.0, k = 0.0;
  for (const double coefficient : kCoefficients) {
    factor *= s + k;
    b /= w;
    const double term = factor * b / coefficient;
    sum += term;
    if (std::abs(term / sum) < kEpsilon) return sum;
    k += 1.0;
    factor *= s + k;
    b /= w;
    k += 1.0;
  }
  return sum;
}

// Reflection for x < 1/2, recurrence up to 10, then the asymptotic series.
CG_INLINE double trigamma(double x) {
  constexpr double kPi = 3.14159265358979323846;
  double sign = 1.0, result = 0.0;
  if (x < 0.5) {
    const double s = std::sin(kPi * x);
    sign = -1.0;
    result = -kPi * kPi / (s * s);
    x = 1.0 - x;
  }
  for (; x < 10.0; x += 1.0) result += 1.0 / (x * x);
  const double z = 1.0 / (x * x);
  const double series = 1.0 / 6 - z * (1.0 / 30 - z * (1.0 / 42 - z * (1.0 / 30 - z * (5.0 / 66))));
  return sign * (result + (1.0 + 0.5 / x + z * series) / x);
}

} // namespace vmath

CG_INLINE double polygamma(double x, double n) {
  if (n == 0.0) return digamma(x);
  if (n == 1.0) return vmath::trigamma(x);
  const double sign = std::fmod(n, 2.0) == 0.0 ? -1.0 : 1.0;
  return sign * std::exp(lgamma(n + 1.0)) * vmath::hurwitz_zeta(n + 1.0, x);
}
CG_INLINE float polygamma(float x, float n) {
  if (n == 1.0f && x < 0.5f) { // PyTorch reflects with the sine of a float, which decides what stands at the poles
    constexpr float kPi = 3.14159265358979323846f;
    const float s = std::sin(kPi * x);
    return kPi * kPi / (s * s) - static_cast<float>(vmath::trigamma(1.0 - static_cast<double>(x)));
  }
  return static_cast<float>(polygamma(static_cast<double>(x), static_cast<double>(n)));
}

template <class T> CG_INLINE T sinc(T x) {
  const T turned = static_cast<T>(3.14159265358979323846) * x;
  return x == 0 ? T{1} : std::sin(turned) / turned;
}

template <class T> CG_INLINE T mantissa(T x) {
  int power;
  return std::frexp(x, &power);
}
template <class T> CG_INLINE T exponent(T x) {
  int power = 0;
  std::frexp(x, &power);
  return static_cast<T>(std::abs(x) <= std::numeric_limits<T>::max() ? power : 0);
}
template <class T> CG_INLINE T nextafter(T a, T b) { return std::nextafter(a, b); }

} // namespace cg::cpu::CG_ISA
