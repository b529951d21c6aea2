// CUDA: looks for the driver and says why the device is absent.
#pragma once
#include "device/device.h"

namespace cg::cuda {

Device device();

} // namespace cg::cuda
