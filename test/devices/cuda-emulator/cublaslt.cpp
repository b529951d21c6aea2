// libcublasLt.so.13 of the emulator: a matrix product, element by element, after checking what cuBLASLt would refuse.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "driver.h"

namespace {

constexpr int kSuccess = 0, kNotInitialized = 1, kInvalidValue = 7, kNotSupported = 15, kExecutionFailed = 13;
constexpr int kFloat = 0, kDouble = 1, kHalf = 2, kBfloat = 14, kCompute32 = 68, kCompute64 = 70, kComputeTf32 = 77;
constexpr uint32_t kBias = 4, kAlignmentOfAlgorithms = 16, kAlignmentOfWorkspace = 256;
constexpr uint64_t kDeepProduct = 256, kWorkspace = 1 << 16; // products of so long sums want so much

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

// To the 10 bits of TF32, halves away from zero.
double to_tf32(double value) {
  return bits_as_float((float_as_bits(static_cast<float>(value)) + 0x1000) & 0xffffe000u);
}

// What was told about a product or a preference, by the number of the attribute.
struct Attributes {
  std::map<int, uint64_t> values;
  uint64_t at(int attribute, uint64_t otherwise) const {
    const auto found = values.find(attribute);
    return found == values.end() ? otherwise : found->second;
  }
  int set(const std::map<int, size_t>& sizes, int attribute, const void* value, size_t bytes) {
    const auto known = sizes.find(attribute);
    if (known == sizes.end() || known->second != bytes) return kInvalidValue;
    uint64_t& kept = values[attribute] = 0;
    std::memcpy(&kept, value, bytes);
    return kSuccess;
  }
};

struct Product : Attributes {
  int compute, scale;
  bool transposed_a() const { return at(3, 0) != 0; }
  bool transposed_b() const { return at(4, 0) != 0; }
  bool biased() const { return at(7, 1) == kBias; }
  uint64_t bias() const { return at(8, 0); }
};

struct Matrix : Attributes {
  int type;
  uint64_t rows, columns;
  int64_t leading;
  int64_t batches() const { return static_cast<int64_t>(at(5, 1)); }
  int64_t offset() const { return static_cast<int64_t>(at(6, 0)); }
  bool right() const { return rows > 0 && columns > 0 && leading >= static_cast<int64_t>(rows) && batches() > 0; }
  // From its first element to behind its last.
  size_t bytes() const {
    const int64_t last = (batches() - 1) * offset() + (static_cast<int64_t>(columns) - 1) * leading;
    return static_cast<size_t>(last + static_cast<int64_t>(rows)) * bytes_of(type);
  }
};

struct Algorithm { uint64_t problem, alignments[3], workspace, rest[3]; };
struct Heuristic {
  Algorithm algorithm;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};

// An algorithm serves the problem that it was chosen for, no other.
uint64_t problem_of(const Product& product, const Matrix& a, const Matrix& b, const Matrix& d) {
  uint64_t hash = 14695981039346656037u;
  const auto add = [&](uint64_t value) { hash = (hash ^ value) * 1099511628211u; };
  for (const int value : {product.compute, product.scale, a.type, b.type, d.type}) add(static_cast<uint64_t>(value));
  for (const bool value : {product.transposed_a(), product.transposed_b(), product.biased()}) add(value ? 1 : 2);
  for (const Matrix* matrix : {&a, &b, &d}) {
    for (const uint64_t value : {matrix->rows, matrix->columns}) add(value);
    for (const int64_t value : {matrix->leading, matrix->batches(), matrix->offset()}) add(static_cast<uint64_t>(value));
  }
  return hash;
}

// What the library would say about a product before it looks for an algorithm.
int check(const Product& product, const Matrix& a, const Matrix& b, const Matrix& c, const Matrix& d) {
  const uint64_t m = product.transposed_a() ? a.columns : a.rows, n = product.transposed_b() ? b.rows : b.columns;
  const uint64_t k = product.transposed_a() ? a.rows : a.columns;
  if (!a.right() || !b.right() || !c.right() || !d.right()) return kInvalidValue;
  if (k != (product.transposed_b() ? b.columns : b.rows) || d.rows != m || d.columns != n) return kInvalidValue;
  if (a.batches() != b.batches() || a.batches() != d.batches()) return kInvalidValue;
  if (&c != &d) return kNotSupported; // as cellgrad never asks
  if (a.type != b.type || a.type != d.type) return kNotSupported;
  const bool wide = d.type == kDouble, single = d.type == kFloat;
  if (product.scale != (wide ? kDouble : kFloat)) return kNotSupported;
  const bool computes = wide ? product.compute == kCompute64
                             : product.compute == kCompute32 || (single && product.compute == kComputeTf32);
  if (!computes || (product.biased() && (wide || product.bias() == 0))) return kNotSupported;
  return kSuccess;
}

// What cellgrad may never say: its own kernels would take the product's place and hide it.
int refuse(const char* what) {
  std::fprintf(stderr, "emulated cuBLASLt: %s\n", what);
  std::abort();
}

struct Handle { bool started = true; };

} // namespace

