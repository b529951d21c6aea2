// libcuda.so.1 of the emulator: one card whose memory is the host's. Work waits until somebody asks for it, as late as a card may do it.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blocks.h"
#include "driver.h"

struct emulator::Stream { std::deque<std::function<void()>> work; };

namespace {

using emulator::Stream;

enum Result {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNotInitialized = 3,
  kInvalidDevice = 101,
  kInvalidImage = 200,
  kInvalidContext = 201,
  kInvalidHandle = 400,
  kNotFound = 500,
  kNotReady = 600,
  kIllegalAddress = 700,
  kLaunchFailed = 719
};

// One record of an event: the streams that it lies in and that wait for it hold it.
struct Turn {
  Stream* stream;
  bool over = false;
  std::chrono::steady_clock::time_point at;
};
struct Event { std::shared_ptr<Turn> turn; }; // of the last record; nullptr: none

struct Module {
  void* library;
  const emulator::Kernel* kernel;
  std::string symbol;
};

constexpr unsigned char kPoison = 0xFF; // a NaN in every floating type, -1 in every integer
constexpr size_t kStepsOfQuery = 4;     // how far work comes while somebody only asks whether it is over

uint64_t setting(const char* name, uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

std::recursive_mutex lock;
bool initialized = false;
int sticky = kSuccess;
char context_place;
thread_local void* context = nullptr;
std::map<uint64_t, size_t> memory, pinned; // address to bytes
size_t used = 0;
uint64_t allocations = 0, launches = 0;
std::vector<std::unique_ptr<Stream>> streams;
Stream default_stream;

const uint64_t total = setting("CUDA_EMULATOR_MEMORY", uint64_t{2} << 30);
const uint64_t others = setting("CUDA_EMULATOR_OTHERS", 0);
const uint64_t failing_allocation = setting("CUDA_EMULATOR_FAIL_ALLOCATION", 0);
const uint64_t faulty_launch = setting("CUDA_EMULATOR_FAULT_LAUNCH", 0);
const uint64_t seed = setting("CUDA_EMULATOR_SEED", 1);

int ready() {
  if (!initialized) return kNotInitialized;
  if (context == nullptr) return kInvalidContext;
  return sticky;
}

bool within(const std::map<uint64_t, size_t>& ranges, uint64_t address, size_t bytes) {
  auto after = ranges.upper_bound(address);
  if (after == ranges.begin()) return false;
  --after;
  return address + bytes <= after->first + after->second;
}

// After a fault nothing more is done; its caller learns of it like everybody else.
void step(Stream& stream) {
  auto work = std::move(stream.work.front());
  stream.work.pop_front();
  work();
}
void drain(Stream& stream) {
  while (!stream.work.empty()) step(stream);
}
void drain_all() {
  drain(default_stream);
  for (auto& stream : streams) drain(*stream);
}

size_t page() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }
size_t pages(size_t bytes) { return (bytes + page() - 1) / page() * page(); }

} // namespace

#define GUARDED                                                                                                        \
  std::lock_guard guard(lock);                                                                                         \
  if (const int error = ready(); error != kSuccess) return error;

bool emulator::enqueue(Stream& stream, std::function<void()> work) {
  std::lock_guard guard(lock);
  if (ready() != kSuccess) return false;
  stream.work.push_back(std::move(work));
  return true;
}

bool emulator::holds(uint64_t address, size_t bytes) {
  std::lock_guard guard(lock);
  return within(memory, address, bytes);
}

