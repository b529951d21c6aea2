// One Node environment.
#include "binding/environment.h"

#include <atomic>
#include <memory>

#include "core/cancel.h"
#include "core/shape.h"

namespace cg::binding {
namespace {

// The data of a typed array of `type` with at least `length` elements, kept alive for the life of the environment.
void* keep(napi_env env, napi_value array, napi_typedarray_type type, size_t length) {
  napi_typedarray_type actual;
  size_t count = 0;
  void* data = nullptr;
  const bool fits = napi_get_typedarray_info(env, array, &actual, &count, &data, nullptr, nullptr) == napi_ok &&
                    actual == type && count >= length;
  if (!fits) return nullptr;
  napi_ref reference; // released by Node when the environment ends
  napi_create_reference(env, array, 1, &reference);
  return data;
}

} // namespace

Environment::~Environment() {
  if (gauges_ != nullptr) cg::share_gauges(nullptr);
}

bool Environment::share_gauges(napi_value cells) {
  auto* doubles = static_cast<double*>(keep(env_, cells, napi_float64_array, kGaugedDevices * Gauge::kCells));
  if (doubles == nullptr) return false;
  if (cg::share_gauges(doubles)) gauges_ = doubles;
  return true;
}

bool Environment::attach(napi_value io, napi_value words) {
  static_assert(sizeof(std::atomic<int32_t>) == sizeof(int32_t) && std::atomic<int32_t>::is_always_lock_free);
  io_ = static_cast<double*>(keep(env_, io, napi_float64_array, 4096));
  auto* word = static_cast<std::atomic<int32_t>*>(keep(env_, words, napi_int32_array, 4));
  if (io_ == nullptr || word == nullptr) return false;
  collector_.set_word(word);
  set_cancel_word(word + 1);
  handles_.set_cell_word(word + 2);
  return true;
}

bool Environment::read_shape(DType dtype, int rank, size_t first, View& shape) const {
  if (rank < 0 || rank > kMaxRank) return false;
  shape.dtype = dtype;
  shape.rank = rank;
  for (int d = 0; d < rank; ++d) shape.sizes[d] = static_cast<int64_t>(io_[first + static_cast<size_t>(d)]);
  make_contiguous(shape);
  return true;
}

Tensor* Environment::make(const View& shape, DType dtype, int32_t device) {
  const auto place = static_cast<size_t>(device);
  Pool* pool = place < pools_.size() ? pools_[place] : nullptr;
  Allocator& memory = pool != nullptr ? *pool : *devices()[place].memory;
  Tensor* tensor = handles_.make(shape, dtype, device, memory);
  if (trace != nullptr && tensor != nullptr) trace->made(*tensor);
  return tensor;
}

Handle Environment::give(Tensor& tensor, napi_value owner) {
  const Handle handle = tensor.handle;
  if (finalizers_ == Finalizers::kNone) return handle;
  tensor.owned = true;
  auto* hint = reinterpret_cast<void*>(static_cast<intptr_t>(handle));
  if (napi_add_finalizer(env_, owner, this, finalize, hint, nullptr) != napi_ok) tensor.owned = false;
  return handle;
}

Loan Environment::borrow_from(napi_value array) {
  napi_value buffer;
  bool detachable = false; // a shared buffer is not
  if (napi_get_typedarray_info(env_, array, nullptr, nullptr, nullptr, &buffer, nullptr) != napi_ok) return {};
  napi_is_arraybuffer(env_, buffer, &detachable);
  auto lender = std::make_unique<Lender>(Lender{this, nullptr});
  if (napi_create_reference(env_, array, 1, &lender->reference) != napi_ok) return {};
  return {release_lender, detachable ? has_moved : nullptr, lender.release()};
}

// ArrayBuffer.prototype.transfer() takes the memory away from its buffer, whatever marks the buffer has.
bool Environment::has_moved(void* lender, const void* data) {
  const auto* own = static_cast<Lender*>(lender);
  napi_env env = own->environment->env_;
  napi_value array;
  void* now = nullptr;
  napi_get_reference_value(env, own->reference, &array);
  napi_get_typedarray_info(env, array, nullptr, nullptr, &now, nullptr, nullptr);
  return now != data;
}

void Environment::release_lender(void* lender) {
  auto* own = static_cast<Lender*>(lender);
  own->environment->finished_.emplace_back(own);
}

void Environment::drop_finished() {
  for (const auto& lender : finished_) napi_delete_reference(env_, lender->reference);
  finished_.clear();
}

void Environment::finalize(node_api_basic_env, void* environment, void* handle) {
  static_cast<Environment*>(environment)->handles_.reclaim(static_cast<Handle>(reinterpret_cast<intptr_t>(handle)));
}

} // namespace cg::binding
