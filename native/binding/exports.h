// The addon's functions as properties of its exports object.
#pragma once
#include <node_api.h>

namespace cg::binding {

enum class Finalizers { kBasic, kNone };

napi_value define_exports(napi_env env, napi_value exports, Finalizers finalizers);

} // namespace cg::binding