extern "C" {

int cuInit(uint32_t flags) {
  initialized = true;
  return flags == 0 ? kSuccess : kInvalidValue;
}
int cuDriverGetVersion(int* version) {
  *version = 13000;
  return kSuccess;
}
int cuGetErrorName(int error, const char** name) {
  *name = error == kOutOfMemory      ? "CUDA_ERROR_OUT_OF_MEMORY"
          : error == kIllegalAddress ? "CUDA_ERROR_ILLEGAL_ADDRESS"
                                     : "CUDA_ERROR_UNKNOWN";
  return kSuccess;
}
int cuDeviceGetCount(int* count) {
  *count = static_cast<int>(setting("CUDA_EMULATOR_CARDS", 1));
  return initialized ? kSuccess : kNotInitialized;
}
int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return ordinal < 0 ? kInvalidDevice : kSuccess;
}
int cuDeviceGetName(char* name, int length, int) {
  std::strncpy(name, "emulated card", static_cast<size_t>(length));
  return kSuccess;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
  switch (attribute) {
  case 1: *value = 1024; return kSuccess;
  case 75: *value = static_cast<int>(setting("CUDA_EMULATOR_ARCHITECTURE", 90) / 10); return kSuccess;
  case 76: *value = static_cast<int>(setting("CUDA_EMULATOR_ARCHITECTURE", 90) % 10); return kSuccess;
  default: return kInvalidValue;
  }
}
int cuDeviceTotalMem_v2(size_t* bytes, int) {
  *bytes = total;
  return kSuccess;
}
int cuDevicePrimaryCtxRetain(void** made, int) {
  *made = &context_place;
  return initialized ? kSuccess : kNotInitialized;
}
int cuCtxSetCurrent(void* wanted) {
  context = wanted;
  return wanted == &context_place ? sticky : kInvalidContext;
}

int cuCtxSynchronize() {
  GUARDED
  drain_all();
  return sticky;
}

int cuMemAlloc_v2(uint64_t* address, size_t bytes) {
  GUARDED
  if (bytes == 0) return kInvalidValue;
  if (++allocations == failing_allocation || used + bytes + others > total) return kOutOfMemory;
  // The page behind it belongs to nobody.
  void* place =
      mmap(nullptr, pages(bytes) + page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED) return kOutOfMemory;
  mprotect(static_cast<char*>(place) + pages(bytes), page(), PROT_NONE);
  std::memset(place, kPoison, bytes);
  *address = reinterpret_cast<uint64_t>(place);
  memory[*address] = bytes;
  used += bytes;
  return kSuccess;
}
int cuMemFree_v2(uint64_t address) {
  GUARDED
  const auto found = memory.find(address);
  if (found == memory.end()) return kInvalidValue;
  drain_all();
  if (sticky != kSuccess) return sticky;
  munmap(reinterpret_cast<void*>(address), pages(found->second) + page());
  used -= found->second;
  memory.erase(found);
  return kSuccess;
}
int cuMemGetInfo_v2(size_t* free, size_t* all) {
  GUARDED
  *free = total - used - others;
  *all = total;
  return kSuccess;
}
int cuMemHostAlloc(void** place, size_t bytes, uint32_t) {
  GUARDED
  *place = std::aligned_alloc(page(), pages(bytes));
  std::memset(*place, kPoison, bytes);
  pinned[reinterpret_cast<uint64_t>(*place)] = bytes;
  return kSuccess;
}

int cuMemFreeHost(void* place) {
  GUARDED
  if (pinned.erase(reinterpret_cast<uint64_t>(place)) == 0) return kInvalidValue;
  drain_all();
  std::free(place);
  return sticky;
}

int cuStreamCreate(Stream** stream, uint32_t) {
  GUARDED
  *stream = streams.emplace_back(std::make_unique<Stream>()).get();
  return kSuccess;
}

// From memory that is not pinned the driver copies at once; else when the stream comes to it.
int cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, Stream* stream) {
  GUARDED
  if (!within(memory, to, bytes)) return kInvalidValue;
  stream->work.emplace_back([=] { std::memcpy(reinterpret_cast<void*>(to), from, bytes); });
  if (!within(pinned, reinterpret_cast<uint64_t>(from), bytes)) drain(*stream);
  return sticky;
}
int cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, Stream* stream) {
  GUARDED
  if (!within(memory, from, bytes)) return kInvalidValue;
  std::memset(to, kPoison, bytes);
  stream->work.emplace_back([=] { std::memcpy(to, reinterpret_cast<void*>(from), bytes); });
  if (!within(pinned, reinterpret_cast<uint64_t>(to), bytes)) drain(*stream);
  return sticky;
}
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, Stream* stream) {
  GUARDED
  if (!within(memory, to, bytes) || !within(memory, from, bytes)) return kInvalidValue;
  stream->work.emplace_back([=] { std::memmove(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), bytes); });
  return kSuccess;
}

// Work of the stream waits until the one of the event has come so far.
int cuStreamWaitEvent(Stream* stream, Event* event, uint32_t) {
  GUARDED
  if (event->turn != nullptr)
    stream->work.emplace_back([turn = event->turn] {
      while (!turn->over) step(*turn->stream);
    });
  return kSuccess;
}

