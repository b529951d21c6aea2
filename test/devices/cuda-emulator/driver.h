// What the emulator's libraries share: cuBLASLt puts its work into the driver's streams.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>

namespace emulator {

struct Stream;

// False after a fault, or without a context.
bool enqueue(Stream& stream, std::function<void()> work);
// Whether all these bytes are of one allocation.
bool holds(uint64_t address, size_t bytes);

} // namespace emulator
