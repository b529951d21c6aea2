// The addon's functions as properties of its exports object.
#include "binding/exports.h"

#include "core/parallel.h"

namespace cg::binding {

napi_value define_exports(napi_env env, napi_value exports, Finalizers finalizers) {
  napi_value value;
  napi_get_boolean(env, finalizers == Finalizers::kBasic, &value);
  napi_set_named_property(env, exports, "basicFinalizers", value);
  return exports;
}

} // namespace cg::binding
