// What the expressions of the .def files mean for integers and bool, and the operations that floats and integers share.
#pragma once
#include <cmath>
#include <type_traits>

#include "kernels/cpu/isa.h"
#include "kernels/cpu/vmath.h"

namespace cg::cpu::CG_ISA {

template <class T>
concept Integer = std::is_integral_v<T> && !std::is_same_v<T, bool>;
template <class T>
concept Whole = std::is_integral_v<T>;
template <class T>
concept Real = std::is_floating_point_v<T>;

using vmath::abs;
template <Integer T> CG_INLINE T abs(T x) { return x < 0 ? -x : x; }

template <Real T> CG_INLINE T ceil(T x) { return std::ceil(x); }
template <Real T> CG_INLINE T floor(T x) { return std::floor(x); }
template <Real T> CG_INLINE T rint(T x) { return std::rint(x); }
template <Real T> CG_INLINE T trunc(T x) { return std::trunc(x); }
template <Integer T> CG_INLINE T ceil(T x) { return x; }
template <Integer T> CG_INLINE T floor(T x) { return x; }
template <Integer T> CG_INLINE T rint(T x) { return x; }
template <Integer T> CG_INLINE T trunc(T x) { return x; }

template <Real T> CG_INLINE bool is_infinite(T x) { return vmath::abs(x) == std::numeric_limits<T>::infinity(); }
template <Real T> CG_INLINE bool is_finite(T x) { return vmath::abs(x) < std::numeric_limits<T>::infinity(); }
template <Whole T> CG_INLINE bool is_infinite(T) { return false; }
template <Whole T> CG_INLINE bool is_finite(T) { return true; }

// In two steps, because g++ branches where one choice is inside the other and a is another choice.
template <class T> CG_INLINE T maximum(T a, T b) {
  const T larger = a > b ? a : b;
  return a != a ? a : larger;
}
template <class T> CG_INLINE T minimum(T a, T b) {
  const T smaller = a < b ? a : b;
  return a != a ? a : smaller;
}
template <class T> CG_INLINE T maximum_number(T a, T b) { return a != a ? b : b > a ? b : a; }
template <class T> CG_INLINE T minimum_number(T a, T b) { return a != a ? b : b < a ? b : a; }

template <Integer T> CG_INLINE T bit_not(T x) { return ~x; }
CG_INLINE bool bit_not(bool x) { return !x; }

template <Integer T> CG_INLINE T shift_left(T a, T b) {
  constexpr T kWidth = 8 * sizeof(T);
  using U = std::make_unsigned_t<T>;
  return (b < 0) | (b >= kWidth) ? T{0} : static_cast<T>(static_cast<U>(a) << (b & (kWidth - 1)));
}
template <Integer T> CG_INLINE T shift_right(T a, T b) {
  constexpr T kWidth = 8 * sizeof(T);
  return a >> ((b < 0) | (b >= kWidth) ? kWidth - 1 : b);
}
CG_INLINE bool shift_left(bool a, bool b) { return a & !b; }
CG_INLINE bool shift_right(bool a, bool b) { return a & !b; }

// Euclid; the result is not negative, save for the smallest integer.
template <Integer T> CG_INLINE T gcd(T a, T b) {
  T x = abs(a), y = abs(b);
  while (x != 0) {
    const T rest = y % x;
    y = x;
    x = rest;
  }
  return y;
}
template <Integer T> CG_INLINE T lcm(T a, T b) {
  const T divisor = gcd(a, b);
  return divisor == 0 ? T{0} : abs(static_cast<T>(a / divisor * b));
}
CG_INLINE bool gcd(bool a, bool b) { return a | b; }
CG_INLINE bool lcm(bool a, bool b) { return a & b; }

// The machine traps on x / 0 and on the smallest integer / -1.
template <Integer T> CG_INLINE T divide_trunc(T a, T b) {
  const T quotient = a / ((b == 0) | (b == -1) ? T{1} : b);
  return b == 0 ? T{0} : b == -1 ? -a : quotient;
}
template <Integer T> CG_INLINE T remainder_trunc(T a, T b) { return a % ((b == 0) | (b == -1) ? T{1} : b); }
template <Integer T> CG_INLINE T remainder_floor(T a, T b) {
  const T rest = remainder_trunc(a, b);
  return (rest != 0) & ((rest < 0) != (b < 0)) ? rest + b : rest;
}
template <Integer T> CG_INLINE T divide_floor(T a, T b) {
  const T rest = remainder_trunc(a, b);
  return divide_trunc(a, b) - ((rest != 0) & ((rest < 0) != (b < 0)) ? 1 : 0);
}

template <Real T> CG_INLINE T divide_trunc(T a, T b) { return std::trunc(a / b); }
template <Real T> CG_INLINE T remainder_trunc(T a, T b) { return std::fmod(a, b); }
template <Real T> CG_INLINE T remainder_floor(T a, T b) {
  const T rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
// Python's rule: the floor of the exact quotient, not of the rounded one.
template <Real T> CG_INLINE T divide_floor(T a, T b) {
  if (b == 0) return a / b;
  const T rest = std::fmod(a, b);
  const T quotient = (a - rest) / b - (rest != 0 && (b < 0) != (rest < 0) ? T{1} : T{0});
  if (quotient == 0) return std::copysign(T{0}, a / b);
  const T down = std::floor(quotient);
  return quotient - down > T{0.5} ? down + 1 : down;
}

// A negative power of an integer is 0, except of 1 and -1.
template <Integer T> CG_INLINE T pow(T base, T exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
  T result = 1;
  for (; exponent > 0; exponent >>= 1, base *= base)
    if (exponent & 1) result *= base;
  return result;
}

} // namespace cg::cpu::CG_ISA
