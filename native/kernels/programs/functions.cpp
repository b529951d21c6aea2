// The functions of the .def expressions that the dialects lack.
#include <vector>

#include "kernels/programs/dialect.h"

namespace cg::programs {
namespace {

enum Kinds : unsigned { kFloat = 1, kInteger = 2, kBool = 4 };

struct Helper {
  unsigned kinds;
  const char* name;
  const char* text;
};

// The special functions compute in Wide, with the constants of native/kernels/cpu/vmath_special.h, vmath_gamma.h and vmath_bessel.h.

// Reflection below 0, recurrence up to 10, then the asymptotic series.
constexpr const char* kDigamma = R"(FUNCTION T digamma(T from) {
  const Wide pi = (Wide)3.14159265358979323846;
  Wide x = from, result = 0;
  if (x == 0) return -copysign((T)INF, from);
  if (x < 0) {
    if (x == floor(x)) return (T)0 / (T)0;
    result = -pi / tan(pi * (x - floor(x)));
    x = 1 - x;
  }
  for (; x < 10; x += 1) result -= 1 / x;
  Wide z = 1 / (x * x);
  Wide series = z * ((Wide)1 / 12 - z * ((Wide)1 / 120 - z * ((Wide)1 / 252 - z * ((Wide)1 / 240 - z * ((Wide)1 / 132 -
                z * ((Wide)691 / 32760 - z / 12))))));
  return (T)(result + log(x) - (Wide)0.5 / x - series);
}
)";

// Of order 1 as digamma; above by Hurwitz's zeta function, the sum over k >= 0 of (q + k)^-s, after Euler and Maclaurin (Cephes).
// PyTorch reflects with the sine of a float, which decides what stands at the poles.
constexpr const char* kPolygamma = R"(FUNCTION Wide trigamma(Wide x) {
  const Wide pi = (Wide)3.14159265358979323846;
  Wide sign = 1, result = 0;
  if (x < (Wide)0.5) {
    Wide s = sin(pi * x);
    sign = -1;
    result = -pi * pi / (s * s);
    x = 1 - x;
  }
  for (; x < 10; x += 1) result += 1 / (x * x);
  Wide z = 1 / (x * x);
  Wide series = (Wide)1 / 6 - z * ((Wide)1 / 30 - z * ((Wide)1 / 42 - z * ((Wide)1 / 30 - z * ((Wide)5 / 66))));
  return sign * (result + (1 + (Wide)0.5 / x + z * series) / x);
}
FUNCTION Wide hurwitz_zeta(Wide s, Wide q) {
  const Wide coefficients[] = {(Wide)12.0, (Wide)-720.0, (Wide)30240.0, (Wide)-1209600.0, (Wide)47900160.0,
                               (Wide)-1.8924375803183791606e9, (Wide)7.47242496e10, (Wide)-2.950130727918164224e12,
                               (Wide)1.1646782814350067249e14, (Wide)-4.5979787224074726105e15,
                               (Wide)1.8152105401943546773e17, (Wide)-7.1661652561756670113e18};
  const Wide epsilon = sizeof(Wide) == 8 ? (Wide)1.11022302462515654042e-16 : (Wide)5.9604645e-8;
  if (s == 1) return INF;
  if (s < 1) return (Wide)0 / (Wide)0;
  if (q <= 0) {
    if (q == floor(q)) return INF;
    if (s != floor(s)) return (Wide)0 / (Wide)0;
  }
  Wide sum = pow(q, -s), a = q, b = 0;
  for (i32 i = 0; i < 9 || a <= 9; ++i) {
    a += 1;
    b = pow(a, -s);
    sum += b;
    if (-epsilon * sum < b && b < epsilon * sum) return sum;
  }
  Wide w = a, factor = 1, k = 0;
  sum += b * w / (s - 1) - (Wide)0.5 * b;
  for (i32 i = 0; i < 12; ++i) {
    factor *= s + k;
    b /= w;
    Wide term = factor * b / coefficients[i];
    sum += term;
    if (fabs(term / sum) < epsilon) return sum;
    k += 1;
    factor *= s + k;
    b /= w;
    k += 1;
  }
  return sum;
}
FUNCTION T polygamma(T x, T n) {
  if (n == 0) return digamma(x);
  if (n == 1) {
    if (sizeof(T) == 8 || x >= (T)0.5) return (T)trigamma(x);
    const T pi = (T)3.14159265358979323846;
    T s = sin(pi * x);
    return pi * pi / (s * s) - (T)trigamma(1 - (Wide)x);
  }
  Wide sign = fmod((Wide)n, (Wide)2) == 0 ? -1 : 1;
  return (T)(sign * exp(lgamma((Wide)n + 1)) * hurwitz_zeta((Wide)n + 1, x));
}
)";

