// The addon's functions as properties of its exports object. Their types and contracts are in src/runtime/native.ts.
#pragma once
#include "binding/environment.h"

namespace cg::binding {

napi_value define_exports(napi_env env, napi_value exports, Finalizers finalizers);

struct Function {
  const char* name;
  napi_callback call;
};
std::span<const Function> life_functions();
std::span<const Function> view_functions();
std::span<const Function> copy_functions();
std::span<const Function> pointwise_functions();
std::span<const Function> structured_functions();
std::span<const Function> plan_functions();
std::span<const Function> system_functions();
std::span<const Function> event_functions();
std::span<const Function> pool_functions();
std::span<const Function> external_functions();
std::span<const Function> file_functions();

} // namespace cg::binding
