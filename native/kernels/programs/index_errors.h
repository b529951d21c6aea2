// Where kernels of a device say that an index was out of range: read when somebody waits for the device.
#pragma once
#include <mutex>

#include "core/status.h"
#include "device/memory.h"

namespace cg::programs {

class IndexErrors {
public:
  IndexErrors(const cg_driver& driver, DeviceMemory& memory) : driver_(driver), memory_(memory) {}

  // Three 64-bit words on the device: 1 when an index was wrong, the index, the size. nullptr when memory ran out.
  void* open();
  // kIndexOutOfRange once when a kernel since the last check met a wrong index.
  Status check();

private:
  const cg_driver& driver_;
  DeviceMemory& memory_;
  std::mutex lock_;
  Block words_;
  bool pending_ = false;
};

} // namespace cg::programs
