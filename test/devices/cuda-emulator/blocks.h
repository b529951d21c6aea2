// Runs a kernel on the processor: block after block, the threads of a block as fibers that meet at barriers.
#pragma once
#include <cstdint>

#include "kernel_type.h"

namespace emulator {

enum class Outcome { kDone, kIllegalAddress, kBarrierMissed };

// `seed` decides the order of the threads between two barriers.
Outcome run_blocks(const Kernel& kernel, void** parameters, const uint32_t grid[3], const uint32_t block[3],
                   uint64_t seed);

} // namespace emulator
