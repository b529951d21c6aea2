// CUDA as a driver: NVIDIA's driver API, NVRTC for texts, cuBLASLt where it is installed.
#include "device/cuda/cuda.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <memory>

#include "core/status.h"
#include "device/cuda/blas.h"
#include "device/cuda/compiler.h"
#include "device/cuda/libraries.h"
#include "device/cuda/resolve.h"

namespace cg::cuda {
namespace {

constexpr int32_t kOk = 0, kOutOfMemory = static_cast<int32_t>(Status::kOutOfMemory),
                  kInvalid = static_cast<int32_t>(Status::kInvalid), kLost = static_cast<int32_t>(Status::kDeviceLost),
                  kNoKernel = static_cast<int32_t>(Status::kNoKernel);
constexpr uint32_t kMostArguments = 64;

// After these every call fails until the process ends: the context is gone (CUDA driver API, CUresult).
constexpr int kFatal[] = {4,                  // the driver has shut down
                          46,  214, 220, 226, // unavailable, uncorrectable memory or link error, contained
                          700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721, // faults inside a kernel
                          999};                                                  // unknown

constexpr size_t kMostCards = 64;
thread_local std::array<StreamHandle*, kMostCards> chosen{}; // of each card; nullptr: its first stream

class CudaDevice {
public:
  CudaDevice(const Api& api, Compiler& compiler, int ordinal) : api_(api), compiler_(compiler), ordinal_(ordinal) {}

  // Answers the name of the error that keeps the device from use, or nothing.
  std::string open();
  const cg_driver* driver();

  int32_t allocate(uint64_t bytes, cg_address* address) {
    return checked([&] { return api_.MemAlloc(address, bytes); });
  }
  // The driver waits for the work that uses it.
  int32_t release(cg_address address) {
    return checked([&] { return api_.MemFree(address); });
  }
  // Not ordered with the default stream, which other libraries of the process may use.
  int32_t open_stream(cg_stream** stream) {
    return checked([&] { return api_.StreamCreate(reinterpret_cast<StreamHandle**>(stream), kStreamNonBlocking); });
  }
  void use_stream(cg_stream* stream) { chosen[place()] = reinterpret_cast<StreamHandle*>(stream); }
  int32_t await_event(cg_event* event) {
    return checked([&] { return api_.StreamWaitEvent(stream(), reinterpret_cast<EventHandle*>(event), 0); });
  }

  int32_t allocate_host(uint64_t bytes, void** host) {
    return checked([&] { return api_.MemHostAlloc(host, bytes, 0); });
  }
  int32_t release_host(void* host) {
    return checked([&] { return api_.MemFreeHost(host); });
  }
  int32_t send(cg_address to, const void* host, uint64_t bytes) {
    return checked([&] { return api_.MemcpyHtoDAsync(to, host, bytes, stream()); });
  }
  int32_t fetch(void* host, cg_address from, uint64_t bytes) {
    return checked([&] { return api_.MemcpyDtoHAsync(host, from, bytes, stream()); });
  }
  int32_t copy(cg_address to, cg_address from, uint64_t bytes) {
    return checked([&] { return api_.MemcpyDtoDAsync(to, from, bytes, stream()); });
  }

  int32_t compile(const char* text, const char* entry, cg_program** program, char* log, uint64_t log_bytes) {
    auto compiled = std::make_unique<Compiled>();
    std::string words;
    if (!compiler_.compile(text, architecture_, compiled->code, words)) {
      std::strncpy(log, words.c_str(), log_bytes - 1);
      log[log_bytes - 1] = '\0';
      return kInvalid;
    }
    return function_of(std::move(compiled), entry, program);
  }

  int32_t binary(cg_program* program, void* data, uint64_t* bytes) {
    const std::string& code = reinterpret_cast<Compiled*>(program)->code;
    *bytes = code.size();
    if (data != nullptr) std::copy(code.begin(), code.end(), static_cast<char*>(data));
    return kOk;
  }

  int32_t load(const void* data, uint64_t bytes, const char* entry, cg_program** program) {
    auto compiled = std::make_unique<Compiled>();
    compiled->code.assign(static_cast<const char*>(data), bytes);
    return function_of(std::move(compiled), entry, program);
  }

