// The addon's functions as properties of its exports object.
#include "binding/exports.h"

#include <memory>

namespace cg::binding {

napi_value define_exports(napi_env env, napi_value exports, Finalizers finalizers) {
  auto* environment = std::make_unique<Environment>(env, finalizers).release();
  // Set before any tensor exists: Node runs finalizers newest first, so the environment goes last.
  napi_set_instance_data(
      env, environment,
      [](node_api_basic_env, void* data, void*) {
        std::unique_ptr<Environment>(static_cast<Environment*>(data)).reset();
      },
      nullptr);

  napi_value value;
  napi_get_boolean(env, finalizers == Finalizers::kBasic, &value);
  napi_set_named_property(env, exports, "basicFinalizers", value);
  for (const auto& group : {life_functions(), view_functions(), copy_functions(), pointwise_functions(),
                            structured_functions(), plan_functions(), system_functions(), event_functions(),
                            pool_functions(), external_functions(), file_functions()}) {
    for (const auto& [name, call] : group) {
      napi_create_function(env, name, NAPI_AUTO_LENGTH, call, environment, &value);
      napi_set_named_property(env, exports, name, value);
    }
  }
  return exports;
}

} // namespace cg::binding
