// cellgrad-compat.node: stable Node-API 8 for Node versions on which the basic finalizers are untested. Handles are freed from JavaScript.
#include <node_api.h>

#include "binding/exports.h"

extern "C" NAPI_MODULE_EXPORT int32_t node_api_module_get_api_version_v1() { return 8; }

extern "C" NAPI_MODULE_EXPORT napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  return cg::binding::define_exports(env, exports, cg::binding::Finalizers::kNone);
}
