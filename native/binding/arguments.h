// Reads the positional numbers of a call and makes its answer.
#pragma once
#include "binding/environment.h"

namespace cg::binding {

class Arguments {
public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = kMost;
    void* data = nullptr;
    napi_get_cb_info(env, info, &count, values_, nullptr, &data);
    environment_ = static_cast<Environment*>(data);
  }

  Environment& environment() const { return *environment_; }
  napi_value operator[](size_t i) const { return values_[i]; }

  int32_t integer(size_t i) const {
    int32_t value = -1;
    napi_get_value_int32(env_, values_[i], &value);
    return value;
  }
  int64_t long_integer(size_t i) const {
    int64_t value = 0;
    napi_get_value_int64(env_, values_[i], &value);
    return value;
  }
  double number(size_t i) const {
    double value = 0;
    napi_get_value_double(env_, values_[i], &value);
    return value;
  }
  DType dtype(size_t i) const { return static_cast<DType>(integer(i)); }
  Tensor* tensor(size_t i) const { return environment_->handles().find(integer(i)); }
  const Device* device(size_t i) const {
    const auto index = static_cast<size_t>(integer(i));
    return index < devices().size() ? &devices()[index] : nullptr;
  }

  // The bytes of a typed array or DataView.
  std::span<char> bytes(size_t i) const;

  napi_value answer(int32_t value) const {
    napi_value result;
    napi_create_int32(env_, value, &result);
    return result;
  }
  napi_value answer(Status status) const { return answer(static_cast<int32_t>(status)); }
  // The tensor's handle, given to `owner`; nullptr means that making it failed.
  napi_value answer(Tensor* tensor, napi_value owner) const {
    if (tensor == nullptr) return answer(Status::kOutOfMemory);
    return answer(environment_->give(*tensor, owner));
  }
  napi_value nothing() const { return nullptr; } // undefined

  napi_env env() const { return env_; }

private:
  static constexpr size_t kMost = 9;
  napi_env env_;
  napi_value values_[kMost];
  Environment* environment_;
};

} // namespace cg::binding
