// cellgrad.node: asks for the experimental Node-API version, because only there finalizers run during the garbage collection itself.
#include <node_api.h>

#include "binding/exports.h"

extern "C" NAPI_MODULE_EXPORT int32_t node_api_module_get_api_version_v1() { return NAPI_VERSION_EXPERIMENTAL; }

extern "C" NAPI_MODULE_EXPORT napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  return cg::binding::define_exports(env, exports, cg::binding::Finalizers::kBasic);
}
