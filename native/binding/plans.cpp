// Traces and plans: what src/compile records and runs again.
#include <algorithm>

#include "graph/parts.h"

#include "binding/arguments.h"
#include "binding/exports.h"

namespace cg::binding {
namespace {

// `count` tensors whose handles start at io[first]; false when one is stale.
bool read_tensors(const Arguments& args, size_t first, size_t count, std::vector<Tensor*>& tensors) {
  tensors.clear();
  for (size_t i = first; i < first + count; ++i) {
    tensors.push_back(args.environment().handles().find(static_cast<Handle>(args.environment().io()[i])));
    if (tensors.back() == nullptr) return false;
  }
  return true;
}

graph::Plan* plan_at(const Arguments& args) {
  const auto& plans = args.environment().plans;
  const auto index = static_cast<size_t>(args.integer(0));
  return index < plans.size() ? plans[index].get() : nullptr;
}

napi_value string_value(napi_env env, const std::string& text) {
  napi_value value;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

napi_value begin(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Environment& environment = args.environment();
  std::vector<Tensor*> tensors;
  if (environment.trace != nullptr) return args.answer(Status::kInvalid);
  if (!read_tensors(args, 0, static_cast<size_t>(args.integer(0)), tensors)) return args.answer(Status::kStaleHandle);
  environment.trace = std::make_unique<graph::Trace>(environment.handles(), *devices()[0].launcher, tensors);
  for (const Tensor* tensor : tensors)
    if (tensor->storage->device != 0) environment.trace->refuse("it uses a device other than the CPU");
  return args.answer(Status::kOk);
}

napi_value fresh(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  if (args.environment().trace == nullptr) return args.answer(Status::kInvalid);
  args.environment().trace->expect_fresh(static_cast<size_t>(args.integer(0)), static_cast<size_t>(args.integer(1)));
  return args.answer(Status::kOk);
}

napi_value refusal(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  return string_value(env, args.environment().trace == nullptr ? "" : args.environment().trace->refusal());
}

napi_value split(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  if (args.environment().trace != nullptr) args.environment().trace->split();
  return args.nothing();
}

int32_t keep(Environment& environment, std::unique_ptr<graph::Plan> plan) {
  auto& plans = environment.plans;
  size_t index = 0;
  while (index < plans.size() && plans[index] != nullptr) ++index;
  if (index == plans.size()) plans.emplace_back();
  plans[index] = std::move(plan);
  return static_cast<int32_t>(index);
}

// end(results, incoming, outgoing): io has their handles; then the second plan or -1, the number of saved storages, their bytes.
napi_value end(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Environment& environment = args.environment();
  const std::unique_ptr<graph::Trace> trace = std::move(environment.trace);
  if (trace == nullptr || args.integer(0) < 0) return args.answer(Status::kInvalid);
  const auto count = static_cast<size_t>(args.integer(0)), in = static_cast<size_t>(args.integer(1)),
             out = static_cast<size_t>(args.integer(2));
  std::vector<Tensor*> results, incoming, outgoing;
  if (!read_tensors(args, 0, count, results) || !read_tensors(args, count, in, incoming) ||
      !read_tensors(args, count + in, out, outgoing))
    return args.answer(Status::kStaleHandle);
  graph::Parts parts = graph::plans_of(*trace, *devices()[0].launcher, results, incoming, outgoing);
  double* io = environment.io();
  io[0] = parts.second == nullptr ? -1 : keep(environment, std::move(parts.second));
  io[1] = static_cast<double>(parts.saved.size());
  std::copy(parts.saved.begin(), parts.saved.end(), io + 2);
  return args.answer(keep(environment, std::move(parts.whole)));
}

napi_value fits(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const graph::Plan* plan = plan_at(args);
  std::vector<Tensor*>& tensors = args.environment().tensors;
  const auto count = static_cast<size_t>(args.integer(1));
  if (plan == nullptr || count != plan->arguments()) return args.answer(0);
  if (!read_tensors(args, 0, count, tensors)) return args.answer(Status::kStaleHandle);
  return args.answer(plan->fits(tensors) ? 1 : 0);
}

// run(plan, arguments, fresh numbers, owners): io has handles, then numbers; then the handles of the results.
napi_value run(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Environment& environment = args.environment();
  graph::Plan* plan = plan_at(args);
  const auto arguments = static_cast<size_t>(args.integer(1)), numbers = static_cast<size_t>(args.integer(2));
  if (plan == nullptr || arguments != plan->arguments() || numbers < plan->fresh_numbers())
    return args.answer(Status::kInvalid);
  std::vector<Tensor*>& tensors = environment.tensors;
  if (!read_tensors(args, 0, arguments, tensors)) return args.answer(Status::kStaleHandle);
  if (!plan->fits(tensors)) return args.answer(Status::kNeedsCopy);
  std::vector<Tensor*> made(plan->results());
  const Status status = plan->run(tensors, {environment.io() + arguments, numbers}, made);
  if (status != Status::kOk) return args.answer(status);
  for (size_t i = 0; i < made.size(); ++i) environment.io()[i] = made[i]->handle;
  for (uint32_t i = 0; i < made.size(); ++i) {
    napi_value owner;
    napi_get_element(env, args[3], i, &owner);
    environment.give(*made[i], owner);
  }
  return args.answer(Status::kOk);
}

napi_value text(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const graph::Plan* plan = plan_at(args);
  return string_value(env, plan == nullptr ? "" : plan->text());
}

napi_value release(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  if (plan_at(args) != nullptr) args.environment().plans[static_cast<size_t>(args.integer(0))] = nullptr;
  return args.nothing();
}

constexpr Function kFunctions[] = {
    {"traceBegin", begin}, {"traceFresh", fresh}, {"traceRefusal", refusal},
    {"traceSplit", split}, {"traceEnd", end},     {"planFits", fits},
    {"planRun", run},      {"planText", text},    {"planRelease", release},
};

} // namespace

std::span<const Function> plan_functions() { return kFunctions; }

} // namespace cg::binding
