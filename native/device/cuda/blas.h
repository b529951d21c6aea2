// cuBLAS: matrix products of the maker, where it is installed.
#pragma once
#include <mutex>

#include "device/cuda/api.h"
#include "device/driver.h"

namespace cg::cuda {

class Blas {
public:
  // -1: cuBLAS is not there, or has no product for this case; else its own status, 0 for success.
  int gemm(const cg_gemm& call, StreamHandle* stream);

private:
  bool open(StreamHandle* stream);
  bool choose(StreamHandle* stream);

  std::mutex lock_; // of the handle
  BlasApi api_;
  BlasHandle* handle_ = nullptr;
  StreamHandle* stream_ = nullptr; // that its products go to
  bool opened_ = false;
};

} // namespace cg::cuda
