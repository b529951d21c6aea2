// One Node environment (the main thread or a worker): its handles, and the memory it shares with JavaScript.
#pragma once
#include <node_api.h>

#include <memory>
#include <span>
#include <vector>

#include "core/collector.h"
#include "core/handles.h"
#include "kernels/devices.h"

namespace cg::binding {

enum class Finalizers { kBasic, kNone };

class Environment {
public:
  Environment(napi_env env, Finalizers finalizers) : env_(env), finalizers_(finalizers) {}

  // Keeps the scratch of doubles and the shared words alive and remembers where they are; false for anything else.
  bool attach(napi_value io, napi_value words);

  Handles& handles() { return handles_; }
  Collector& collector() { return collector_; }
  double* io() const { return io_; }

  // `rank` sizes from io[first..], as a view without memory. False: more dims than kMaxRank, or a negative rank.
  bool read_shape(DType dtype, int rank, size_t first, View& shape) const;

  // A fresh contiguous tensor; nullptr with last_failure() when memory ran out or the device is absent.
  Tensor* make(const View& shape, DType dtype, int32_t device);
  Launcher& launcher(const Tensor& tensor) const {
    return *devices()[static_cast<size_t>(tensor.storage->device)].launcher;
  }

  // Gives the tensor to its JavaScript owner, whose death frees it. The last thing a call does: a collection may run inside.
  Handle give(Tensor& tensor, napi_value owner);

  // Keeps a JavaScript object alive for a storage that uses its memory, until release_lender() with what this answers.
  void* keep_lender(napi_value object);
  static void release_lender(void* lender);
  // Lets go of the objects of dead storages; not inside a garbage collection.
  void drop_lenders() {
    if (!finished_.empty()) drop_finished();
  }

  // Scratch for launches with many tensors.
  std::vector<View> inputs, outputs;

private:
  static void finalize(node_api_basic_env, void* environment, void* handle);

  napi_env env_;
  Finalizers finalizers_;
  double* io_ = nullptr;
  void drop_finished();

  struct Lender {
    Environment* environment;
    napi_ref reference;
  };
  std::vector<std::unique_ptr<Lender>>
      finished_; // lenders of dead storages: a finalizer may not call Node to release them
  Collector collector_;
  Handles handles_{collector_};
};

} // namespace cg::binding
