// The dialects that kernel texts are written in.
#include "kernels/programs/dialect.h"

#include <cctype>
#include <vector>

namespace cg::programs {
namespace {

constexpr const char* kOpenCl = R"(#pragma OPENCL FP_CONTRACT OFF
#ifdef cl_khr_fp64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
typedef double f64;
#endif
typedef char i8;
typedef uchar u8;
typedef short i16;
typedef ushort u16;
typedef int i32;
typedef uint u32;
typedef long i64;
typedef ulong u64;
typedef float f32;
#define GROUP 64
#define KERNEL __kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
#define FUNCTION
#define GLOBAL __global
#define LOCAL __local
#define BUFFER(T, x) __global T *x, ulong x##_at
#define PLACE(T, x) x = (__global T *)((__global char *)x + x##_at)
#define BARRIER barrier(CLK_LOCAL_MEM_FENCE)
#define GROUP_ID get_group_id(0)
#define THREAD_ID get_local_id(0)
#define ITEM get_global_id(0)
#define MULHI(a, b) mul_hi(a, b)
#define MAD(a, b, c) ((c) + (a) * (b))
#define AS_F32(x) as_float(x)
#define AS_U32(x) as_uint(x)
#define INF INFINITY
)";

constexpr const char* kCuda = R"(typedef signed char i8;
typedef unsigned char u8;
typedef short i16;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;
typedef float f32;
typedef double f64;
#define GROUP 64
#define KERNEL extern "C" __global__ void __launch_bounds__(GROUP)
#define FUNCTION __device__ inline
#define GLOBAL
#define LOCAL __shared__
#define BUFFER(T, x) T *x
#define PLACE(T, x)
#define BARRIER __syncthreads()
#define GROUP_ID blockIdx.x
#define THREAD_ID threadIdx.x
#define ITEM (blockIdx.x * (i64)GROUP + threadIdx.x)
#define MULHI(a, b) __umulhi(a, b)
template <class T> FUNCTION T MAD(T a, T b, T c) { return c + a * b; }
template <> FUNCTION f32 MAD(f32 a, f32 b, f32 c) { return __fmaf_rn(a, b, c); }
template <> FUNCTION f64 MAD(f64 a, f64 b, f64 c) { return __fma_rn(a, b, c); }
#define AS_F32(x) __uint_as_float(x)
#define AS_U32(x) __float_as_uint(x)
#define INF __uint_as_float(0x7f800000u)
)";

enum Kinds : unsigned { kFloat = 1, kInteger = 2, kBool = 4 };

struct Helper {
  unsigned kinds;
  const char* name;
  const char* text;
};

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
    // Reflection below 0, recurrence up to 10, then the asymptotic series.
    {kFloat, "digamma",
     "FUNCTION T digamma(T x) {\n  T result = 0, z;\n  if (x == 0) return -copysign((T)INF, x);\n"
     "  if (x < 0) {\n    if (x == floor(x)) return (T)0 / (T)0;\n"
     "    result = (T)-3.14159265358979323846 / tan((T)3.14159265358979323846 * (x - floor(x)));\n    x = 1 - x;\n  }\n"
     "  for (; x < 10; x += 1) result -= 1 / x;\n  z = 1 / (x * x);\n"
     "  return result + log(x) - (T)0.5 / x - z * ((T)(1.0f / 12) - z * ((T)(1.0f / 120) - z * (T)(1.0f / "
     "252)));\n}\n"},
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

// Functions of the expressions that no dialect has, nor we: their rows run on the CPU.
constexpr const char* kMissing[] = {"polygamma", "i0", "i1", "igamma", "igammac"};

unsigned kind_of(DType type) { return type == DType::kBool ? kBool : is_floating(type) ? kFloat : kInteger; }

} // namespace

const char* prelude(std::string_view dialect) {
  return dialect == "opencl" ? kOpenCl : dialect == "cuda" ? kCuda : nullptr;
}

const char* storage_name(DType dtype) {
  constexpr const char* kNames[kDTypes] = {"u8", "u8", "i8", "i16", "i32", "i64", "u16", "u16", "f32", "f64", "", ""};
  return kNames[static_cast<int>(dtype)];
}

std::string word(DType dtype) {
  switch (element_size(dtype)) {
  case 1: return "u8";
  case 2: return "u16";
  case 4: return "u32";
  case 8: return "u64";
  default: return "";
  }
}

std::string define(const std::string& name, const std::string& value) { return "#define " + name + " " + value + "\n"; }

const char* compute_name(DType dtype) {
  switch (dtype) {
  case DType::kBool: return "u8";
  case DType::kInt64: return "i64";
  case DType::kFloat16:
  case DType::kBFloat16:
  case DType::kFloat32: return "f32";
  case DType::kFloat64: return "f64";
  default: return "i32";
  }
}

std::string read_text(DType dtype, DType as, const std::string& value) {
  std::string plain = value;
  if (dtype == DType::kFloat16) plain = "half_to_float(" + value + ")";
  if (dtype == DType::kBFloat16) plain = "AS_F32((u32)" + value + " << 16)";
  if (as == DType::kBool && dtype != DType::kBool) return "(u8)(" + plain + " != 0)";
  // Through 64 bits, so that what does not fit wraps.
  if (is_floating(dtype) && !is_floating(as)) return std::string("(") + compute_name(as) + ")(i64)" + plain;
  return std::string("(") + compute_name(as) + ")" + plain;
}

std::string write_text(DType dtype, DType from, const std::string& value) {
  switch (dtype) {
  case DType::kBool: return "(" + value + ") != 0";
  case DType::kFloat16: return "float_to_half((f32)(" + value + "))";
  case DType::kBFloat16: return "float_to_bfloat((f32)(" + value + "))";
  default: break;
  }
  const std::string through = is_floating(from) && !is_floating(dtype) ? "(i64)" : "";
  return std::string("(") + storage_name(dtype) + ")" + through + "(" + value + ")";
}

bool has_word(std::string_view text, std::string_view word) {
  const auto part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !part(text[at - 1])) && (end == text.size() || !part(text[end]))) return true;
  }
  return false;
}

bool writable(std::string_view expression) {
  for (const char* missing : kMissing)
    if (has_word(expression, missing)) return false;
  return true;
}

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
