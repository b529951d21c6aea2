// cuBLASLt: matrix products of the maker, where it is installed.
#pragma once
#include <array>
#include <map>
#include <mutex>
#include <string>

#include "device/cuda/api.h"
#include "device/driver.h"

namespace cg::cuda {

class Blas {
public:
  // Looks for the library; says which it is, or why there is none.
  std::string open();
  // -1: the library is not there, or has no product for this case; else its own status, 0 for success.
  int gemm(const cg_gemm& call, StreamHandle* stream);
  // What the product that `gemm` would choose works in.
  uint64_t workspace(const cg_gemm& call);

private:
  // What the library is told about a case, and the algorithm that it chose; kept, because choosing takes tens of microseconds.
  struct Plan {
    ProductHandle* product = nullptr;
    MatrixHandle *a = nullptr, *b = nullptr, *y = nullptr;
    BlasHeuristic chosen{};
    bool found = false;
  };
  using Key = std::array<int64_t, 18>;

  Plan& plan(const cg_gemm& call);
  bool describe(const cg_gemm& call, Plan& plan);
  void forget(Plan& plan);

  std::mutex lock_;
  BlasApi api_;
  BlasHandle* handle_ = nullptr;
  std::map<Key, Plan> plans_;
};

} // namespace cg::cuda
