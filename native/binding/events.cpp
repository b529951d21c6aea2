// Streams of devices and events, marks in the order of their work, by small integers.
#include <vector>

#include "binding/arguments.h"
#include "binding/exports.h"
#include "device/memory.h"

namespace cg::binding {
namespace {

struct Mark {
  const Device* device = nullptr; // nullptr: the slot is free
  cg_event* event = nullptr;
};

// Of one environment, that is of one thread.
thread_local std::vector<Mark> marks;

Mark* mark(int32_t id) {
  const auto slot = static_cast<size_t>(id);
  return slot < marks.size() && marks[slot].device != nullptr ? &marks[slot] : nullptr;
}

// The device of argument `i`; nullptr when it has no streams.
const Device* queued(const Arguments& args, size_t i) {
  const Device* device = args.device(i);
  return device != nullptr && device->driver != nullptr ? device : nullptr;
}

napi_value open_stream(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Device* device = queued(args, 0);
  return device == nullptr ? args.answer(Status::kNoDevice) : args.answer(device->streams->open());
}

napi_value use_stream(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  if (const Device* device = queued(args, 0)) device->streams->use(args.integer(1));
  return args.nothing();
}

napi_value record(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Device* device = queued(args, 0);
  if (device == nullptr) return args.answer(Status::kNoDevice);
  Mark made{device, nullptr};
  if (const int32_t status = device->streams->record(args.integer(1), &made.event); status != 0)
    return args.answer(status);
  size_t slot = 0;
  while (slot < marks.size() && marks[slot].device != nullptr) ++slot;
  if (slot == marks.size()) marks.emplace_back();
  marks[slot] = made;
  return args.answer(static_cast<int32_t>(slot));
}

// 1: over, 0: not yet.
napi_value query(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Mark* found = mark(args.integer(0));
  if (found == nullptr) return args.answer(Status::kInvalid);
  const cg_driver& driver = *found->device->driver;
  return args.answer(driver.query(driver.self, found->event));
}

napi_value wait(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Mark* found = mark(args.integer(0));
  return args.answer(found == nullptr ? Status::kInvalid : found->device->streams->wait(found->event));
}

napi_value await(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Mark* found = mark(args.integer(0));
  return found == nullptr ? args.answer(Status::kInvalid)
                          : args.answer(found->device->streams->await(args.integer(1), found->event));
}

// The tensor's memory is used by a stream.
napi_value note_use(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* tensor = args.tensor(0);
  if (tensor == nullptr) return args.answer(Status::kStaleHandle);
  const Device& device = devices()[static_cast<size_t>(tensor->storage->device)];
  if (device.segments != nullptr) {
    const int32_t before = device.streams->current();
    device.streams->use(args.integer(1));
    device.segments->used(tensor->view.data);
    device.streams->use(before);
  }
  return args.answer(Status::kOk);
}

// Nanoseconds between two events that are over, into io[0].
napi_value elapsed(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Mark *from = mark(args.integer(0)), *to = mark(args.integer(1));
  if (from == nullptr || to == nullptr || from->device != to->device) return args.answer(Status::kInvalid);
  const cg_driver& driver = *from->device->driver;
  return args.answer(driver.elapsed(driver.self, from->event, to->event, args.environment().io()));
}

napi_value forget(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  if (Mark* found = mark(args.integer(0))) {
    found->device->driver->forget(found->device->driver->self, found->event);
    *found = {};
  }
  return args.nothing();
}

constexpr Function kFunctions[] = {
    {"openStream", open_stream}, {"useStream", use_stream},  {"recordStream", note_use},
    {"recordEvent", record},     {"queryEvent", query},      {"waitEvent", wait},
    {"streamWaitEvent", await},  {"elapsedEvents", elapsed}, {"forgetEvent", forget},
};

} // namespace

std::span<const Function> event_functions() { return kFunctions; }

} // namespace cg::binding
