// A compiled kernel as the emulator's driver sees it.
#pragma once

namespace emulator {

struct Dim { unsigned x, y, z; };

// Set by the driver, which runs one thread of one block at a time. Every thread of a block comes here before any goes on.
struct Machine {
  Dim thread, block;
  void (*barrier)();
};

// A kernel as the driver launches it.
struct Kernel {
  unsigned count;
  const unsigned* sizes; // of its parameters, in bytes
  void (*run)(void** parameters);
  Machine* machine;
  bool barriers;
};

} // namespace emulator
