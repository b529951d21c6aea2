// CUDA: looks for the driver and says why the device is absent.
#pragma once
#include <string>

namespace cg::cuda {

std::string reason();

} // namespace cg::cuda
