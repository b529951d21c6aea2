// cuBLAS: matrix products of the maker, where it is installed. Its default mode computes float32 in float32, not in TF32.
#include "device/cuda/blas.h"

#include <limits>

#include "device/cuda/libraries.h"
#include "device/cuda/resolve.h"

namespace cg::cuda {
namespace {

constexpr int kNone = -1;
constexpr int64_t kMost = std::numeric_limits<int32_t>::max();

// A row-major matrix as cuBLAS sees it: columns that lie `leading` apart, of the matrix itself or of its transpose.
struct Operand {
  int transposed = kPlain;
  int64_t leading = 0; // 0: it cannot be said so
  Operand(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride) {
    if ((column_stride == 1 || columns == 1) && (row_stride >= columns || rows == 1)) {
      leading = rows == 1 ? columns : row_stride;
    } else if ((row_stride == 1 || rows == 1) && (column_stride >= rows || columns == 1)) {
      transposed = kTransposed;
      leading = columns == 1 ? rows : column_stride;
    }
  }
};

} // namespace

bool Blas::open(StreamHandle* stream) {
  if (opened_) return handle_ != nullptr && (stream == stream_ || choose(stream));
  opened_ = true;
  constexpr const char* kNames[] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so"};
  const Library library = cuda::open(kNames);
  if (library.handle == nullptr || !resolve(library.handle, api_).empty()) return false;
  if (api_.Create(&handle_) != kSuccess) handle_ = nullptr;
  return handle_ != nullptr && choose(stream);
}

bool Blas::choose(StreamHandle* stream) {
  stream_ = stream;
  return api_.SetStream(handle_, stream) == kSuccess;
}

// cuBLAS keeps columns together: it computes the transpose, y' = b' a'.
int Blas::gemm(const cg_gemm& call, StreamHandle* stream) {
  const Operand a(call.m, call.k, call.a_row, call.a_column), b(call.k, call.n, call.b_row, call.b_column);
  if (a.leading == 0 || b.leading == 0 || call.k == 0) return kNone;
  for (const int64_t size : {call.m, call.n, call.k, a.leading, b.leading, call.batches})
    if (size > kMost) return kNone;
  std::lock_guard guard(lock_);
  if (!open(stream)) return kNone;

  constexpr int kTypes[] = {kReal32, kReal64, kReal16, kRealB16};
  const int type = kTypes[call.dtype], compute = type == kReal64 ? kCompute64 : kCompute32;
  const float factors32[] = {static_cast<float>(call.alpha), static_cast<float>(call.beta)};
  const double factors64[] = {call.alpha, call.beta};
  const bool wide = type == kReal64;
  const void* alpha = wide ? static_cast<const void*>(&factors64[0]) : &factors32[0];
  const void* beta = wide ? static_cast<const void*>(&factors64[1]) : &factors32[1];
  const auto narrow = [](int64_t size) { return static_cast<int>(size); };
  return api_.GemmStridedBatchedEx(handle_, b.transposed, a.transposed, narrow(call.n), narrow(call.m), narrow(call.k),
                                   alpha, call.b, type, narrow(b.leading), call.b_batch, call.a, type,
                                   narrow(a.leading), call.a_batch, beta, call.y, type, narrow(call.n), call.m * call.n,
                                   narrow(call.batches), compute, kDefaultAlgorithm);
}

} // namespace cg::cuda
