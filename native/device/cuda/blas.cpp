// cuBLASLt: matrix products of the maker, where it is installed. float32 is computed in float32, unless somebody allows TF32.
#include "device/cuda/blas.h"

#include <algorithm>

#include "device/cuda/libraries.h"
#include "device/cuda/resolve.h"

namespace cg::cuda {
namespace {

constexpr int kNone = -1;
constexpr size_t kMostPlans = 4096;      // of changing shapes; then it begins anew
constexpr uint64_t kMostAlignment = 256; // what the library supposes when it is told nothing
constexpr int kTypes[] = {kReal32, kReal64, kReal16, kRealB16};

// A row-major matrix as cuBLASLt sees it: columns that lie `leading` apart, of the matrix itself or of its transpose.
struct Operand {
  int32_t transposed = kPlain;
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

// The largest power of two that divides an address; the addresses of one case differ only in what is above it.
uint32_t alignment(Address address) {
  return static_cast<uint32_t>(address == 0 ? kMostAlignment : std::min(address & (~address + 1), kMostAlignment));
}

} // namespace

std::string Blas::open() {
  constexpr const char* kNames[] = {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"};
  const std::string ours = "matrix products by kernels of cellgrad: ";
  const Library library = cuda::open(kNames);
  if (library.handle == nullptr) return ours + "cuBLASLt was not found (pip install nvidia-cublas)";
  if (const std::string missing = resolve(library.handle, api_); !missing.empty())
    return ours + library.path + " has no " + missing;
  if (const int error = api_.Create(&handle_); error != kSuccess) {
    handle_ = nullptr;
    return ours + library.path + " does not start (status " + std::to_string(error) + ")";
  }
  int major = 0, minor = 0;
  api_.GetProperty(kMajor, &major);
  api_.GetProperty(kMinor, &minor);
  return "cuBLASLt " + std::to_string(major) + "." + std::to_string(minor);
}

// cuBLASLt keeps columns together: it computes the transpose, y' = b' a'. So b is its first matrix.
bool Blas::describe(const cg_gemm& call, Plan& plan) {
  const Operand a(call.m, call.k, call.a_row, call.a_column), b(call.k, call.n, call.b_row, call.b_column);
  if (a.leading == 0 || b.leading == 0 || call.k == 0) return false;
  const int type = kTypes[call.dtype], scale = type == kReal64 ? kReal64 : kReal32;
  const int compute = type == kReal64 ? kCompute64 : type == kReal32 && call.fast != 0 ? kComputeTf32 : kCompute32;
  bool done = api_.ProductCreate(&plan.product, compute, scale) == kSuccess;
  const auto tell = [&](int attribute, const auto& value) {
    done = done && api_.ProductSet(plan.product, attribute, &value, sizeof value) == kSuccess;
  };
  tell(kTransposeA, b.transposed);
  tell(kTransposeB, a.transposed);
  if (call.bias != 0) {
    tell(kEpilogue, kEpilogueBias);
    tell(kBiasPointer, call.bias);
  }
  const auto matrix = [&](MatrixHandle*& made, int64_t rows, int64_t columns, const Operand& as, int64_t batch) {
    if (as.transposed == kTransposed) std::swap(rows, columns);
    done = done && api_.MatrixCreate(&made, type, static_cast<uint64_t>(columns), static_cast<uint64_t>(rows),
                                     as.leading) == kSuccess;
    const auto count = static_cast<int32_t>(call.batches);
    done = done && api_.MatrixSet(made, kBatchCount, &count, sizeof count) == kSuccess &&
           api_.MatrixSet(made, kBatchOffset, &batch, sizeof batch) == kSuccess;
  };
  matrix(plan.a, call.m, call.k, a, call.a_batch);
  matrix(plan.b, call.k, call.n, b, call.b_batch);
  matrix(plan.y, call.m, call.n, Operand(call.m, call.n, call.n, 1), call.m * call.n);

  PreferenceHandle* preference = nullptr;
  done = done && api_.PreferenceCreate(&preference) == kSuccess;
  const auto prefer = [&](int attribute, const auto& value) {
    done = done && api_.PreferenceSet(preference, attribute, &value, sizeof value) == kSuccess;
  };
  prefer(kMostWorkspace, call.workspace_limit);
  prefer(kAlignmentA, alignment(call.b));
  prefer(kAlignmentB, alignment(call.a));
  prefer(kAlignmentC, alignment(call.y));
  prefer(kAlignmentD, alignment(call.y));
  int found = 0;
  done = done &&
         api_.GetHeuristic(handle_, plan.product, plan.b, plan.a, plan.y, plan.y, preference, 1, &plan.chosen,
                           &found) == kSuccess &&
         found == 1 && plan.chosen.state == kSuccess;
  if (preference != nullptr) api_.PreferenceDestroy(preference);
  return done;
}

void Blas::forget(Plan& plan) {
  if (plan.product != nullptr) api_.ProductDestroy(plan.product);
  for (MatrixHandle* matrix : {plan.a, plan.b, plan.y})
    if (matrix != nullptr) api_.MatrixDestroy(matrix);
}

Blas::Plan& Blas::plan(const cg_gemm& call) {
  const Key key = {call.dtype,
                   call.fast,
                   call.batches,
                   call.m,
                   call.n,
                   call.k,
                   call.a_row,
                   call.a_column,
                   call.a_batch,
                   call.b_row,
                   call.b_column,
                   call.b_batch,
                   alignment(call.a),
                   alignment(call.b),
                   alignment(call.y),
                   call.bias != 0,
                   alignment(call.bias),
                   static_cast<int64_t>(call.workspace_limit)};
  const auto known = plans_.find(key);
  if (known != plans_.end()) return known->second;
  if (plans_.size() == kMostPlans) {
    for (auto& [_, each] : plans_) forget(each);
    plans_.clear();
  }
  Plan& plan = plans_[key];
  plan.found = describe(call, plan);
  return plan;
}

uint64_t Blas::workspace(const cg_gemm& call) {
  if (handle_ == nullptr) return 0;
  std::lock_guard guard(lock_);
  const Plan& chosen = plan(call);
  return chosen.found ? chosen.chosen.workspace : 0;
}

int Blas::gemm(const cg_gemm& call, StreamHandle* stream) {
  if (handle_ == nullptr) return kNone;
  std::lock_guard guard(lock_);
  const Plan& with = plan(call);
  if (!with.found) return kNone;
  // The plan may come from a call whose bias lay elsewhere.
  if (call.bias != 0)
    if (const int error = api_.ProductSet(with.product, kBiasPointer, &call.bias, sizeof call.bias); error != kSuccess)
      return error;
  const float factors32[] = {static_cast<float>(call.alpha), static_cast<float>(call.beta)};
  const double factors64[] = {call.alpha, call.beta};
  const bool wide = kTypes[call.dtype] == kReal64;
  const void* alpha = wide ? static_cast<const void*>(&factors64[0]) : &factors32[0];
  const void* beta = wide ? static_cast<const void*>(&factors64[1]) : &factors32[1];
  return api_.Matmul(handle_, with.product, alpha, call.b, with.b, call.a, with.a, beta, call.y, with.y, call.y, with.y,
                     &with.chosen.algorithm, call.workspace, with.chosen.workspace, stream);
}

} // namespace cg::cuda
