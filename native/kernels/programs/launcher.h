// Launches on a device that compiles texts: writes the program of a kernel, or runs the kernel on the CPU where there is none.
#pragma once
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "device/device.h"
#include "device/memory.h"
#include "device/pinned.h"
#include "device/staging.h"
#include "kernels/devices.h"
#include "kernels/programs/context.h"

namespace cg::programs {

int32_t total_fallbacks();
void allow_fallbacks(bool allowed);

class DeviceLauncher final : public Launcher {
public:
  // `host` runs what this device has no kernel for.
  DeviceLauncher(const cg_driver& driver, Streams& streams, DeviceMemory& memory, PinnedMemory& pinned, Launcher& host)
      : driver_(driver), streams_(streams), memory_(memory), pinned_(pinned), host_(host), staging_(driver, streams),
        programs_(driver), errors_(memory, staging_), context_{driver, memory, programs_, host, errors_} {}

  Status pointwise(const Pointwise& call, const View& out) override;
  Status structured(int kernel, const Call& call) override;
  Status copy(const View& dst, const View& src) override;
  Status upload(void* dst, const void* host, size_t bytes) override;
  Status download(void* host, const void* src, size_t bytes) override;
  Status synchronize(int32_t stream) override;

  // A row that is not in a table; kNoKernel where this device compiles no texts.
  Status row(const Row& row, const Pointwise& call, const View& out);

  // A text that is not in a table; the same.
  Status text(const std::string& text, std::string_view kinds, const Call& call);

  // Between pinned memory of the host and this device, in the order of the stream; the host goes on.
  Status send(void* dst, const void* host, size_t bytes);
  Status fetch(void* host, const void* src, size_t bytes);

  std::vector<Fallback> fallbacks();

private:
  bool writes_texts() const {
    return driver_.compile != nullptr && driver_.capabilities.dialect != nullptr &&
           prelude(driver_.capabilities.dialect) != nullptr;
  }
  // The current stream works on these.
  void used(const View& view) {
    if (streams_.several()) memory_.used(view.data);
  }
  Status wait();
  Status note_fallback(const std::string& kernel);
  template <class Run>
  Status on_host(const std::string& kernel, std::span<const View> in, std::span<const View> out, const Run& run);

  const cg_driver& driver_;
  Streams& streams_;
  DeviceMemory& memory_;
  PinnedMemory& pinned_;
  Launcher& host_;
  Staging staging_;
  ProgramCache programs_;
  IndexErrors errors_;
  const Context context_;
  std::mutex lock_;
  std::map<std::string, uint64_t> fallbacks_;
};

} // namespace cg::programs
