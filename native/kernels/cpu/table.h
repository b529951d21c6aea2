// The kernels of the CPU, by code, in the instruction set chosen when the library was loaded.
#pragma once
#include <array>
#include <span>

#include "core/view.h"
#include "kernels/cpu/carry.h"
#include "kernels/cpu/copy.h"
#include "kernels/cpu/pointwise.h"

namespace cg::cpu {

using ConvertRow = std::array<Convert, kDTypes>;      // by source
using ConvertTable = std::array<ConvertRow, kDTypes>; // by destination

// What is compiled once per instruction set.
struct Table {
  const char* isa;
  const ConvertTable* convert;
  const Loops* loops[kFamilies];
  const Carrying* carrying;
  std::span<const Kernel> structured; // by code
};
const Table& table();

} // namespace cg::cpu
