// OpenCL as a driver: buffers get addresses of our own, so that offsets can be added to them.
#include "device/opencl/opencl.h"

#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>

#include "core/status.h"
#include "device/library.h"
#include "device/opencl/api.h"

namespace cg::opencl {
namespace {

constexpr int32_t kOk = 0, kOutOfMemory = static_cast<int32_t>(Status::kOutOfMemory),
                  kInvalid = static_cast<int32_t>(Status::kInvalid), kLost = static_cast<int32_t>(Status::kDeviceLost);
constexpr uint64_t kFirstAddress = uint64_t{1} << 56; // no host pointer looks like this
constexpr uint64_t kBetweenDevices = uint64_t{1} << 48;

int32_t status_of(int32_t code) {
  switch (code) {
  case kSuccess: return kOk;
  case kMemAllocationFailure:
  case kOutOfResources:
  case kOutOfHostMemory:
  case kInvalidBufferSize: return kOutOfMemory;
  case kDeviceNotAvailable: return kLost;
  default: return code <= -9000 ? kLost : kInvalid; // NVIDIA's driver reports a fault in a kernel below -9000
  }
}

struct Place {
  Memory* memory;
  uint64_t offset;
};

constexpr size_t kMostDevices = 64;
thread_local std::array<Queue*, kMostDevices> chosen{}; // of each device; nullptr: its first queue

class OpenClDevice {
public:
  OpenClDevice(const Api& api, DeviceId* id, int index)
      : api_(api), id_(id), index_(static_cast<size_t>(index) % kMostDevices),
        next_(kFirstAddress + kBetweenDevices * static_cast<uint64_t>(index)) {
    name_ = "opencl:" + std::to_string(index);
    description_ = text(kDeviceName) + ", " + text(kDeviceVersion) + ", driver " + text(kDriverVersion);
  }

  bool open() {
    int32_t error = kSuccess;
    context_ = api_.CreateContext(nullptr, 1, &id_, nullptr, nullptr, &error);
    if (error != kSuccess) return false;
    queue_ = api_.CreateCommandQueue(context_, id_, kQueueProfiling, &error);
    return error == kSuccess;
  }

  const cg_driver* driver();

  int32_t allocate(uint64_t bytes, cg_address* address) {
    int32_t error = kSuccess;
    if (lost_) return kLost;
    Memory* memory = api_.CreateBuffer(context_, kMemReadWrite, bytes, nullptr, &error);
    if (error != kSuccess) return checked(error);
    std::lock_guard guard(lock_);
    *address = next_;
    next_ += (bytes + 4095) / 4096 * 4096 + 4096; // a gap, so that no address belongs to two buffers
    buffers_[*address] = memory;
    return kOk;
  }

  int32_t release(cg_address address) {
    std::lock_guard guard(lock_);
    const auto found = buffers_.find(address);
    if (found == buffers_.end()) return kInvalid;
    api_.ReleaseMemObject(found->second); // the driver waits for the work that uses it
    buffers_.erase(found);
    return kOk;
  }

  int32_t open_stream(cg_stream** stream) {
    int32_t error = kSuccess;
    *stream = reinterpret_cast<cg_stream*>(api_.CreateCommandQueue(context_, id_, kQueueProfiling, &error));
    return checked(error);
  }
  void use_stream(cg_stream* stream) { chosen[index_] = reinterpret_cast<Queue*>(stream); }
  int32_t await_event(cg_event* event) {
    auto* const wanted = reinterpret_cast<Event*>(event);
    return checked(api_.EnqueueBarrierWithWaitList(queue(), 1, &wanted, nullptr));
  }

