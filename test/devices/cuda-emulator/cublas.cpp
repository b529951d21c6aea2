// libcublas.so.13 of the emulator: one matrix product, element by element, after checking what cuBLAS would refuse.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "driver.h"

namespace {

constexpr int kSuccess = 0, kNotInitialized = 1, kInvalidValue = 7, kNotSupported = 15, kExecutionFailed = 13;
constexpr int kFloat = 0, kDouble = 1, kHalf = 2, kBfloat = 14, kCompute32 = 68, kCompute64 = 70;

float bits_as_float(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
uint32_t float_as_bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

size_t bytes_of(int type) { return type == kDouble ? 8 : type == kFloat ? 4 : 2; }

double load(const char* from, int64_t i, int type) {
  from += i * static_cast<int64_t>(bytes_of(type));
  if (type == kDouble) return *reinterpret_cast<const double*>(from);
  if (type == kFloat) return *reinterpret_cast<const float*>(from);
  const uint16_t half = *reinterpret_cast<const uint16_t*>(from);
  if (type == kBfloat) return bits_as_float(uint32_t{half} << 16);
  const uint32_t rest = half & 0x7fff, sign = uint32_t{half & 0x8000u} << 16;
  const float scaled = bits_as_float(rest << 13) * 0x1p112f;
  return bits_as_float(sign | (rest >= 0x7c00 ? (rest << 13) | 0x7f800000u : float_as_bits(scaled)));
}

void store(char* to, int64_t i, int type, double value) {
  to += i * static_cast<int64_t>(bytes_of(type));
  if (type == kDouble) return static_cast<void>(*reinterpret_cast<double*>(to) = value);
  const auto single = static_cast<float>(value);
  if (type == kFloat) return static_cast<void>(*reinterpret_cast<float*>(to) = single);
  const uint32_t bits = float_as_bits(single), size = bits & 0x7fffffff, sign = (bits >> 16) & 0x8000;
  uint16_t half = 0;
  if (type == kBfloat)
    half = static_cast<uint16_t>(single != single ? 0x7fc0 : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  else if (size > 0x7f800000u)
    half = static_cast<uint16_t>(sign | 0x7e00);
  else if (size >= 0x477ff000u)
    half = static_cast<uint16_t>(sign | 0x7c00);
  else if (size < 0x38800000u)
    half = static_cast<uint16_t>(sign | (float_as_bits(bits_as_float(size) + 0.5f) - 0x3f000000u));
  else
    half = static_cast<uint16_t>(sign | ((size - 0x38000000u + 0xfff + ((size >> 13) & 1)) >> 13));
  *reinterpret_cast<uint16_t*>(to) = half;
}

struct Handle { emulator::Stream* stream = nullptr; };

} // namespace

extern "C" {

// CUDA_EMULATOR_CUBLAS=0: as where the library does not start.
int cublasCreate_v2(Handle** handle) {
  const char* wanted = std::getenv("CUDA_EMULATOR_CUBLAS");
  if (wanted != nullptr && std::strcmp(wanted, "0") == 0) return kNotInitialized;
  *handle = new Handle;
  return kSuccess;
}

int cublasSetStream_v2(Handle* handle, emulator::Stream* stream) {
  handle->stream = stream;
  return kSuccess;
}

// Columns lie together: element (i, j) of a matrix is at i + j * ld. The factors are read before it returns.
int cublasGemmStridedBatchedEx(Handle* handle, int transpose_a, int transpose_b, int m, int n, int k, const void* alpha,
                               uint64_t a, int type_a, int lda, long long stride_a, uint64_t b, int type_b, int ldb,
                               long long stride_b, const void* beta, uint64_t c, int type_c, int ldc,
                               long long stride_c, int batches, int compute, int algorithm) {
  const int rows_a = transpose_a != 0 ? k : m, rows_b = transpose_b != 0 ? n : k;
  if (m < 0 || n < 0 || k < 0 || batches < 0 || lda < rows_a || ldb < rows_b || ldc < m || algorithm != -1)
    return kInvalidValue;
  if (type_a != type_b || type_a != type_c || compute != (type_c == kDouble ? kCompute64 : kCompute32))
    return kNotSupported;
  const bool wide = compute == kCompute64;
  const double by = wide ? *static_cast<const double*>(alpha) : *static_cast<const float*>(alpha);
  const double keep = wide ? *static_cast<const double*>(beta) : *static_cast<const float*>(beta);
  const bool queued = emulator::enqueue(*handle->stream, [=] {
    const auto size = static_cast<int64_t>(bytes_of(type_c));
    for (int64_t batch = 0; batch < batches; ++batch) {
      const char* in_a = reinterpret_cast<const char*>(a) + batch * stride_a * size;
      const char* in_b = reinterpret_cast<const char*>(b) + batch * stride_b * size;
      char* out = reinterpret_cast<char*>(c) + batch * stride_c * size;
      for (int64_t j = 0; j < n; ++j)
        for (int64_t i = 0; i < m; ++i) {
          double wide_sum = 0;
          float sum = 0;
          for (int64_t p = 0; p < k; ++p) {
            const double x = load(in_a, transpose_a != 0 ? p + i * lda : i + p * lda, type_a);
            const double y = load(in_b, transpose_b != 0 ? j + p * ldb : p + j * ldb, type_b);
            wide_sum += x * y;
            sum += static_cast<float>(x) * static_cast<float>(y);
          }
          // As the library says: with beta 0 the old elements are not read.
          const double old = keep == 0 ? 0 : keep * load(out, i + j * ldc, type_c);
          store(out, i + j * ldc, type_c, by * (wide ? wide_sum : double{sum}) + old);
        }
    }
  });
  return queued ? kSuccess : kExecutionFailed;
}

} // extern "C"
