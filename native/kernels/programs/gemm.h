// One tiled matrix product; what its operands are is text: matrices with strides, or images seen as matrices.
#pragma once
#include "kernels/programs/context.h"

namespace cg::programs {

// y = A B for `batches` independent products. The texts use m, n, k, batch and their own parameters:
struct GemmText {
  std::string parameters; // start with buffers, no comma at the end
  std::string places;
  std::string row, column; // statements run once by the thread that loads row m of A, column n of B
  std::string a, b;        // expressions of A[m,k] and B[k,n]
  std::string store;       // statement that writes `sum` to y[m,n]
  std::string head = "";
  std::string term =
      ""; // statements that fill `term` for a k, once for all rows and columns: A[m,k] and B[k,n] may use it
};
Status run_gemm(const Context& context, DType dtype, const GemmText& text, Launch& launch, int64_t batches, int64_t m,
                int64_t n, int64_t k);

// Whether makers' libraries may round float32 to TF32 before they multiply.
void allow_tf32(bool allowed);

} // namespace cg::programs
