// The processor this program runs on.
#pragma once
#include "device/device.h"

namespace cg::cpu {

// `isa` names the instruction set that the kernels of `launcher` use.
Device device(Launcher& launcher, const std::string& isa);

} // namespace cg::cpu