// e^-|x| I_order(|x|) of order 0 or 1: the power series, whose terms are positive, then Hankel's asymptotic one.
constexpr const char* kScaledBessel = R"(FUNCTION Wide scaled_bessel(Wide size, i32 order) {
  if (size <= 20) {
    Wide quarter = (Wide)0.25 * size * size, term = order == 0 ? 1 : (Wide)0.5 * size, sum = term;
    for (i32 k = 1; term > (Wide)1e-17 * sum; ++k) {
      term *= quarter / (k * (k + order));
      sum += term;
    }
    return exp(-size) * sum;
  }
  Wide term = 1, sum = 1;
  for (i32 k = 1; k < 30 && fabs(term) > (Wide)1e-17 * sum; ++k) {
    Wide odd = 2 * (Wide)k - 1;
    term *= (odd * odd - 4 * order) / (8 * k * size);
    sum += term;
  }
  return sum / sqrt((Wide)6.28318530717958647692 * size);
}
)";

// gamma_density: x^a e^-x / Gamma(a); by Stirling's series where the logarithms of large numbers would cancel. Then the sum over n of
// x^n / (a + 1) ... (a + n) for the lower function, or Lentz's continued fraction for the upper one.
constexpr const char* kIncompleteGamma = R"(FUNCTION Wide gamma_density(Wide a, Wide x) {
  if (a < 20) return exp(a * log(x) - x - lgamma(a));
  Wide y = (x - a) / a, z = 1 / (a * a);
  Wide rest = ((Wide)1 / 12 - z * ((Wide)1 / 360 - z * ((Wide)1 / 1260 - z / 1680))) / a;
  Wide ratio = fabs(y) < (Wide)0.5 ? log1p(y) - y : log(x / a) - y;
  return sqrt(a / (Wide)6.28318530717958647692) * exp(a * ratio - rest);
}
FUNCTION Wide incomplete_gamma(Wide a, Wide x, i32 upper) {
  const Wide infinite = INF, none = upper ? 1 : 0, all = 1 - none;
  if (a < 0 || x < 0) return (Wide)0 / (Wide)0;
  if (a == 0) return x > 0 ? all : (Wide)0 / (Wide)0;
  if (x == 0) return none;
  if (a == infinite) return x == infinite ? (Wide)0 / (Wide)0 : none;
  if (x == infinite) return all;
  if (a != a || x != x) return (Wide)0 / (Wide)0;
  Wide density = gamma_density(a, x);
  if (x < a + 1) {
    Wide term = 1, sum = 1;
    for (Wide n = a + 1; term > (Wide)1e-17 * sum; n += 1) {
      term *= x / n;
      sum += term;
    }
    Wide lower = density * sum / a;
    return upper ? 1 - lower : lower;
  }
  const Wide epsilon = sizeof(Wide) == 8 ? (Wide)1e-16 : (Wide)1e-7;
  Wide b = x + 1 - a, c = (Wide)1e30, d = 1 / b, h = d;
  for (i32 i = 1; i < 100000; ++i) {
    Wide n = i * (a - i);
    b += 2;
    d = 1 / (n * d + b);
    c = b + n / c;
    h *= c * d;
    if (fabs(c * d - 1) < epsilon) break;
  }
  return upper ? density * h : 1 - density * h;
}
)";

