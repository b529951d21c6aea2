// Set-up, names, devices, memory and threads.
#include <algorithm>
#include <cstdio>
#include <string>

#include "binding/arguments.h"
#include "binding/exports.h"
#include "core/gauge.h"
#include "core/machine.h"
#include "core/parallel.h"
#include "device/memory.h"
#include "device/pinned.h"

namespace cg::binding {
namespace {

// ORDER FAMILY
constexpr const char* kFamilyNames[kFamilies] = {"unary", "unaryAttr", "binary", "binaryAttr", "ternary"};

std::string string_argument(const Arguments& args, size_t i) {
  char text[4096] = "";
  size_t length = 0;
  napi_get_value_string_utf8(args.env(), args[i], text, sizeof text, &length);
  return {text, length};
}

napi_value string_value(napi_env env, const std::string& text) {
  napi_value value;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

napi_value list_of(napi_env env, std::span<const std::string> texts) {
  napi_value list;
  napi_create_array_with_length(env, texts.size(), &list);
  for (size_t i = 0; i < texts.size(); ++i)
    napi_set_element(env, list, static_cast<uint32_t>(i), string_value(env, texts[i]));
  return list;
}

// The rows of a pointwise family by name; empty when there is none of that name.
std::span<const Row> rows_named(const std::string& family) {
  const auto* found = std::find(std::begin(kFamilyNames), std::end(kFamilyNames), family);
  if (found == std::end(kFamilyNames)) return {};
  return rows(static_cast<Family>(found - kFamilyNames));
}

napi_value init(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  if (!args.environment().attach(args[0], args[1]))
    napi_throw_type_error(env, nullptr,
                          "init expects a Float64Array of at least 4096 and an Int32Array of at least 4 elements");
  return args.nothing();
}

napi_value share_gauges(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  if (!args.environment().share_gauges(args[0]))
    napi_throw_type_error(env, nullptr, "shareGauges expects a Float64Array with a gauge for each of 8 devices");
  return args.nothing();
}

napi_value names(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const std::string family = string_argument(args, 0);
  std::vector<std::string> found;
  for (const Row& row : rows_named(family)) found.emplace_back(row.name);
  if (family == "structured") found.assign(structured_names().begin(), structured_names().end());
  return list_of(env, found);
}

napi_value text(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const std::string name = string_argument(args, 1);
  for (const Row& row : rows_named(string_argument(args, 0)))
    if (name == row.name) return string_value(env, row.text);
  return args.nothing();
}

napi_value failure(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  std::copy_n(last_failure().detail, 4, args.environment().io());
  return args.nothing();
}

napi_value find_all(napi_env env, napi_callback_info info) {
  find_devices();
  return Arguments(env, info).nothing();
}

napi_value add(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  return string_value(env, add_device(string_argument(args, 0).c_str()));
}

napi_value log(napi_env env, napi_callback_info) { return string_value(env, compile_log()); }

napi_value fallback_total(napi_env env, napi_callback_info info) {
  return Arguments(env, info).answer(total_fallbacks());
}

napi_value list_fallbacks(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  napi_value list, value;
  napi_create_object(env, &list);
  const Device* device = args.device(0);
  if (device == nullptr) return list;
  for (const Fallback& fallback : fallbacks(*device)) {
    napi_create_double(env, static_cast<double>(fallback.count), &value);
    napi_set_named_property(env, list, fallback.kernel.c_str(), value);
  }
  return list;
}

napi_value allow(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  allow_fallbacks(args.integer(0) != 0);
  return args.nothing();
}

napi_value allow_rounding(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  allow_tf32(args.integer(0) != 0);
  return args.nothing();
}

napi_value list_devices(napi_env env, napi_callback_info) {
  napi_value list, value;
  napi_create_array_with_length(env, devices().size(), &list);
  for (uint32_t i = 0; const Device& device : devices()) {
    napi_value entry;
    napi_create_object(env, &entry);
    napi_set_named_property(env, entry, "name", string_value(env, device.name));
    napi_get_boolean(env, device.memory != nullptr, &value);
    napi_set_named_property(env, entry, "available", value);
    napi_set_named_property(env, entry, "reason", string_value(env, device.reason));
    napi_set_named_property(env, entry, "description", string_value(env, device.description));
    napi_set_element(env, list, i++, entry);
  }
  return list;
}

// The memory of the device in argument 0; nullptr when it has none.
Allocator* memory_of(const Arguments& args) {
  const Device* device = args.device(0);
  return device != nullptr ? device->memory : nullptr;
}

napi_value memory(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Allocator* allocator = memory_of(args);
  if (allocator == nullptr) return args.answer(Status::kNoDevice);
  const MemoryFigures figures = allocator->figures();
  const cg_driver* driver = args.device(0)->driver;
  const uint64_t total = driver != nullptr ? driver->capabilities.memory : total_memory();
  Environment& environment = args.environment();
  const double values[] = {static_cast<double>(figures.live),
                           static_cast<double>(figures.cached),
                           static_cast<double>(figures.peak),
                           static_cast<double>(figures.cap),
                           static_cast<double>(environment.handles().live_tensors()),
                           static_cast<double>(figures.allocations),
                           static_cast<double>(figures.hits),
                           static_cast<double>(environment.collector().requests()),
                           static_cast<double>(total)};
  std::copy(std::begin(values), std::end(values), environment.io());
  return args.answer(Status::kOk);
}

// Bytes of the device that nobody has, of the host those that can still be written to; -1 when the device does not say.
napi_value available(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Device* device = args.device(0);
  const cg_driver* driver = device != nullptr ? device->driver : nullptr;
  uint64_t bytes = available_memory();
  bool known = device != nullptr;
  if (driver != nullptr) known = driver->available != nullptr && driver->available(driver->self, &bytes) == 0;
  napi_value value;
  napi_create_double(env, known ? static_cast<double>(bytes) : -1, &value);
  return value;
}

napi_value array_of(napi_env env, const std::vector<double>& values) {
  napi_value buffer, array;
  void* data = nullptr;
  napi_create_arraybuffer(env, values.size() * sizeof(double), &data, &buffer);
  std::copy(values.begin(), values.end(), static_cast<double*>(data));
  napi_create_typedarray(env, napi_float64_array, values.size(), buffer, 0, &array);
  return array;
}

// For each storage: id, address, bytes, age in ms, cell, tensors, then dtype, rank and sizes of its largest tensor, then all handles.
napi_value storages(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const int32_t device = args.integer(0);
  std::vector<const Tensor*> found;
  args.environment().handles().for_each([&](const Tensor& tensor) {
    if (tensor.storage->device == device) found.push_back(&tensor);
  });
  std::sort(found.begin(), found.end(), [](const Tensor* a, const Tensor* b) {
    return a->storage->id != b->storage->id ? a->storage->id < b->storage->id : a->view.numel > b->view.numel;
  });
  const int64_t now = coarse_milliseconds();
  std::vector<double> values;
  const auto push = [&](auto value) { values.push_back(static_cast<double>(value)); };
  for (auto first = found.begin(); first != found.end();) {
    const Storage& storage = *(*first)->storage;
    const auto last = std::find_if(first, found.end(), [&](const Tensor* t) { return t->storage != &storage; });
    const View& view = (*first)->view;
    push(storage.id);
    push(reinterpret_cast<uintptr_t>(storage.block.data));
    push(storage.block.bytes);
    push(now - storage.born);
    push(storage.cell);
    push(last - first);
    push(static_cast<int>(view.dtype));
    push(view.rank);
    for (int d = 0; d < view.rank; ++d) push(view.sizes[d]);
    for (; first != last; ++first) push((*first)->handle);
  }
  return array_of(env, values);
}

// For each stretch of a device's segments: address, bytes, address of the segment, 1 when live.
napi_value stretches(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  std::vector<double> values;
  const Device* device = args.device(0);
  if (device != nullptr && device->segments != nullptr)
    for (const Stretch& part : device->segments->stretches())
      values.insert(values.end(), {static_cast<double>(part.address), static_cast<double>(part.bytes),
                                   static_cast<double>(part.segment), part.live ? 1.0 : 0.0});
  return array_of(env, values);
}

napi_value set_memory_cap(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  if (Allocator* allocator = memory_of(args)) allocator->set_cap(static_cast<size_t>(args.number(1)));
  return args.nothing();
}

napi_value empty_cache(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Device* device = args.device(0);
  if (device == nullptr || device->memory == nullptr) return args.nothing();
  // A driver waits for the work on memory that it takes back: waiting here first lets an interrupt through.
  if (device->pinned != nullptr && device->launcher->synchronize(Launcher::kAllStreams) == Status::kOk)
    device->pinned->empty_cache();
  device->memory->empty_cache();
  return args.nothing();
}

napi_value reset_peak(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  if (Allocator* allocator = memory_of(args)) allocator->reset_peak();
  return args.nothing();
}

napi_value set_collect_budget(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  args.environment().collector().set_budget(args.long_integer(0));
  return args.nothing();
}

napi_value collected(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  args.environment().collector().collected(args.integer(0) != 0);
  args.environment().drop_lenders();
  return args.nothing();
}

napi_value synchronize(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Device* device = args.device(0);
  if (device == nullptr || device->launcher == nullptr) return args.answer(Status::kNoDevice);
  return args.answer(device->launcher->synchronize(args.integer(1)));
}

napi_value threads(napi_env env, napi_callback_info info) { return Arguments(env, info).answer(thread_count()); }

napi_value set_threads(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  set_thread_count(args.integer(0));
  return args.nothing();
}

// What C code has printed and its library still holds, because the output is no terminal.
napi_value flush_output(napi_env env, napi_callback_info info) {
  std::fflush(nullptr);
  return Arguments(env, info).nothing();
}

constexpr Function kFunctions[] = {
    {"init", init},
    {"shareGauges", share_gauges},
    {"flushOutput", flush_output},
    {"names", names},
    {"text", text},
    {"failure", failure},
    {"devices", list_devices},
    {"findDevices", find_all},
    {"addDevice", add},
    {"compileLog", log},
    {"fallbackTotal", fallback_total},
    {"fallbacks", list_fallbacks},
    {"allowFallbacks", allow},
    {"allowTf32", allow_rounding},
    {"memory", memory},
    {"available", available},
    {"storages", storages},
    {"stretches", stretches},
    {"setMemoryCap", set_memory_cap},
    {"emptyCache", empty_cache},
    {"resetPeak", reset_peak},
    {"setCollectBudget", set_collect_budget},
    {"collected", collected},
    {"synchronize", synchronize},
    {"threads", threads},
    {"setThreads", set_threads},
};

} // namespace

std::span<const Function> system_functions() { return kFunctions; }

} // namespace cg::binding