  // Memory that the driver can copy from on its own is a buffer that the host sees.
  int32_t allocate_host(uint64_t bytes, void** host) {
    int32_t error = kSuccess;
    Memory* memory = api_.CreateBuffer(context_, kMemReadWrite | kMemHostPinned, bytes, nullptr, &error);
    if (error != kSuccess) return checked(error);
    *host = api_.EnqueueMapBuffer(queue_, memory, 1, kMapReadWrite, 0, bytes, 0, nullptr, nullptr, &error);
    if (error != kSuccess) {
      api_.ReleaseMemObject(memory);
      return checked(error);
    }
    std::lock_guard guard(lock_);
    pinned_[*host] = memory;
    return kOk;
  }
  int32_t release_host(void* host) {
    std::lock_guard guard(lock_);
    const auto found = pinned_.find(host);
    if (found == pinned_.end()) return kInvalid;
    const int32_t error = api_.EnqueueUnmapMemObject(queue_, found->second, host, 0, nullptr, nullptr);
    api_.ReleaseMemObject(found->second);
    pinned_.erase(found);
    return checked(error);
  }
  int32_t send(cg_address to, const void* host, uint64_t bytes) {
    const Place at = place(to);
    return checked(api_.EnqueueWriteBuffer(queue(), at.memory, 0, at.offset, bytes, host, 0, nullptr, nullptr));
  }
  int32_t fetch(void* host, cg_address from, uint64_t bytes) {
    const Place at = place(from);
    return checked(api_.EnqueueReadBuffer(queue(), at.memory, 0, at.offset, bytes, host, 0, nullptr, nullptr));
  }
  int32_t copy(cg_address to, cg_address from, uint64_t bytes) {
    const Place dst = place(to), src = place(from);
    return checked(
        api_.EnqueueCopyBuffer(queue(), src.memory, dst.memory, src.offset, dst.offset, bytes, 0, nullptr, nullptr));
  }

  int32_t compile(const char* source, const char* entry, cg_program** program, char* log, uint64_t log_bytes) {
    int32_t error = kSuccess;
    Program* built = api_.CreateProgramWithSource(context_, 1, &source, nullptr, &error);
    if (error != kSuccess) return status_of(error);
    if (api_.BuildProgram(built, 1, &id_, "-cl-std=CL1.2 -w", nullptr, nullptr) != kSuccess) {
      std::memset(log, 0, log_bytes);
      api_.GetProgramBuildInfo(built, id_, kBuildLog, log_bytes - 1, log, nullptr);
      api_.ReleaseProgram(built);
      return kInvalid;
    }
    return kernel_of(built, entry, program);
  }

  int32_t binary(cg_program* program, void* data, uint64_t* bytes) {
    Program* built = reinterpret_cast<Compiled*>(program)->program;
    size_t size = 0;
    const int32_t error = api_.GetProgramInfo(built, kProgramBinarySizes, sizeof size, &size, nullptr);
    *bytes = size;
    if (error != kSuccess || data == nullptr) return status_of(error);
    auto* pointer = static_cast<unsigned char*>(data);
    return status_of(api_.GetProgramInfo(built, kProgramBinaries, sizeof pointer, &pointer, nullptr));
  }

  int32_t load(const void* data, uint64_t bytes, const char* entry, cg_program** program) {
    const auto* pointer = static_cast<const unsigned char*>(data);
    const size_t size = bytes;
    int32_t error = kSuccess, fits = kSuccess;
    Program* built = api_.CreateProgramWithBinary(context_, 1, &id_, &size, &pointer, &fits, &error);
    if (error != kSuccess) return kInvalid;
    if (fits != kSuccess || api_.BuildProgram(built, 1, &id_, "", nullptr, nullptr) != kSuccess) {
      api_.ReleaseProgram(built);
      return kInvalid;
    }
    return kernel_of(built, entry, program);
  }

  // A buffer travels as the memory object and the offset of its first byte.
  int32_t launch(cg_program* program, const cg_argument* arguments, uint32_t count, const uint32_t groups[3],
                 const uint32_t group[3]) {
    auto& compiled = *reinterpret_cast<Compiled*>(program);
    std::lock_guard guard(compiled.lock); // setting arguments and launching belong together
    uint32_t at = 0;
    int32_t error = kSuccess;
    for (uint32_t i = 0; i < count && error == kSuccess; ++i) {
      if (arguments[i].value != nullptr) {
        error = api_.SetKernelArg(compiled.kernel, at++, arguments[i].bytes, arguments[i].value);
        continue;
      }
      const Place where = place(arguments[i].address);
      error = api_.SetKernelArg(compiled.kernel, at++, sizeof where.memory, &where.memory);
      if (error == kSuccess) error = api_.SetKernelArg(compiled.kernel, at++, sizeof where.offset, &where.offset);
    }
    if (error != kSuccess) return checked(error);
    size_t global[3], local[3];
    for (int d = 0; d < 3; ++d) {
      local[d] = group[d];
      global[d] = size_t{groups[d]} * group[d];
    }
    return checked(api_.EnqueueNDRangeKernel(queue(), compiled.kernel, 3, nullptr, global, local, 0, nullptr, nullptr));
  }

