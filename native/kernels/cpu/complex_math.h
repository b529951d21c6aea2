// Arithmetic and functions of complex numbers, as PyTorch defines them: products without C99's recovery of infinities.
#pragma once
#include <cmath>
#include <complex>
#include <limits>

namespace cg::cpu::complex_math {

using std::acos;
using std::acosh;
using std::asin;
using std::asinh;
using std::atan;
using std::atanh;
using std::cos;
using std::cosh;
using std::exp;
using std::log;
using std::norm;
using std::pow;
using std::sin;
using std::sinh;
using std::sqrt;
using std::tan;
using std::tanh;

template <class T> bool is_infinite(T x) { return std::fabs(x) == std::numeric_limits<T>::infinity(); }
template <class T> bool is_finite(T x) { return std::fabs(x) < std::numeric_limits<T>::infinity(); }

template <class T> std::complex<T> mul(std::complex<T> a, std::complex<T> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

// Smith's division: no overflow of |b|^2.
template <class T> std::complex<T> div(std::complex<T> a, std::complex<T> b) {
  const T re = std::fabs(b.real()), im = std::fabs(b.imag());
  if (re == 0 && im == 0) return {a.real() / re, a.imag() / im};
  if (re >= im) {
    const T ratio = b.imag() / b.real(), scale = 1 / (b.real() + b.imag() * ratio);
    return {(a.real() + a.imag() * ratio) * scale, (a.imag() - a.real() * ratio) * scale};
  }
  const T ratio = b.real() / b.imag(), scale = 1 / (b.real() * ratio + b.imag());
  return {(a.real() * ratio + a.imag()) * scale, (a.imag() * ratio - a.real()) * scale};
}

// The number of modulus 1 in the direction of x; 0 for 0.
template <class T> std::complex<T> sgn(std::complex<T> x) {
  const T modulus = std::abs(x);
  return modulus == 0 ? std::complex<T>(0) : std::complex<T>(x.real() / modulus, x.imag() / modulus);
}

template <class T> std::complex<T> sigmoid(std::complex<T> x) {
  return div(std::complex<T>(1), std::complex<T>(1) + std::exp(-x));
}

// e^(x + iy) - 1 without cancellation near 0.
template <class T> std::complex<T> expm1(std::complex<T> z) {
  const T half = std::sin(z.imag() / 2), grown = std::expm1(z.real());
  return {grown * std::cos(z.imag()) - 2 * half * half, (grown + 1) * std::sin(z.imag())};
}

// log(1 + z): log|1 + z|^2 = log1p(x (2 + x) + y^2), exact near 0.
template <class T> std::complex<T> log1p(std::complex<T> z) {
  const T x = z.real(), y = z.imag();
  if (std::fabs(x) > T(0.5) || std::fabs(y) > T(0.5)) return std::log(std::complex<T>(1 + x, y));
  return {T(0.5) * std::log1p(x * (2 + x) + y * y), std::atan2(y, 1 + x)};
}

} // namespace cg::cpu::complex_math
