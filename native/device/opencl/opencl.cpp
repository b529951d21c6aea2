// OpenCL: looks for the driver and says why the device is absent.
#include "device/opencl/opencl.h"

#include "device/library.h"

namespace cg::opencl {

Device device() {
  const bool found = library_loads("libOpenCL.so.1");
  return {.name = "opencl",
          .description = "",
          .reason = found ? "libOpenCL.so.1 is installed, but this build has no OpenCL kernels"
                          : "libOpenCL.so.1 was not found"};
}

} // namespace cg::opencl