  int32_t record(cg_event** event) {
    Event* made = nullptr;
    Queue* current = queue();
    const int32_t error = api_.EnqueueMarkerWithWaitList(current, 0, nullptr, &made);
    *event = reinterpret_cast<cg_event*>(made);
    if (error == kSuccess) api_.Flush(current);
    return checked(error);
  }
  int32_t query(cg_event* event) {
    int32_t state = 0;
    const int32_t error =
        api_.GetEventInfo(reinterpret_cast<Event*>(event), kEventStatus, sizeof state, &state, nullptr);
    if (error != kSuccess) return checked(error);
    if (state < 0) lost_ = true;
    return lost_ ? kLost : state == kComplete ? 1 : 0;
  }
  int32_t elapsed(cg_event* from, cg_event* to, double* nanoseconds) {
    uint64_t begin = 0, end = 0;
    int32_t error =
        api_.GetEventProfilingInfo(reinterpret_cast<Event*>(from), kProfilingEnd, sizeof begin, &begin, nullptr);
    if (error == kSuccess)
      error = api_.GetEventProfilingInfo(reinterpret_cast<Event*>(to), kProfilingEnd, sizeof end, &end, nullptr);
    *nanoseconds = static_cast<double>(end) - static_cast<double>(begin);
    return checked(error);
  }
  void forget(cg_event* event) { api_.ReleaseEvent(reinterpret_cast<Event*>(event)); }

private:
  struct Compiled {
    Program* program;
    Kernel* kernel;
    std::mutex lock;
  };

  int32_t kernel_of(Program* program, const char* entry, cg_program** made) {
    int32_t error = kSuccess;
    Kernel* kernel = api_.CreateKernel(program, entry, &error);
    if (error != kSuccess) {
      api_.ReleaseProgram(program);
      return kInvalid;
    }
    auto compiled = std::make_unique<Compiled>();
    compiled->program = program;
    compiled->kernel = kernel;
    *made = reinterpret_cast<cg_program*>(compiled.release()); // programs live as long as the process
    return kOk;
  }

  Queue* queue() const { return chosen[index_] != nullptr ? chosen[index_] : queue_; }

  // A device that was lost stays so: what it answers afterwards means nothing.
  int32_t checked(int32_t error) {
    const int32_t status = status_of(error);
    if (status == kLost) lost_ = true;
    return lost_ ? kLost : status;
  }

  Place place(cg_address address) {
    std::lock_guard guard(lock_);
    const auto found = std::prev(buffers_.upper_bound(address));
    return {found->second, address - found->first};
  }

  std::string text(uint32_t what) {
    char value[256] = "";
    api_.GetDeviceInfo(id_, what, sizeof value - 1, value, nullptr);
    std::string trimmed = value;
    while (!trimmed.empty() && trimmed.back() == ' ') trimmed.pop_back();
    return trimmed;
  }
  uint64_t number(uint32_t what) {
    uint64_t value = 0;
    api_.GetDeviceInfo(id_, what, sizeof value, &value, nullptr);
    return value;
  }

