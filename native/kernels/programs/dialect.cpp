// The dialects that kernel texts are written in.
#include "kernels/programs/dialect.h"

#include <cctype>

namespace cg::programs {
namespace {

constexpr const char* kOpenCl = R"(#pragma OPENCL FP_CONTRACT OFF
#ifdef cl_khr_fp64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
typedef double f64;
typedef double Wide;
#else
typedef float Wide;
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
typedef double Wide;
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

} // namespace cg::programs