  // The driver copies the arguments' bytes before it returns.
  int32_t launch(cg_program* program, const cg_argument* arguments, uint32_t count, const uint32_t groups[3],
                 const uint32_t group[3]) {
    if (count > kMostArguments) return kInvalid;
    void* parameters[kMostArguments];
    for (uint32_t i = 0; i < count; ++i)
      parameters[i] = const_cast<void*>(arguments[i].value != nullptr ? arguments[i].value : &arguments[i].address);
    return checked([&] {
      return api_.LaunchKernel(reinterpret_cast<Compiled*>(program)->function, groups[0], groups[1], groups[2],
                               group[0], group[1], group[2], 0, stream(), parameters, nullptr);
    });
  }

  int32_t record(cg_event** event) {
    EventHandle* made = nullptr;
    const int32_t status = checked([&] {
      const int error = api_.EventCreate(&made, 0);
      return error != kSuccess ? error : api_.EventRecord(made, stream());
    });
    *event = reinterpret_cast<cg_event*>(made);
    return status;
  }
  int32_t query(cg_event* event) {
    bool ready = true;
    const int32_t status = checked([&] {
      const int error = api_.EventQuery(reinterpret_cast<EventHandle*>(event));
      ready = error != kErrorNotReady;
      return ready ? error : kSuccess;
    });
    return status != kOk ? status : ready ? 1 : 0;
  }
  int32_t elapsed(cg_event* from, cg_event* to, double* nanoseconds) {
    float milliseconds = 0;
    const int32_t status = checked([&] {
      return api_.EventElapsedTime(&milliseconds, reinterpret_cast<EventHandle*>(from),
                                   reinterpret_cast<EventHandle*>(to));
    });
    *nanoseconds = double{milliseconds} * 1e6;
    return status;
  }
  void forget(cg_event* event) {
    checked([&] { return api_.EventDestroy(reinterpret_cast<EventHandle*>(event)); });
  }

  int32_t gemm(const cg_gemm* call) {
    if (lost_) return kLost;
    make_current();
    const int error = blas_.gemm(*call, stream());
    return error == kSuccess ? kOk : kNoKernel; // a fault of the card shows at the launch that takes its place
  }
  uint64_t gemm_workspace(const cg_gemm* call) {
    if (lost_) return 0;
    make_current();
    return blas_.workspace(*call);
  }

  int32_t available(uint64_t* bytes) {
    size_t free = 0, total = 0;
    const int32_t status = checked([&] { return api_.MemGetInfo(&free, &total); });
    *bytes = free;
    return status;
  }

private:
  struct Compiled {
    FunctionHandle* function = nullptr;
    std::string code;
  };

  // Programs live as long as the process.
  int32_t function_of(std::unique_ptr<Compiled> compiled, const char* entry, cg_program** program) {
    const int32_t status = checked([&] {
      ModuleHandle* module = nullptr;
      const int error = api_.ModuleLoadData(&module, compiled->code.c_str());
      return error != kSuccess ? error : api_.ModuleGetFunction(&compiled->function, module, entry);
    });
    if (status == kOk) *program = reinterpret_cast<cg_program*>(compiled.release());
    return status;
  }

  // Every thread that enters needs the context, which the calls do not name.
  void make_current() {
    thread_local const CudaDevice* current = nullptr;
    if (current == this) return;
    api_.CtxSetCurrent(context_);
    current = this;
  }

  // Runs calls of the driver and says what their error means to the runtime.
  template <class Calls> int32_t checked(const Calls& calls) {
    if (lost_) return kLost;
    make_current();
    const int error = calls();
    if (error == kSuccess) return kOk;
    if (error == kErrorOutOfMemory) return kOutOfMemory;
    if (std::find(std::begin(kFatal), std::end(kFatal), error) == std::end(kFatal)) return kInvalid;
    lost_ = true;
    return kLost;
  }
  size_t place() const { return static_cast<size_t>(ordinal_) % kMostCards; }
  StreamHandle* stream() const { return chosen[place()] != nullptr ? chosen[place()] : stream_; }

  int attribute(int which) {
    int value = 0;
    api_.DeviceGetAttribute(&value, which, device_);
    return value;
  }

