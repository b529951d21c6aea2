// Launches on a device that compiles texts: writes the program of a kernel, or runs the kernel on the CPU where there is none.
#pragma once
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "device/device.h"
#include "device/memory.h"
#include "kernels/devices.h"
#include "kernels/programs/context.h"

namespace cg::programs {

int32_t total_fallbacks();
void allow_fallbacks(bool allowed);

class DeviceLauncher final : public Launcher {
public:
  // `host` runs what this device has no kernel for.
  DeviceLauncher(const cg_driver& driver, DeviceMemory& memory, Launcher& host)
      : driver_(driver), memory_(memory), host_(host), programs_(driver), errors_(driver, memory),
        context_{driver, memory, programs_, host, errors_} {}

  Status pointwise(const Pointwise& call, const View& out) override;
  Status structured(int kernel, const Call& call) override;
  Status copy(const View& dst, const View& src) override;
  Status upload(void* dst, const void* host, size_t bytes) override;
  Status download(void* host, const void* src, size_t bytes) override;
  Status synchronize() override;

  // A row that is not in a table; kNoKernel where this device compiles no texts.
  Status row(const Row& row, const Pointwise& call, const View& out);

  std::vector<Fallback> fallbacks();

private:
  bool writes_texts() const {
    return driver_.compile != nullptr && driver_.capabilities.dialect != nullptr &&
           prelude(driver_.capabilities.dialect) != nullptr;
  }
  Status wait();
  Status note_fallback(const std::string& kernel);
  template <class Run>
  Status on_host(const std::string& kernel, std::span<const View> in, std::span<const View> out, const Run& run);

  const cg_driver& driver_;
  DeviceMemory& memory_;
  Launcher& host_;
  ProgramCache programs_;
  IndexErrors errors_;
  const Context context_;
  std::mutex lock_;
  std::map<std::string, uint64_t> fallbacks_;
};

} // namespace cg::programs
