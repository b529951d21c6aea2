// The devices of this process.
#include "kernels/devices.h"

#include <vector>

#include "device/cpu/cpu.h"
#include "device/cuda/cuda.h"
#include "device/opencl/opencl.h"
#include "kernels/cpu/launcher.h"
#include "kernels/cpu/table.h"

namespace cg {

std::span<const Device> devices() {
  static const std::vector<Device> all = {cpu::device(cpu::launcher(), cpu::table().isa), opencl::device(),
                                          cuda::device()};
  return all;
}

} // namespace cg
