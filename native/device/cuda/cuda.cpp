// CUDA: looks for the driver and says why the device is absent.
#include "device/cuda/cuda.h"

#include "device/library.h"

namespace cg::cuda {

std::string reason() {
  return open_library("libcuda.so.1") != nullptr ? "libcuda.so.1 is installed, but this build has no CUDA driver"
                                                 : "libcuda.so.1 was not found";
}

} // namespace cg::cuda
