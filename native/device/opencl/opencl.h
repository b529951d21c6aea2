// OpenCL: looks for the driver and says why the device is absent.
#pragma once
#include "device/device.h"

namespace cg::opencl {

Device device();

} // namespace cg::opencl
