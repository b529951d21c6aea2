// CUDA: looks for the driver and says why the device is absent.
#include "device/cuda/cuda.h"

#include "device/library.h"

namespace cg::cuda {

Device device() {
  const bool found = library_loads("libcuda.so.1");
  return {.name = "cuda",
          .description = "",
          .reason =
              found ? "libcuda.so.1 is installed, but this build has no CUDA kernels" : "libcuda.so.1 was not found"};
}

} // namespace cg::cuda