  const Api& api_;
  DeviceId* id_;
  const size_t index_;
  Context* context_ = nullptr;
  Queue* queue_ = nullptr;
  std::string name_, description_;
  std::mutex lock_;
  uint64_t next_;
  std::map<uint64_t, Memory*> buffers_; // by address
  std::map<void*, Memory*> pinned_;     // by where the host sees them
  std::atomic<bool> lost_{false};
  cg_driver driver_{};
};

// The member function as a C function whose first argument is the device.
template <auto kMember> struct Entry;
template <class R, class... A, R (OpenClDevice::*kMember)(A...)> struct Entry<kMember> {
  static R call(void* self, A... arguments) { return (static_cast<OpenClDevice*>(self)->*kMember)(arguments...); }
};

const cg_driver* OpenClDevice::driver() {
  driver_ = {.version = CG_DRIVER_VERSION,
             .bytes = sizeof(cg_driver),
             .self = this,
             .capabilities = {.name = name_.c_str(),
                              .description = description_.c_str(),
                              .dialect = "opencl",
                              .memory = number(kDeviceMemory),
                              .allocation = number(kDeviceMaxAllocation),
                              .group = static_cast<uint32_t>(number(kDeviceMaxGroup)),
                              .float64 = number(kDeviceDoubleConfig) != 0 ? 1u : 0u},
             .allocate = Entry<&OpenClDevice::allocate>::call,
             .release = Entry<&OpenClDevice::release>::call,
             .copy = Entry<&OpenClDevice::copy>::call,
             .compile = Entry<&OpenClDevice::compile>::call,
             .binary = Entry<&OpenClDevice::binary>::call,
             .load = Entry<&OpenClDevice::load>::call,
             .launch = Entry<&OpenClDevice::launch>::call,
             .record = Entry<&OpenClDevice::record>::call,
             .query = Entry<&OpenClDevice::query>::call,
             .elapsed = Entry<&OpenClDevice::elapsed>::call,
             .forget = Entry<&OpenClDevice::forget>::call,
             .open_stream = Entry<&OpenClDevice::open_stream>::call,
             .use_stream = Entry<&OpenClDevice::use_stream>::call,
             .await_event = Entry<&OpenClDevice::await_event>::call,
             .allocate_host = Entry<&OpenClDevice::allocate_host>::call,
             .release_host = Entry<&OpenClDevice::release_host>::call,
             .send = Entry<&OpenClDevice::send>::call,
             .fetch = Entry<&OpenClDevice::fetch>::call};
  return &driver_;
}

// The first function that the library lacks; empty when it has all.
std::string resolve(void* library, Api& api) {
  std::string missing;
#define CG_RESOLVE(result, name, parameters)                                                                           \
  api.name = reinterpret_cast<decltype(api.name)>(find_symbol(library, "cl" #name));                                   \
  if (api.name == nullptr && missing.empty()) missing = "cl" #name;
  CG_OPENCL_CALLS(CG_RESOLVE)
#undef CG_RESOLVE
  return missing;
}

} // namespace

Found find() {
  void* library = open_library("libOpenCL.so.1");
  if (library == nullptr) return {{}, "libOpenCL.so.1 was not found"};
  static Api api;
  if (const std::string missing = resolve(library, api); !missing.empty())
    return {{}, "libOpenCL.so.1 has no " + missing + ": OpenCL 1.2 is needed"};

  Found found;
  uint32_t platforms = 0;
  if (api.GetPlatformIDs(0, nullptr, &platforms) != kSuccess || platforms == 0)
    return {{}, "libOpenCL.so.1 is installed, but no OpenCL driver is"};
  std::vector<Platform*> platform(platforms);
  api.GetPlatformIDs(platforms, platform.data(), nullptr);
  for (Platform* each : platform) {
    uint32_t count = 0;
    if (api.GetDeviceIDs(each, kDeviceTypeAll, 0, nullptr, &count) != kSuccess) continue; // a driver without a device
    std::vector<DeviceId*> ids(count);
    api.GetDeviceIDs(each, kDeviceTypeAll, count, ids.data(), nullptr);
    for (DeviceId* id : ids) {
      auto device = std::make_unique<OpenClDevice>(api, id, static_cast<int>(found.drivers.size()));
      if (device->open()) found.drivers.push_back(device.release()->driver()); // lives as long as the process
    }
  }
  if (found.drivers.empty()) found.reason = "OpenCL drivers are installed, but none has a device";
  return found;
}

} // namespace cg::opencl
