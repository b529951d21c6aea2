// The devices of this process.
#include "kernels/devices.h"

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>

#include "core/machine.h"
#include "device/cpu/cpu.h"
#include "device/cuda/cuda.h"
#include "device/library.h"
#include "device/memory.h"
#include "device/opencl/opencl.h"
#include "device/pinned.h"
#include "kernels/cpu/launcher.h"
#include "kernels/cpu/table.h"
#include "kernels/programs/gemm.h"
#include "kernels/programs/launcher.h"
#include "kernels/programs/program_cache.h"

namespace cg {
namespace {

constexpr size_t kMost = 64;

// Grows at the end only: an index means the same device for the life of the process, and readers need no lock.
struct List {
  std::array<Device, kMost> devices;
  std::atomic<size_t> count{0};
  std::mutex lock;
  double* gauges = nullptr;

  List() { add(cpu::device(cpu::launcher(), cpu::table().isa)); }
  void add(Device device) {
    const size_t at = count.load(std::memory_order_relaxed);
    if (at == kMost) return;
    devices[at] = std::move(device);
    share(at);
    count.store(at + 1, std::memory_order_release);
  }
  void share(size_t at) {
    const Device& device = devices[at];
    if (at >= kGaugedDevices || device.memory == nullptr) return;
    const uint64_t total = device.driver != nullptr ? device.driver->capabilities.memory : total_memory();
    device.memory->share(gauges == nullptr ? nullptr : gauges + at * Gauge::kCells, total);
  }
};

// Never destroyed: worker environments may use devices while the process ends.
List& list() {
  static List* instance = std::make_unique<List>().release();
  return *instance;
}

Device device_of(const cg_driver& driver) {
  auto streams = std::make_unique<Streams>(driver);
  auto memory = std::make_unique<DeviceMemory>(driver, *streams);
  auto pinned = std::make_unique<PinnedMemory>(driver, *streams);
  auto launcher = std::make_unique<programs::DeviceLauncher>(driver, *streams, *memory, *pinned, cpu::launcher());
  const cg_capabilities& has = driver.capabilities;
  return {.name = has.name,
          .description = has.description,
          .reason = "",
          .memory = memory.get(),
          .launcher = launcher.release(),
          .driver = &driver,
          .segments = memory.release(),
          .streams = streams.release(),
          .pinned = pinned.release()};
}

// The devices of a kind, or why there is none.
template <class Found> void add_found(const char* kind, const Found& found) {
  for (const cg_driver* driver : found.drivers) list().add(device_of(*driver));
  if (found.drivers.empty()) list().add({.name = kind, .description = "", .reason = found.reason});
}

} // namespace

std::span<const Device> devices() {
  List& all = list();
  return {all.devices.data(), all.count.load(std::memory_order_acquire)};
}

void find_devices() {
  static std::once_flag once;
  std::call_once(once, [] {
    std::lock_guard guard(list().lock);
    add_found("opencl", opencl::find());
    add_found("cuda", cuda::find());
  });
}

std::string add_device(const char* path) {
  void* library = open_library(path);
  if (library == nullptr) return "it cannot be opened as a shared library";
  using Open = const cg_driver* (*)(uint32_t version);
  const auto open = reinterpret_cast<Open>(find_symbol(library, "cg_open_driver"));
  if (open == nullptr) return "it has no function cg_open_driver";
  const cg_driver* driver = open(CG_DRIVER_VERSION);
  if (driver == nullptr) return "it does not serve version " + std::to_string(CG_DRIVER_VERSION) + " of the contract";
  if (driver->version != CG_DRIVER_VERSION || driver->bytes < sizeof(cg_driver))
    return "its table is of version " + std::to_string(driver->version) + ", not " + std::to_string(CG_DRIVER_VERSION);
  std::lock_guard guard(list().lock);
  for (const Device& device : devices())
    if (device.name == driver->capabilities.name) return "there is a device " + device.name + " already";
  list().add(device_of(*driver));
  return "";
}

bool share_gauges(double* cells) {
  List& all = list();
  std::lock_guard guard(all.lock);
  if (cells != nullptr && all.gauges != nullptr) return false;
  all.gauges = cells;
  for (size_t at = 0; at < devices().size(); ++at) all.share(at);
  return true;
}

namespace {

struct OwnRow {
  std::string text;
  Row row;
};
struct OwnText { std::string text, kinds; };
std::mutex own_lock;
std::deque<OwnRow> own_rows; // their texts stay where they are
std::deque<OwnText> own_texts;

} // namespace

int add_row(std::string text, int inputs) {
  std::lock_guard guard(own_lock);
  OwnRow& own = own_rows.emplace_back(OwnRow{std::move(text), {}});
  own.row = {"custom", own.text.c_str(), inputs, false, false, "FLOATING"};
  return static_cast<int>(own_rows.size()) - 1;
}

Status launch_row(const Device& device, int row, const Pointwise& call, const View& out) {
  const Row* own = nullptr;
  {
    std::lock_guard guard(own_lock);
    if (static_cast<size_t>(row) < own_rows.size()) own = &own_rows[static_cast<size_t>(row)].row;
  }
  if (own == nullptr || static_cast<size_t>(own->inputs) != call.in.size()) return fail(Status::kInvalid);
  if (device.driver == nullptr) return fail(Status::kNoKernel);
  return static_cast<programs::DeviceLauncher*>(device.launcher)->row(*own, call, out);
}

int add_text(std::string text, std::string kinds) {
  std::lock_guard guard(own_lock);
  own_texts.push_back({std::move(text), std::move(kinds)});
  return static_cast<int>(own_texts.size()) - 1;
}

Status launch_text(const Device& device, int text, const Call& call) {
  const OwnText* own = nullptr;
  {
    std::lock_guard guard(own_lock);
    if (static_cast<size_t>(text) < own_texts.size()) own = &own_texts[static_cast<size_t>(text)];
  }
  if (own == nullptr || own->kinds.size() != call.attr.size()) return fail(Status::kInvalid);
  if (device.driver == nullptr) return fail(Status::kNoKernel);
  return static_cast<programs::DeviceLauncher*>(device.launcher)->text(own->text, own->kinds, call);
}

Status send(const Device& device, void* dst, const void* host, size_t bytes) {
  return static_cast<programs::DeviceLauncher*>(device.launcher)->send(dst, host, bytes);
}

Status fetch(const Device& device, void* host, const void* src, size_t bytes) {
  return static_cast<programs::DeviceLauncher*>(device.launcher)->fetch(host, src, bytes);
}

std::vector<Fallback> fallbacks(const Device& device) {
  if (device.driver == nullptr) return {};
  return static_cast<programs::DeviceLauncher*>(device.launcher)->fallbacks();
}

int32_t total_fallbacks() { return programs::total_fallbacks(); }
std::string compile_log() { return programs::compile_log(); }
void allow_fallbacks(bool allowed) { programs::allow_fallbacks(allowed); }
void allow_tf32(bool allowed) { programs::allow_tf32(allowed); }

} // namespace cg
