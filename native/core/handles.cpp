// The handle table of one environment.
#include "core/handles.h"

#include "core/gauge.h"
#include "core/shape.h"

namespace cg {

Handles::~Handles() {
  for (uint32_t slot = 0; slot < made_; ++slot) {
    Tensor& tensor = blocks_[slot / kBlock][slot % kBlock];
    if (tensor.storage != nullptr) drop_storage(tensor);
  }
}

Tensor* Handles::make(const View& shape, DType dtype, int32_t device, Allocator& memory) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(static_cast<size_t>(shape.numel), element_size(dtype), &bytes)) bytes = SIZE_MAX / 2;
  const Block block = memory.allocate(bytes);
  if (block.data == nullptr) return nullptr;
  Tensor* tensor = fill_slot(shape, dtype, device, block, bytes);
  if (tensor == nullptr) {
    memory.deallocate(block);
    return nullptr;
  }
  tensor->storage->memory = &memory;
  collector_.made(block.bytes);
  return tensor;
}

Tensor* Handles::borrow(const View& shape, DType dtype, int32_t device, Block block, const Loan& loan) {
  Tensor* tensor = fill_slot(shape, dtype, device, block, block.bytes);
  if (tensor == nullptr) return nullptr;
  tensor->storage->memory = nullptr;
  tensor->storage->loan = loan;
  return tensor;
}

// A contiguous tensor of a storage over `block`; the caller says whose memory it is.
Tensor* Handles::fill_slot(const View& shape, DType dtype, int32_t device, Block block, size_t bytes) {
  Tensor* tensor = take_slot();
  if (tensor == nullptr) return nullptr;
  Storage* storage = take_storage();
  storage->block = block;
  storage->bytes = bytes;
  storage->device = device;
  storage->references = 1;
  storage->loan = {};
  storage->version = 0;
  storage->id = next_storage_id_++;
  storage->born = coarse_milliseconds();
  storage->cell = cell_word_ != nullptr ? cell_word_->load(std::memory_order_relaxed) : 0;

  tensor->storage = storage;
  View& view = tensor->view;
  view.data = block.data;
  view.dtype = dtype;
  view.rank = shape.rank;
  view.numel = shape.numel;
  int64_t stride = 1;
  for (int d = shape.rank - 1; d >= 0; --d) {
    view.sizes[d] = shape.sizes[d];
    view.strides[d] = stride;
    stride *= shape.sizes[d] > 1 ? shape.sizes[d] : 1;
  }
  return tensor;
}

void Handles::move_storage(Tensor& tensor, void* data, const Loan& loan) {
  Storage& storage = *tensor.storage;
  auto* from = static_cast<char*>(storage.block.data);
  for (uint32_t slot = 0; slot < made_; ++slot) {
    Tensor& other = blocks_[slot / kBlock][slot % kBlock];
    if (other.storage == &storage) other.view.data = static_cast<char*>(data) + (other.view.as<char>() - from);
  }
  give_back(storage);
  storage.block = {data, storage.bytes};
  storage.memory = nullptr;
  storage.loan = loan;
}

Tensor* Handles::share(const Tensor& base, const View& view) {
  Tensor* tensor = take_slot();
  if (tensor == nullptr) return nullptr;
  tensor->storage = base.storage;
  ++base.storage->references;
  tensor->view = view;
  return tensor;
}

const Tensor* Handles::owner_of(const void* data) const {
  for (uint32_t slot = 0; slot < made_; ++slot) {
    const Tensor& tensor = blocks_[slot / kBlock][slot % kBlock];
    if (tensor.storage == nullptr) continue;
    const auto* block = static_cast<const char*>(tensor.storage->block.data);
    if (data >= block && data < block + tensor.storage->block.bytes) return &tensor;
  }
  return nullptr;
}

void Handles::release(Handle handle) {
  Tensor* tensor = held(handle);
  if (tensor == nullptr) return;
  drop_storage(*tensor);
  if (!tensor->owned) free_slot(*tensor);
}

void Handles::reclaim(Handle handle) {
  Tensor& tensor = blocks_[(handle & kSlotMask) / kBlock][(handle & kSlotMask) % kBlock];
  if (tensor.storage != nullptr) drop_storage(tensor);
  free_slot(tensor);
}

Tensor* Handles::take_slot() {
  Tensor* tensor = free_slots_;
  if (tensor != nullptr) {
    free_slots_ = tensor->next_free;
  } else {
    if (made_ > kSlotMask) {
      collector_.request();
      fail(Status::kOutOfMemory);
      return nullptr;
    }
    if (made_ % kBlock == 0) blocks_.push_back(std::make_unique<Tensor[]>(kBlock));
    tensor = &blocks_[made_ / kBlock][made_ % kBlock];
    tensor->handle = static_cast<Handle>(made_++);
  }
  tensor->owned = false;
  ++live_;
  return tensor;
}

void Handles::free_slot(Tensor& tensor) {
  const uint32_t slot = static_cast<uint32_t>(tensor.handle) & kSlotMask;
  const uint32_t generation = ((static_cast<uint32_t>(tensor.handle) >> kSlotBits) + 1) % kGenerations;
  tensor.handle = static_cast<Handle>(generation << kSlotBits | slot);
  tensor.next_free = free_slots_;
  free_slots_ = &tensor;
}

Storage* Handles::take_storage() {
  if (free_storages_ == nullptr) {
    storage_blocks_.push_back(std::make_unique<Storage[]>(kBlock));
    for (uint32_t i = kBlock; i-- > 0;) {
      storage_blocks_.back()[i].next_free = free_storages_;
      free_storages_ = &storage_blocks_.back()[i];
    }
  }
  Storage* storage = free_storages_;
  free_storages_ = storage->next_free;
  return storage;
}

void Handles::drop_storage(Tensor& tensor) {
  Storage* storage = tensor.storage;
  tensor.storage = nullptr;
  --live_;
  if (--storage->references > 0) return;
  give_back(*storage);
  storage->next_free = free_storages_;
  free_storages_ = storage;
}

void Handles::give_back(Storage& storage) {
  if (storage.memory == nullptr) {
    storage.loan.give_back(storage.loan.lender);
    return;
  }
  collector_.freed(storage.block.bytes);
  storage.memory->deallocate(storage.block);
}

} // namespace cg
