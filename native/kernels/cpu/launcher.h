// Launches kernels on the CPU.
#pragma once
#include "device/device.h"

namespace cg::cpu {

Launcher& launcher();

} // namespace cg::cpu