extern "C" {

// CUDA_EMULATOR_CUBLAS=0: as where the library does not start.
int cublasLtCreate(Handle** handle) {
  const char* wanted = std::getenv("CUDA_EMULATOR_CUBLAS");
  if (wanted != nullptr && std::strcmp(wanted, "0") == 0) return kNotInitialized;
  *handle = new Handle;
  return kSuccess;
}
int cublasLtGetProperty(int property, int* value) {
  *value = property == 0 ? 13 : 0;
  return kSuccess;
}

int cublasLtMatmulDescCreate(Product** product, int compute, int scale) {
  *product = new Product{{}, compute, scale};
  return kSuccess;
}
int cublasLtMatmulDescSetAttribute(Product* product, int attribute, const void* value, size_t bytes) {
  return product->set({{3, 4}, {4, 4}, {7, 4}, {8, 8}}, attribute, value, bytes);
}
int cublasLtMatmulDescDestroy(Product* product) {
  delete product;
  return kSuccess;
}

int cublasLtMatrixLayoutCreate(Matrix** matrix, int type, uint64_t rows, uint64_t columns, int64_t leading) {
  *matrix = new Matrix{{}, type, rows, columns, leading};
  return kSuccess;
}
int cublasLtMatrixLayoutSetAttribute(Matrix* matrix, int attribute, const void* value, size_t bytes) {
  return matrix->set({{5, 4}, {6, 8}}, attribute, value, bytes);
}
int cublasLtMatrixLayoutDestroy(Matrix* matrix) {
  delete matrix;
  return kSuccess;
}

int cublasLtMatmulPreferenceCreate(Attributes** preference) {
  *preference = new Attributes;
  return kSuccess;
}
int cublasLtMatmulPreferenceSetAttribute(Attributes* preference, int attribute, const void* value, size_t bytes) {
  return preference->set({{1, 8}, {5, 4}, {6, 4}, {7, 4}, {8, 4}}, attribute, value, bytes);
}
int cublasLtMatmulPreferenceDestroy(Attributes* preference) {
  delete preference;
  return kSuccess;
}

// The algorithm counts on the alignments that it was told, and on those that the library supposes where it was told none.
int cublasLtMatmulAlgoGetHeuristic(Handle*, Product* product, Matrix* a, Matrix* b, Matrix* c, Matrix* d,
                                   Attributes* preference, int wanted, Heuristic* results, int* found) {
  *found = 0;
  if (wanted < 1) return refuse("no algorithm is wanted");
  if (const int error = check(*product, *a, *b, *c, *d); error != kSuccess)
    return error == kInvalidValue ? refuse("matrices that do not fit") : error;
  const uint64_t depth = product->transposed_a() ? a->rows : a->columns;
  const uint64_t workspace = depth >= kDeepProduct && preference->at(1, 0) >= kWorkspace ? kWorkspace : 0;
  const auto alignment = [&](int attribute) {
    return std::min<uint64_t>(preference->at(attribute, 256), kAlignmentOfAlgorithms);
  };
  results[0] = {};
  results[0].algorithm = {problem_of(*product, *a, *b, *d), {alignment(5), alignment(6), alignment(8)}, workspace, {}};
  results[0].workspace = workspace;
  *found = 1;
  return kSuccess;
}

// Columns lie together: element (i, j) of a matrix is at i + j * ld. The factors are read before it returns.
int cublasLtMatmul(Handle*, Product* product, const void* alpha, uint64_t a, Matrix* as_a, uint64_t b, Matrix* as_b,
                   const void* beta, uint64_t c, Matrix* as_c, uint64_t d, Matrix* as_d, const Algorithm* algorithm,
                   uint64_t workspace, size_t workspace_bytes, emulator::Stream* stream) {
  if (check(*product, *as_a, *as_b, *as_c, *as_d) != kSuccess) return refuse("a product without an algorithm");
  if (c != d || algorithm->problem != problem_of(*product, *as_a, *as_b, *as_d))
    return refuse("the algorithm of another product");
  if (workspace_bytes < algorithm->workspace || workspace % kAlignmentOfWorkspace != 0)
    return refuse("too little workspace, or at an odd address");
  const auto [need_a, need_b, need_d] = algorithm->alignments;
  if (a % need_a != 0 || b % need_b != 0 || d % need_d != 0) return refuse("a matrix at an odd address");
  const uint64_t bias = product->biased() ? product->bias() : 0;
  if (!emulator::holds(a, as_a->bytes()) || !emulator::holds(b, as_b->bytes()) || !emulator::holds(d, as_d->bytes()) ||
      (bias != 0 && !emulator::holds(bias, as_d->rows * bytes_of(as_d->type))) ||
      (algorithm->workspace != 0 && !emulator::holds(workspace, algorithm->workspace)))
    return refuse("memory that nobody allocated");

  const int type = as_d->type;
  const bool wide = type == kDouble, rounded = product->compute == kComputeTf32;
  const double by = wide ? *static_cast<const double*>(alpha) : *static_cast<const float*>(alpha);
  const double keep = wide ? *static_cast<const double*>(beta) : *static_cast<const float*>(beta);
  const bool transposed_a = product->transposed_a(), transposed_b = product->transposed_b();
  const auto m = static_cast<int64_t>(as_d->rows), n = static_cast<int64_t>(as_d->columns);
  const auto k = static_cast<int64_t>(transposed_a ? as_a->rows : as_a->columns);
  const int64_t lda = as_a->leading, ldb = as_b->leading, ldd = as_d->leading, batches = as_d->batches();
  const int64_t next_a = as_a->offset(), next_b = as_b->offset(), next_d = as_d->offset();
  const uint64_t scratch = algorithm->workspace;
  const bool queued = emulator::enqueue(*stream, [=] {
    // Whoever else counts on the workspace finds NaN.
    if (scratch != 0) std::memset(reinterpret_cast<void*>(workspace), 0xFF, scratch);
    const auto size = static_cast<int64_t>(bytes_of(type));
    for (int64_t batch = 0; batch < batches; ++batch) {
      const char* in_a = reinterpret_cast<const char*>(a) + batch * next_a * size;
      const char* in_b = reinterpret_cast<const char*>(b) + batch * next_b * size;
      char* out = reinterpret_cast<char*>(d) + batch * next_d * size;
      for (int64_t j = 0; j < n; ++j)
        for (int64_t i = 0; i < m; ++i) {
          double wide_sum = 0;
          float sum = 0;
          for (int64_t p = 0; p < k; ++p) {
            double x = load(in_a, transposed_a ? p + i * lda : i + p * lda, type);
            double y = load(in_b, transposed_b ? j + p * ldb : p + j * ldb, type);
            if (rounded) x = to_tf32(x), y = to_tf32(y);
            wide_sum += x * y;
            sum += static_cast<float>(x) * static_cast<float>(y);
          }
          // As the library says: with beta 0 the old elements are not read.
          const double old = keep == 0 ? 0 : keep * load(out, i + j * ldd, type);
          const double added = bias == 0 ? 0 : load(reinterpret_cast<const char*>(bias), i, type);
          store(out, i + j * ldd, type, by * (wide ? wide_sum : double{sum}) + old + added);
        }
    }
  });
  return queued ? kSuccess : kExecutionFailed;
}

} // extern "C"
