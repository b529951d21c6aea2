// cellgrad.node with gcov's counters, for the suites that `npm test` runs under sanitizers. Vitest ends its workers by a signal, which
// would lose what they counted: they call `writeCounters()` first.
#include <node_api.h>

#include "binding/exports.h"

extern "C" void __gcov_dump();

namespace {

napi_value write_counters(napi_env, napi_callback_info) {
  __gcov_dump();
  return nullptr;
}

} // namespace

extern "C" NAPI_MODULE_EXPORT int32_t node_api_module_get_api_version_v1() { return NAPI_VERSION_EXPERIMENTAL; }

extern "C" NAPI_MODULE_EXPORT napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  exports = cg::binding::define_exports(env, exports, cg::binding::Finalizers::kBasic);
  napi_value function;
  if (exports == nullptr ||
      napi_create_function(env, "writeCounters", NAPI_AUTO_LENGTH, write_counters, nullptr, &function) != napi_ok)
    return nullptr;
  napi_set_named_property(env, exports, "writeCounters", function);
  return exports;
}
