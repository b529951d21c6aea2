// Events of devices with queues: marks in the order of the work, by small integers.
#include <vector>

#include "binding/arguments.h"
#include "binding/exports.h"

namespace cg::binding {
namespace {

struct Mark {
  const cg_driver* driver = nullptr; // nullptr: the slot is free
  cg_event* event = nullptr;
};

// Of one environment, that is of one thread.
thread_local std::vector<Mark> marks;

Mark* mark(int32_t id) {
  const auto slot = static_cast<size_t>(id);
  return slot < marks.size() && marks[slot].driver != nullptr ? &marks[slot] : nullptr;
}

napi_value record(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Device* device = args.device(0);
  if (device == nullptr || device->driver == nullptr) return args.answer(Status::kNoDevice);
  Mark made{device->driver, nullptr};
  if (const int32_t status = made.driver->record(made.driver->self, &made.event); status != 0)
    return args.answer(status);
  size_t slot = 0;
  while (slot < marks.size() && marks[slot].driver != nullptr) ++slot;
  if (slot == marks.size()) marks.emplace_back();
  marks[slot] = made;
  return args.answer(static_cast<int32_t>(slot));
}

// 1: over, 0: not yet.
napi_value query(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Mark* found = mark(args.integer(0));
  if (found == nullptr) return args.answer(Status::kInvalid);
  return args.answer(found->driver->query(found->driver->self, found->event));
}

// Nanoseconds between two events that are over, into io[0].
napi_value elapsed(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Mark *from = mark(args.integer(0)), *to = mark(args.integer(1));
  if (from == nullptr || to == nullptr || from->driver != to->driver) return args.answer(Status::kInvalid);
  return args.answer(from->driver->elapsed(from->driver->self, from->event, to->event, args.environment().io()));
}

napi_value forget(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  if (Mark* found = mark(args.integer(0))) {
    found->driver->forget(found->driver->self, found->event);
    *found = {};
  }
  return args.nothing();
}

constexpr Function kFunctions[] = {
    {"recordEvent", record}, {"queryEvent", query}, {"elapsedEvents", elapsed}, {"forgetEvent", forget}};

} // namespace

std::span<const Function> event_functions() { return kFunctions; }

} // namespace cg::binding
