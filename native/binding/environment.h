// One Node environment (the main thread or a worker): its handles, and the memory it shares with JavaScript.
#pragma once
#include <node_api.h>

#include <memory>
#include <span>
#include <vector>

#include "core/collector.h"
#include "core/handles.h"
#include "device/pool.h"
#include "graph/plan.h"
#include "kernels/devices.h"

namespace cg::binding {

enum class Finalizers { kBasic, kNone };

class Environment {
public:
  Environment(napi_env env, Finalizers finalizers) : env_(env), finalizers_(finalizers) {}

  ~Environment();
  // Keeps the scratch of doubles and the shared words alive and remembers where they are; false for anything else.
  bool attach(napi_value io, napi_value words);

  // Has every device write its memory figures into these doubles, unless another environment has asked before.
  bool share_gauges(napi_value cells);

  Handles& handles() { return handles_; }
  Collector& collector() { return collector_; }
  double* io() const { return io_; }

  // `rank` sizes from io[first..], as a view without memory. False: more dims than kMaxRank, or a negative rank.
  bool read_shape(DType dtype, int rank, size_t first, View& shape) const;

  // A fresh contiguous tensor; nullptr with last_failure() when memory ran out or the device is absent.
  Tensor* make(const View& shape, DType dtype, int32_t device);
  // Tensors of the pool's device are made in it from now on; nullptr: in none.
  void use_pool(int32_t device, Pool* pool) {
    const auto place = static_cast<size_t>(device);
    if (pools_.size() <= place) pools_.resize(place + 1);
    pools_[place] = pool;
  }
  // Where work on a device goes; through the trace, while there is one.
  Launcher& launcher(int32_t device) const {
    if (trace != nullptr && device == 0) return *trace;
    if (trace != nullptr) trace->refuse("it uses a device other than the CPU");
    return *devices()[static_cast<size_t>(device)].launcher;
  }
  Launcher& launcher(const Tensor& tensor) const { return launcher(tensor.storage->device); }

  // Gives the tensor to its JavaScript owner, whose death frees it. The last thing a call does: a collection may run inside.
  Handle give(Tensor& tensor, napi_value owner);

  // Keeps a typed array alive for a storage that uses its memory; without lender for anything else.
  Loan borrow_from(napi_value array);
  // Lets go of the objects of dead storages; not inside a garbage collection.
  void drop_lenders() {
    if (!finished_.empty()) drop_finished();
  }

private:
  static void finalize(node_api_basic_env, void* environment, void* handle);

  napi_env env_;
  Finalizers finalizers_;
  double* io_ = nullptr;
  double* gauges_ = nullptr; // when they are this environment's
  void drop_finished();
  static void release_lender(void* lender);
  static bool has_moved(void* lender, const void* data);

  struct Lender {
    Environment* environment;
    napi_ref reference;
  };
  std::vector<std::unique_ptr<Lender>>
      finished_;             // lenders of dead storages: a finalizer may not call Node to release them
  std::vector<Pool*> pools_; // by device; nullptr: the device's own memory
  Collector collector_;
  Handles handles_{collector_};

public:
  // These hold handles: they end before the table does.
  std::unique_ptr<graph::Trace> trace;             // what is being recorded, or nothing
  std::vector<std::unique_ptr<graph::Plan>> plans; // by number

  // Scratch for launches with many tensors.
  std::vector<View> inputs, outputs;
  std::vector<Tensor*> tensors;
};

} // namespace cg::binding
