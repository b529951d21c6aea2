// The handle table of one environment: makes tensors, finds them by handle, counts their storages.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "core/collector.h"
#include "core/tensor.h"

namespace cg {

class Handles {
public:
  explicit Handles(Collector& collector) : collector_(collector) {}
  ~Handles();
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;

  // Where the number of the cell that runs stands.
  void set_cell_word(const std::atomic<int32_t>* word) { cell_word_ = word; }

  // nullptr when the handle is stale, or its memory was taken away.
  Tensor* find(Handle handle) const {
    Tensor* tensor = held(handle);
    if (tensor == nullptr || tensor->storage->loan.taken == nullptr) return tensor;
    const Storage& storage = *tensor->storage;
    return storage.loan.taken(storage.loan.lender, storage.block.data) ? nullptr : tensor;
  }

  // A contiguous tensor of a fresh storage; of `shape` only rank, sizes and numel are read.
  // nullptr when memory or slots ran out; last_failure() says more.
  Tensor* make(const View& shape, DType dtype, int32_t device, Allocator& memory);
  // A contiguous tensor over memory that somebody else owns; it is given back when its last view is gone.
  Tensor* borrow(const View& shape, DType dtype, int32_t device, Block memory, const Loan& loan);
  // Moves the storage of `tensor`, with all its views, to memory of the same size that somebody else owns.
  void move_storage(Tensor& tensor, void* data, const Loan& loan);
  // A tensor of an existing storage.
  Tensor* share(const Tensor& base, const View& view);

  // A tensor whose storage `data` points into, or nullptr. Looks at all of them.
  const Tensor* owner_of(const void* data) const;

  // Drops the tensor's memory. The slot stays taken while an owner's finalizer is still to come.
  void release(Handle handle);
  // The owner died.
  void reclaim(Handle handle);

  int64_t live_tensors() const { return live_; }

  // Calls fn(tensor) for every live tensor.
  template <class Fn> void for_each(const Fn& fn) const {
    for (uint32_t slot = 0; slot < made_; ++slot) {
      const Tensor& tensor = blocks_[slot / kBlock][slot % kBlock];
      if (tensor.storage != nullptr) fn(tensor);
    }
  }

private:
  static constexpr uint32_t kSlotBits = 21;
  static constexpr uint32_t kSlotMask = (1u << kSlotBits) - 1;
  static constexpr uint32_t kGenerations = 1u << 10;
  static constexpr uint32_t kBlock = 1024;

  // nullptr when the handle is stale.
  Tensor* held(Handle handle) const {
    const auto slot = static_cast<uint32_t>(handle) & kSlotMask;
    if (slot >= made_) return nullptr;
    Tensor& tensor = blocks_[slot / kBlock][slot % kBlock];
    return tensor.handle == handle && tensor.storage != nullptr ? &tensor : nullptr;
  }
  Tensor* take_slot();
  void free_slot(Tensor& tensor);
  Storage* take_storage();
  Tensor* fill_slot(const View& shape, DType dtype, int32_t device, Block block, size_t bytes);
  void give_back(Storage& storage);
  void drop_storage(Tensor& tensor);

  Collector& collector_;
  const std::atomic<int32_t>* cell_word_ = nullptr;
  std::vector<std::unique_ptr<Tensor[]>> blocks_;
  std::vector<std::unique_ptr<Storage[]>> storage_blocks_;
  uint32_t made_ = 0; // slots that were ever in use
  Tensor* free_slots_ = nullptr;
  Storage* free_storages_ = nullptr;
  int64_t live_ = 0;
  int64_t next_storage_id_ = 1;
};

} // namespace cg