int cuEventCreate(Event** event, uint32_t) {
  GUARDED
  *event = new Event;
  return kSuccess;
}
int cuEventDestroy_v2(Event* event) {
  std::lock_guard guard(lock);
  delete event;
  return kSuccess;
}
int cuEventRecord(Event* event, Stream* stream) {
  GUARDED
  event->turn = std::make_shared<Turn>(Turn{stream, false, {}});
  stream->work.emplace_back([turn = event->turn] {
    turn->over = true;
    turn->at = std::chrono::steady_clock::now();
  });
  return kSuccess;
}
int cuEventQuery(Event* event) {
  GUARDED
  if (event->turn == nullptr) return kSuccess;
  for (size_t i = 0; i < kStepsOfQuery && !event->turn->over; ++i) step(*event->turn->stream);
  return sticky != kSuccess ? sticky : event->turn->over ? kSuccess : kNotReady;
}
int cuEventSynchronize(Event* event) {
  GUARDED
  while (event->turn != nullptr && !event->turn->over) step(*event->turn->stream);
  return sticky;
}
int cuEventElapsedTime(float* milliseconds, Event* from, Event* to) {
  GUARDED
  if (from->turn == nullptr || to->turn == nullptr) return kInvalidHandle;
  if (!from->turn->over || !to->turn->over) return kNotReady;
  *milliseconds = std::chrono::duration<float, std::milli>(to->turn->at - from->turn->at).count();
  return kSuccess;
}

// The "code" is the path of a shared object and the name of its kernel; or PTX, of which one thing is understood: trap.
int cuModuleLoadData(Module** module, const void* image) {
  GUARDED
  const std::string text = static_cast<const char*>(image);
  if (text.find(".entry run") != std::string::npos && text.find("trap;") != std::string::npos) {
    *module = new Module{nullptr, nullptr, "trap"};
    return kSuccess;
  }
  const size_t end = text.find('\n');
  if (end == std::string::npos) return kInvalidImage;
  void* library = dlopen(text.substr(0, end).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return kInvalidImage;
  const std::string symbol = text.substr(end + 1);
  const auto* kernel = static_cast<const emulator::Kernel*>(dlsym(library, symbol.c_str()));
  if (kernel == nullptr) return kInvalidImage;
  *module = new Module{library, kernel, symbol};
  return kSuccess;
}
int cuModuleGetFunction(Module** function, Module* module, const char* name) {
  GUARDED
  *function = module;
  return std::strcmp(name, "run") == 0 ? kSuccess : kNotFound;
}

int cuLaunchKernel(Module* function, uint32_t grid_x, uint32_t grid_y, uint32_t grid_z, uint32_t block_x,
                   uint32_t block_y, uint32_t block_z, uint32_t shared_bytes, Stream* stream, void** parameters,
                   void** extra) {
  GUARDED
  if (grid_x == 0 || grid_x > 0x7fffffff || grid_y != 1 || grid_z != 1 || block_x == 0 || block_x > 1024 ||
      block_y != 1 || block_z != 1 || shared_bytes != 0 || extra != nullptr)
    return kInvalidValue;
  if (stream == nullptr) stream = &default_stream;
  if (function->kernel == nullptr) {
    stream->work.emplace_back([] { sticky = kLaunchFailed; });
    return kSuccess;
  }
  const emulator::Kernel& kernel = *function->kernel;
  std::vector<std::string> values;
  for (unsigned i = 0; i < kernel.count; ++i)
    values.emplace_back(static_cast<const char*>(parameters[i]), kernel.sizes[i]);
  const uint64_t number = ++launches;
  stream->work.emplace_back([=, &kernel, values = std::move(values)]() mutable {
    if (sticky != kSuccess) return;
    std::vector<void*> pointers;
    for (std::string& value : values) pointers.push_back(value.data());
    const uint32_t grid[] = {grid_x, 1, 1}, block[] = {block_x, 1, 1};
    switch (number == faulty_launch ? emulator::Outcome::kIllegalAddress
                                    : emulator::run_blocks(kernel, pointers.data(), grid, block, seed * 977 + number)) {
    case emulator::Outcome::kDone: return;
    case emulator::Outcome::kIllegalAddress: sticky = kIllegalAddress; return;
    case emulator::Outcome::kBarrierMissed: sticky = kLaunchFailed; return;
    }
  });
  return kSuccess;
}

} // extern "C"
