// How much memory there is: the machine's, or what the control group of this process may use of it.
#pragma once
#include <cstdint>

namespace cg {

uint64_t total_memory();
// What can be written to before something must go: reclaimable file pages count as free. Reads files of the system: tens of microseconds.
uint64_t available_memory();

} // namespace cg