  const Api& api_;
  Compiler& compiler_;
  const int ordinal_;
  int device_ = 0, architecture_ = 0;
  ContextHandle* context_ = nullptr;
  StreamHandle* stream_ = nullptr;
  Blas blas_;
  std::atomic<bool> lost_{false};
  std::string name_, description_;
  cg_driver driver_{};
};

std::string CudaDevice::open() {
  const auto name_of = [&](int error) {
    const char* name = nullptr;
    api_.GetErrorName(error, &name);
    return name == nullptr ? "CUDA error " + std::to_string(error) : std::string(name);
  };
  if (const int error = api_.DeviceGet(&device_, ordinal_); error != kSuccess) return name_of(error);
  if (const int error = api_.DevicePrimaryCtxRetain(&context_, device_); error != kSuccess) return name_of(error);
  make_current();
  if (const int error = api_.StreamCreate(&stream_, kStreamNonBlocking); error != kSuccess) return name_of(error);
  architecture_ = attribute(kComputeMajor) * 10 + attribute(kComputeMinor);
  char model[256] = "";
  api_.DeviceGetName(model, sizeof model - 1, device_);
  int version = 0;
  api_.DriverGetVersion(&version);
  name_ = "cuda:" + std::to_string(ordinal_);
  description_ = std::string(model) + ", sm_" + std::to_string(architecture_) + ", driver for CUDA " +
                 std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10) + ", NVRTC " +
                 compiler_.version() + ", " + blas_.open();
  return "";
}

// The member function as a C function whose first argument is the device.
template <auto kMember> struct Entry;
template <class R, class... A, R (CudaDevice::*kMember)(A...)> struct Entry<kMember> {
  static R call(void* self, A... arguments) { return (static_cast<CudaDevice*>(self)->*kMember)(arguments...); }
};

const cg_driver* CudaDevice::driver() {
  size_t memory = 0;
  api_.DeviceTotalMem(&memory, device_);
  driver_ = {.version = CG_DRIVER_VERSION,
             .bytes = sizeof(cg_driver),
             .self = this,
             .capabilities = {.name = name_.c_str(),
                              .description = description_.c_str(),
                              .dialect = "cuda",
                              .memory = memory,
                              .allocation = memory,
                              .group = static_cast<uint32_t>(attribute(kMaxThreadsOfBlock)),
                              .float64 = 1},
             .allocate = Entry<&CudaDevice::allocate>::call,
             .release = Entry<&CudaDevice::release>::call,
             .copy = Entry<&CudaDevice::copy>::call,
             .compile = Entry<&CudaDevice::compile>::call,
             .binary = Entry<&CudaDevice::binary>::call,
             .load = Entry<&CudaDevice::load>::call,
             .launch = Entry<&CudaDevice::launch>::call,
             .record = Entry<&CudaDevice::record>::call,
             .query = Entry<&CudaDevice::query>::call,
             .elapsed = Entry<&CudaDevice::elapsed>::call,
             .forget = Entry<&CudaDevice::forget>::call,
             .gemm = Entry<&CudaDevice::gemm>::call,
             .gemm_workspace = Entry<&CudaDevice::gemm_workspace>::call,
             .available = Entry<&CudaDevice::available>::call,
             .open_stream = Entry<&CudaDevice::open_stream>::call,
             .use_stream = Entry<&CudaDevice::use_stream>::call,
             .await_event = Entry<&CudaDevice::await_event>::call,
             .allocate_host = Entry<&CudaDevice::allocate_host>::call,
             .release_host = Entry<&CudaDevice::release_host>::call,
             .send = Entry<&CudaDevice::send>::call,
             .fetch = Entry<&CudaDevice::fetch>::call};
  return &driver_;
}

} // namespace

Found find() {
  const Library library = open_driver();
  if (library.handle == nullptr) return {{}, "libcuda.so.1, NVIDIA's driver, was not found"};
  static Api api;
  if (const std::string missing = resolve(library.handle, api); !missing.empty())
    return {{}, library.path + " has no " + missing + ": a driver for CUDA 12 or later is needed"};
  int count = 0;
  const int error = api.Init(0);
  if (error == kSuccess) api.DeviceGetCount(&count);
  if (error == kErrorNoDevice || (error == kSuccess && count == 0))
    return {{}, library.path + " is installed, but it finds no card"};
  if (error != kSuccess) {
    const char* name = nullptr;
    api.GetErrorName(error, &name);
    return {{}, library.path + " does not start: " + (name == nullptr ? std::to_string(error) : std::string(name))};
  }
  static Compiler compiler;
  if (const std::string missing = compiler.open(); !missing.empty())
    return {{}, std::to_string(count) + (count == 1 ? " card is there, but " : " cards are there, but ") + missing};

  Found found;
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    auto device = std::make_unique<CudaDevice>(api, compiler, ordinal);
    if (const std::string problem = device->open(); problem.empty())
      found.drivers.push_back(device.release()->driver()); // lives as long as the process
    else
      found.reason = "card " + std::to_string(ordinal) + " cannot be used: " + problem;
  }
  return found;
}

} // namespace cg::cuda
