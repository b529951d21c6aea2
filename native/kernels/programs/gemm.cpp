// Matrix products: by the maker's library where the driver has one, else by tiles of ours (tiles.cpp).
#include "kernels/programs/gemm.h"

#include <atomic>

#include "kernels/programs/families.h"
#include "kernels/programs/lines.h"

namespace cg::programs {
namespace {

constexpr int kMostBatchDims = 6;
std::atomic<bool> tf32{false};
constexpr uint64_t kMostWorkspace = 32 << 20; // what NVIDIA advises for its larger cards

// The batch dims of two operands, with their strides (0 where an operand is repeated).
struct Batches {
  int64_t rank = 0;
  int64_t size[kMostBatchDims] = {}, a[kMostBatchDims] = {}, b[kMostBatchDims] = {};
};

bool product_dtype(const Context& context, DType dtype) {
  return floating_program(context, dtype) || dtype == DType::kInt32 || dtype == DType::kInt64;
}

// y = alpha a b + beta c; `c` may be missing. Strides of c in elements, 0 where it is repeated.
struct Addend {
  const void* data = nullptr;
  int64_t row = 0, column = 0;
  double beta = 0, alpha = 1;
};

// The dims of a product after those of its batches as one dim; false when the strides are not those of one.
bool one_batch(const Batches& batches, int64_t& a, int64_t& b) {
  int64_t count = 1;
  a = b = 0;
  for (int64_t d = batches.rank; d-- > 0;) {
    if (batches.size[d] == 1) continue;
    if (count == 1) {
      a = batches.a[d];
      b = batches.b[d];
    } else if (batches.a[d] != a * count || batches.b[d] != b * count) {
      return false;
    }
    count *= batches.size[d];
  }
  return true;
}

// A vector that is added to every row as it is: makers' libraries do that on the way.
bool is_bias(const Addend& c, int64_t n) {
  return c.data != nullptr && c.row == 0 && (c.column == 1 || n == 1) && c.beta == 1;
}

// The product by the maker's library; kNoKernel where there is none for it.
Status by_library(const Context& context, const cg_gemm& call) {
  cg_gemm with = call;
  with.workspace_limit = kMostWorkspace;
  const cg_driver& driver = context.driver;
  const uint64_t wanted = driver.gemm_workspace == nullptr ? 0 : driver.gemm_workspace(driver.self, &with);
  std::optional<Temporary> workspace;
  if (wanted > 0) {
    workspace.emplace(context, wanted);
    with.workspace = reinterpret_cast<uint64_t>(workspace->data());
    if (with.workspace == 0) with.workspace_limit = 0; // another algorithm
  }
  return static_cast<Status>(driver.gemm(driver.self, &with));
}

Status by_library(const Context& context, const View& a, const View& b, const View& y, const Addend& c,
                  const Batches& batches, int64_t count) {
  if (context.driver.gemm == nullptr) return Status::kNoKernel;
  cg_gemm call{};
  switch (y.dtype) {
  case DType::kFloat32: call.dtype = 0; break;
  case DType::kFloat64: call.dtype = 1; break;
  case DType::kFloat16: call.dtype = 2; break;
  case DType::kBFloat16: call.dtype = 3; break;
  default: return Status::kNoKernel;
  }
  if (!one_batch(batches, call.a_batch, call.b_batch)) return Status::kNoKernel;
  const int rank = y.rank;
  call.fast = y.dtype == DType::kFloat32 && tf32.load(std::memory_order_relaxed) ? 1 : 0;
  call.batches = count;
  call.m = y.sizes[rank - 2];
  call.n = y.sizes[rank - 1];
  call.k = a.sizes[rank - 1];
  call.a = reinterpret_cast<uint64_t>(a.data);
  call.b = reinterpret_cast<uint64_t>(b.data);
  call.y = reinterpret_cast<uint64_t>(y.data);
  call.a_row = a.strides[rank - 2];
  call.a_column = a.strides[rank - 1];
  call.b_row = b.strides[rank - 2];
  call.b_column = b.strides[rank - 1];
  call.alpha = c.alpha;
  if (y.numel == 0) return Status::kOk;
  if (is_bias(c, call.n)) {
    call.bias = reinterpret_cast<uint64_t>(c.data);
    if (const Status status = by_library(context, call); status != Status::kNoKernel)
      return status == Status::kOk ? status : fail(status);
    call.bias = 0;
  }
  call.beta = c.data != nullptr ? c.beta : 0;
  if (call.beta != 0) {
    View added = y;
    added.data = const_cast<void*>(c.data);
    for (int d = 0; d < rank - 2; ++d) added.strides[d] = 0;
    added.strides[rank - 2] = c.row;
    added.strides[rank - 1] = c.column;
    if (const Status status = context.copy(y, added); status != Status::kOk) return status;
  }
  const Status status = by_library(context, call);
  return status == Status::kOk ? status : fail(status);
}

// The elements of `view` as the matrix [rows, columns] that it is without its batch dims.
View matrix(const View& view, int64_t rows, int64_t row_stride, int64_t columns, int64_t column_stride) {
  View result;
  result.data = view.data;
  result.dtype = view.dtype;
  result.rank = 2;
  result.sizes[0] = rows;
  result.sizes[1] = columns;
  result.strides[0] = row_stride;
  result.strides[1] = column_stride;
  result.numel = rows * columns;
  return result;
}

Status product(const Context& context, const View& a, const View& b, const View& y, const Addend& c) {
  if (a.dtype != y.dtype || b.dtype != y.dtype) return Status::kNoKernel;
  const int rank = y.rank;
  const int64_t m = y.sizes[rank - 2], n = y.sizes[rank - 1], k = a.sizes[rank - 1];
  if (rank - 2 > kMostBatchDims) return Status::kNoKernel;
  Batches batches;
  int64_t count = 1;
  for (int d = 0; d < rank - 2; ++d) {
    batches.size[batches.rank] = y.sizes[d];
    batches.a[batches.rank] = a.sizes[d] == 1 ? 0 : a.strides[d];
    batches.b[batches.rank++] = b.sizes[d] == 1 ? 0 : b.strides[d];
    count *= y.sizes[d];
  }
  // One matrix b for all: the rows of all batches are those of one product.
  int64_t a_batch = 0, b_batch = 0;
  if (count > 1 && c.row == 0 && one_batch(batches, a_batch, b_batch) && b_batch == 0 &&
      a_batch == m * a.strides[rank - 2])
    return product(context, matrix(a, count * m, a.strides[rank - 2], k, a.strides[rank - 1]),
                   matrix(b, k, b.strides[rank - 2], n, b.strides[rank - 1]), matrix(y, count * m, n, n, 1), c);
  if (const Status status = by_library(context, a, b, y, c, batches, count); status != Status::kNoKernel) return status;
  if (!product_dtype(context, y.dtype)) return Status::kNoKernel;
  Launch launch;
  launch.buffer(y.data).buffer(a.data).buffer(b.data).buffer(c.data != nullptr ? c.data : y.data);
  launch.value(a.strides[rank - 2]).value(a.strides[rank - 1]).value(b.strides[rank - 2]).value(b.strides[rank - 1]);
  launch.value(c.row).value(c.column).number(c.alpha, y.dtype).number(c.beta, y.dtype).value(batches);
  const std::string walk = "i64 rest = batch, at = 0; for (i64 d = batches.rank - 1; d >= 0; --d) { at += rest % "
                           "batches.size[d] * batches.SIDE[d]; rest /= batches.size[d]; }";
  std::string to_a = walk, to_b = walk;
  to_a.replace(to_a.find("SIDE"), 4, "a");
  to_b.replace(to_b.find("SIDE"), 4, "b");
  const std::string add = c.data == nullptr ? "" : " + (beta == 0 ? (T)0 : beta * added[m * cm + n * cn])";
  const GemmText text{.parameters =
                          "BUFFER(T, y), BUFFER(T, a), BUFFER(T, b), BUFFER(T, added), i64 am, i64 ak, i64 bk, i64 bn, "
                          "i64 cm, i64 cn, T alpha, T beta, Batches batches",
                      .places = "PLACE(T, y); PLACE(T, a); PLACE(T, b); PLACE(T, added);",
                      .row = to_a + " GLOBAL T *from = a + at + m * am;",
                      .column = to_b + " GLOBAL T *from = b + at + n * bn;",
                      .a = "from[k * ak]",
                      .b = "from[k * bk]",
                      .store = "y[(batch * M + m) * N + n] = alpha * sum" + add + ";",
                      .head = "typedef struct { i64 rank; i64 size[6]; i64 a[6]; i64 b[6]; } Batches;\n"};
  return run_gemm(context, y.dtype, text, launch, count, m, n, k);
}

} // namespace

void allow_tf32(bool allowed) { tf32.store(allowed, std::memory_order_relaxed); }

Status matmul(const Context& context, const Call& call) {
  return product(context, call.in[0], call.in[1], call.out[0], {});
}

Status addmm(const Context& context, const Call& call) {
  const View &c = call.in[0], &y = call.out[0];
  if (c.dtype != y.dtype || c.rank > 2) return Status::kNoKernel;
  const int added = 2 - c.rank;
  const auto stride = [&](int d) { return d < added || (c.sizes[d - added] == 1) ? 0 : c.strides[d - added]; };
  return product(context, call.in[1], call.in[2], y,
                 {.data = c.data, .row = stride(0), .column = stride(1), .beta = call.attr[0], .alpha = call.attr[1]});
}

Status linear(const Context& context, const Call& call) {
  const View &x = call.in[0], &w = call.in[1], &y = call.out[0];
  if (x.dtype != y.dtype || w.dtype != y.dtype) return Status::kNoKernel;
  const bool biased = (call.integer(0) & 1) != 0;
  const int64_t n = w.sizes[0], k = w.sizes[1], rows = n == 0 ? 0 : y.numel / n;
  const Dense from(context, x);
  if (from.status() != Status::kOk) return from.status();
  View a = x;
  a.data = const_cast<void*>(from.data());
  Addend bias;
  if (biased) bias = {.data = call.in[2].data, .row = 0, .column = call.in[2].strides[0], .beta = 1};
  return product(context, matrix(a, rows, k, k, 1), matrix(w, k, w.strides[1], n, w.strides[0]),
                 matrix(y, rows, n, n, 1), bias);
}

Status dot(const Context& context, const Call& call) {
  const View &a = call.in[0], &b = call.in[1], &y = call.out[0];
  if (!floating_program(context, y.dtype)) return Status::kNoKernel;
  Launch launch;
  launch.buffer(y.data).buffer(a.data).buffer(b.data).value(a.numel).value(a.strides[0]).value(b.strides[0]);
  const LineText text{.parameters = "BUFFER(T, y), BUFFER(T, a), BUFFER(T, b), i64 n, i64 step_a, i64 step_b",
                      .places = "PLACE(T, y); PLACE(T, a); PLACE(T, b);",
                      .body = "  T sum = 0;\n  FOR(i, n) sum += a[i * step_a] * b[i * step_b];\n  FOLD(sum, ADD)\n"
                              "  y[0] = sum;\n"};
  return run_lines(context, y.dtype, text, launch, 1, a.numel);
}

} // namespace cg::programs
