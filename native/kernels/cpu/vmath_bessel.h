// Modified Bessel functions and incomplete gamma functions: scalar, in double.
#pragma once
#include "kernels/cpu/vmath_special.h"

namespace cg::cpu::CG_ISA {

namespace vmath {

// e^-|x| I_order(|x|) of order 0 or 1: the power series, whose terms are positive, then Hankel's asymptotic one.
CG_INLINE double scaled_bessel(double size, int order) {
  if (size <= 20.0) {
    const double quarter = 0.25 * size * size;
    double term = order == 0 ? 1.0 : 0.5 * size, sum = term;
    for (int k = 1; term > 1e-17 * sum; ++k) {
      term *= quarter / (k * (k + order));
      sum += term;
    }
    return std::exp(-size) * sum;
  }
  double term = 1.0, sum = 1.0;
  for (int k = 1; k < 30 && std::abs(term) > 1e-17 * sum; ++k) {
    const double odd = 2.0 * k - 1.0;
    term *= (odd * odd - 4.0 * order) / (8.0 * k * size);
    sum += term;
  }
  return sum / std::sqrt(6.28318530717958647692 * size);
}

// x^a e^-x / Gamma(a); by Stirling's series where the logarithms of large numbers would cancel.
CG_INLINE double gamma_density(double a, double x) {
  if (a < 20.0) return std::exp(a * std::log(x) - x - lgamma(a));
  const double y = (x - a) / a;
  const double z = 1.0 / (a * a);
  const double rest = (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z / 1680))) / a;
  const double log_ratio = std::abs(y) < 0.5 ? std::log1p(y) - y : std::log(x / a) - y;
  return std::sqrt(a / 6.28318530717958647692) * std::exp(a * log_ratio - rest);
}

// The lower incomplete gamma function over Gamma(a), or the upper one.
CG_INLINE double incomplete_gamma(double a, double x, bool upper) {
  const auto lower = [&](double p) { return upper ? 1.0 - p : p; };
  if (a < 0.0 || x < 0.0) return kNan;
  if (a == 0.0) return x > 0.0 ? lower(1.0) : kNan;
  if (x == 0.0) return lower(0.0);
  if (a == kInf) return x == kInf ? kNan : lower(0.0);
  if (x == kInf) return lower(1.0);
  if (a != a || x != x) return kNan;
  const double density = gamma_density(a, x);
  if (x < a + 1.0) { // the sum over n of x^n / (a + 1) ... (a + n)
    double term = 1.0, sum = 1.0;
    for (double n = a + 1.0; term > 1e-17 * sum; n += 1.0) {
      term *= x / n;
      sum += term;
    }
    return lower(density * sum / a);
  }
  // Lentz's continued fraction for the upper one
  double b = x + 1.0 - a, c = 1e300, d = 1.0 / b, h = d;
  for (int i = 1; i < 100'000; ++i) {
    const double n = i * (a - i);
    b += 2.0;
    d = 1.0 / (n * d + b);
    c = b + n / c;
    h *= c * d;
    if (std::abs(c * d - 1.0) < 1e-16) break;
  }
  return upper ? density * h : 1.0 - density * h;
}

} // namespace vmath

// As in PyTorch the exponential is one of T, which decides where the result is infinite.
template <class T> CG_INLINE T i0(T x) {
  return std::exp(std::abs(x)) * static_cast<T>(vmath::scaled_bessel(std::abs(static_cast<double>(x)), 0));
}
template <class T> CG_INLINE T i1(T x) {
  const T size = std::exp(std::abs(x)) * static_cast<T>(vmath::scaled_bessel(std::abs(static_cast<double>(x)), 1));
  return x < 0 ? -size : size;
}
template <class T> CG_INLINE T igamma(T a, T x) { return static_cast<T>(vmath::incomplete_gamma(a, x, false)); }
template <class T> CG_INLINE T igammac(T a, T x) { return static_cast<T>(vmath::incomplete_gamma(a, x, true)); }

} // namespace cg::cpu::CG_ISA
