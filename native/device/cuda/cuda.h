// CUDA: finds NVIDIA's cards and the compiler for them, or says why there is none.
#pragma once
#include <string>
#include <vector>

#include "device/driver.h"

namespace cg::cuda {

struct Found {
  std::vector<const cg_driver*> drivers; // for the life of the process
  std::string reason;                    // why there is none
};
Found find();

} // namespace cg::cuda
