// Where kernels of a device say that an index was out of range: read when somebody waits for the device.
#pragma once
#include <mutex>

#include "core/status.h"
#include "device/memory.h"
#include "device/staging.h"

namespace cg::programs {

class IndexErrors {
public:
  IndexErrors(DeviceMemory& memory, Staging& staging) : memory_(memory), staging_(staging) {}

  // Three 64-bit words on the device: 1 when an index was wrong, the index, the size. nullptr when memory ran out.
  void* open();
  // kIndexOutOfRange once when a kernel since the last check met a wrong index.
  Status check();

private:
  Status clear();

  DeviceMemory& memory_;
  Staging& staging_;
  std::mutex lock_;
  Block words_;
  bool pending_ = false;
};

} // namespace cg::programs
