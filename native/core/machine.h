// How much memory there is: the machine's, or what the control group of this process may use of it.
#pragma once
#include <cstdint>

namespace cg {

uint64_t total_memory();
// What can be written to before something must go: reclaimable file pages count as free. Reads files of the system: tens of microseconds.
uint64_t available_memory();

// The operating system's id of this thread, and the processor it runs on.
int current_thread();
int current_processor();

// Lets a thread run on every processor that this process may use but one; without effect where that leaves none.
void keep_off_processor(int thread, int processor);

} // namespace cg