// In the order of use: a helper may use those above it. T is the type of the computation. native/kernels/cpu/vmath*.h has the same names.
constexpr Helper kHelpers[] = {
    {kFloat, "abs", "#define abs(x) fabs(x)\n"},
    {kInteger, "abs", "#define abs(x) ((x) < 0 ? -(x) : (x))\n"},
    {kInteger, "ceil", "#define ceil(x) (x)\n"},
    {kInteger, "floor", "#define floor(x) (x)\n"},
    {kInteger, "rint", "#define rint(x) (x)\n"},
    {kInteger, "trunc", "#define trunc(x) (x)\n"},
    {kFloat, "is_infinite", "FUNCTION i32 is_infinite(T x) { return fabs(x) == (T)INF; }\n"},
    {kFloat, "is_finite", "FUNCTION i32 is_finite(T x) { return fabs(x) < (T)INF; }\n"},
    {kInteger | kBool, "is_infinite", "FUNCTION i32 is_infinite(T x) { return 0; }\n"},
    {kInteger | kBool, "is_finite", "FUNCTION i32 is_finite(T x) { return 1; }\n"},
    {7, "maximum", "FUNCTION T maximum(T a, T b) { return a != a ? a : a > b ? a : b; }\n"},
    {7, "minimum", "FUNCTION T minimum(T a, T b) { return a != a ? a : a < b ? a : b; }\n"},
    {7, "maximum_number", "FUNCTION T maximum_number(T a, T b) { return a != a ? b : b > a ? b : a; }\n"},
    {7, "minimum_number", "FUNCTION T minimum_number(T a, T b) { return a != a ? b : b < a ? b : a; }\n"},
    {kInteger, "bit_not", "FUNCTION T bit_not(T x) { return ~x; }\n"},
    {kBool, "bit_not", "FUNCTION T bit_not(T x) { return !x; }\n"},
    {kInteger, "shift_left",
     "FUNCTION T shift_left(T a, T b) { return b < 0 || b >= (T)(8 * sizeof(T)) ? (T)0 : (T)((u64)a << b); }\n"},
    {kInteger, "shift_right",
     "FUNCTION T shift_right(T a, T b) { return a >> (b < 0 || b >= (T)(8 * sizeof(T)) ? (T)(8 * sizeof(T) - 1) : b); "
     "}\n"},
    {kBool, "shift_left", "FUNCTION T shift_left(T a, T b) { return a & !b; }\n"},
    {kBool, "shift_right", "FUNCTION T shift_right(T a, T b) { return a & !b; }\n"},
    {kInteger, "remainder_trunc",
     "FUNCTION T remainder_trunc(T a, T b) { return a % (b == 0 || b == -1 ? (T)1 : b); }\n"},
    {kInteger, "divide_trunc", "FUNCTION T divide_trunc(T a, T b) { return b == 0 ? (T)0 : b == -1 ? -a : a / b; }\n"},
    {kInteger, "remainder_floor",
     "FUNCTION T remainder_floor(T a, T b) {\n  T rest = a % (b == 0 || b == -1 ? (T)1 : b);\n"
     "  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;\n}\n"},
    {kInteger, "divide_floor",
     "FUNCTION T divide_floor(T a, T b) {\n  T rest = a % (b == 0 || b == -1 ? (T)1 : b);\n"
     "  T quotient = b == 0 ? (T)0 : b == -1 ? -a : a / b;\n"
     "  return quotient - (rest != 0 && (rest < 0) != (b < 0) ? 1 : 0);\n}\n"},
    {kFloat, "divide_trunc", "FUNCTION T divide_trunc(T a, T b) { return trunc(a / b); }\n"},
    {kFloat, "remainder_trunc", "FUNCTION T remainder_trunc(T a, T b) { return fmod(a, b); }\n"},
    {kFloat, "remainder_floor",
     "FUNCTION T remainder_floor(T a, T b) {\n  T rest = fmod(a, b);\n"
     "  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;\n}\n"},
    {kFloat, "divide_floor",
     "FUNCTION T divide_floor(T a, T b) {\n  if (b == 0) return a / b;\n  T rest = fmod(a, b);\n"
     "  T quotient = (a - rest) / b - (rest != 0 && (b < 0) != (rest < 0) ? (T)1 : (T)0);\n"
     "  if (quotient == 0) return copysign((T)0, a / b);\n  T down = floor(quotient);\n"
     "  return quotient - down > (T)0.5 ? down + 1 : down;\n}\n"},
    {kInteger, "pow",
     "FUNCTION T integer_pow(T base, T exponent) {\n"
     "  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;\n  T result = 1;\n"
     "  for (; exponent > 0; exponent >>= 1, base *= base)\n    if (exponent & 1) result *= base;\n  return "
     "result;\n}\n"
     "#define pow(a, b) integer_pow(a, b)\n"},
    {kFloat, "sigmoid",
     "FUNCTION T sigmoid(T x) {\n  T e = exp(-fabs(x));\n  return (x >= 0 ? (T)1 : e) / (1 + e);\n}\n"},
    {kFloat, "log1p_exp", "FUNCTION T log1p_exp(T x) { return log1p(exp(-fabs(x))); }\n"},
    {kFloat, "silu_slope", "FUNCTION T silu_slope(T x, T s) { return s * (1 + x * (1 - s)); }\n"},
    {kFloat, "gelu_tanh_slope",
     "FUNCTION T gelu_tanh_slope(T x, T t) {\n"
     "  T inner = (T)0.79788456080286535588 * (1 + (T)0.134145 * x * x);\n"
     "  return (T)0.5 * (1 + t) + (T)0.5 * x * (1 - t * t) * inner;\n}\n"},
    {kFloat, "mish_slope", "FUNCTION T mish_slope(T x, T s, T t) { return t + x * (1 - t * t) * s; }\n"},
    {kFloat, "sinc",
     "FUNCTION T sinc(T x) {\n  T turned = (T)3.14159265358979323846 * x;\n"
     "  return x == 0 ? (T)1 : sin(turned) / turned;\n}\n"},
    {kFloat, "mantissa", "FUNCTION T mantissa(T x) {\n  i32 power;\n  return frexp(x, &power);\n}\n"},
    {kFloat, "exponent",
     "FUNCTION T exponent(T x) {\n  i32 power = 0;\n  frexp(x, &power);\n"
     "  return fabs(x) < (T)INF ? (T)power : (T)0;\n}\n"},
    {kInteger, "gcd",
     "FUNCTION T gcd(T a, T b) {\n  T x = a < 0 ? -a : a, y = b < 0 ? -b : b, rest;\n"
     "  while (x != 0) {\n    rest = y % x;\n    y = x;\n    x = rest;\n  }\n  return y;\n}\n"},
    {kInteger, "lcm",
     "FUNCTION T lcm(T a, T b) {\n  T x = a < 0 ? -a : a, y = b < 0 ? -b : b, rest, all;\n"
     "  while (x != 0) {\n    rest = y % x;\n    y = x;\n    x = rest;\n  }\n"
     "  all = y == 0 ? (T)0 : a / y * b;\n  return all < 0 ? -all : all;\n}\n"},
    {kBool, "gcd", "FUNCTION T gcd(T a, T b) { return a | b; }\n"},
    {kBool, "lcm", "FUNCTION T lcm(T a, T b) { return a & b; }\n"},
    // A rational start and two Newton steps, as in PyTorch.
    {kFloat, "erfinv",
     "FUNCTION T erfinv_of(T y) {\n  T a = fabs(y), x, z;\n"
     "  if (!(a < 1)) return a == 1 ? copysign((T)INF, y) : (T)0 / (T)0;\n"
     "  if (a <= (T)0.7) {\n    z = y * y;\n"
     "    x = y * ((((T)-0.140543331 * z + (T)0.914624893) * z - (T)1.645349621) * z + (T)0.886226899) /\n"
     "        (((((T)0.012229801 * z - (T)0.329097515) * z + (T)1.442710462) * z - (T)2.118377725) * z + 1);\n"
     "  } else {\n    z = sqrt(-log((1 - a) / 2));\n"
     "    x = copysign((((T)1.641345311 * z + (T)3.429567803) * z - (T)1.624906493) * z - (T)1.970840454, y) /\n"
     "        (((T)1.637067800 * z + (T)3.543889200) * z + 1);\n  }\n"
     "  for (i32 step = 0; step < 2; ++step) x -= (erf(x) - y) / ((T)1.1283791670955125739 * exp(-x * x));\n"
     "  return x;\n}\n#define erfinv(x) erfinv_of(x)\n"},
    {kFloat, "digamma", kDigamma},
    {kFloat, "polygamma", kPolygamma},
    {kFloat, "scaled_bessel", kScaledBessel},
    // As in PyTorch the exponential is one of T, which decides where the result is infinite.
    {kFloat, "i0", "FUNCTION T i0(T x) { return exp(fabs(x)) * (T)scaled_bessel(fabs(x), 0); }\n"},
    {kFloat, "i1",
     "FUNCTION T i1(T x) {\n  T size = exp(fabs(x)) * (T)scaled_bessel(fabs(x), 1);\n  return x < 0 ? -size : "
     "size;\n}\n"},
    {kFloat, "incomplete_gamma", kIncompleteGamma},
    {kFloat, "igamma", "FUNCTION T igamma(T a, T x) { return (T)incomplete_gamma(a, x, 0); }\n"},
    {kFloat, "igammac", "FUNCTION T igammac(T a, T x) { return (T)incomplete_gamma(a, x, 1); }\n"},
    // Halves as floats: by their bits, because not every device computes in them.
    {7, "half_to_float",
     "FUNCTION f32 half_to_float(u16 h) {\n  u32 sign = (u32)(h & 0x8000) << 16, rest = h & 0x7fff;\n"
     "  f32 scaled = AS_F32(rest << 13) * 5.192296858534828e33f;\n"
     "  return AS_F32(sign | (rest >= 0x7c00 ? (rest << 13) | 0x7f800000u : AS_U32(scaled)));\n}\n"},
    {7, "float_to_half",
     "FUNCTION u16 float_to_half(f32 x) {\n  u32 bits = AS_U32(x), sign = (bits >> 16) & 0x8000, size = bits & "
     "0x7fffffff;\n"
     "  if (size > 0x7f800000u) return (u16)(sign | 0x7e00);\n  if (size >= 0x477ff000u) return (u16)(sign | 0x7c00);\n"
     "  if (size < 0x38800000u) return (u16)(sign | (AS_U32(AS_F32(size) + 0.5f) - 0x3f000000u));\n"
     "  return (u16)(sign | ((size - 0x38000000u + 0xfff + ((size >> 13) & 1)) >> 13));\n}\n"},
    {7, "float_to_bfloat",
     "FUNCTION u16 float_to_bfloat(f32 x) {\n  u32 bits = AS_U32(x);\n"
     "  return x != x ? (u16)0x7fc0 : (u16)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);\n}\n"},
};

unsigned kind_of(DType type) { return type == DType::kBool ? kBool : is_floating(type) ? kFloat : kInteger; }

} // namespace

std::string helpers(std::string_view text, DType type) {
  std::vector<const Helper*> used;
  const unsigned kind = kind_of(type);
  std::string all(text);
  for (const Helper* helper = std::end(kHelpers); helper-- != std::begin(kHelpers);)
    if ((helper->kinds & kind) != 0 && has_word(all, helper->name)) {
      used.push_back(helper);
      all += helper->text;
    }
  std::string result;
  for (size_t i = used.size(); i-- > 0;) result += used[i]->text;
  return result;
}

} // namespace cg::programs
