// What the emulator's libraries share: cuBLAS puts its work into the driver's streams.
#pragma once
#include <functional>

namespace emulator {

struct Stream;

// False after a fault, or without a context.
bool enqueue(Stream& stream, std::function<void()> work);

} // namespace emulator
