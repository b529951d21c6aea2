// A tensor as the runtime holds it: a view of a counted storage.
#pragma once
#include <cstdint>

#include "core/allocator.h"
#include "core/view.h"

namespace cg {

// A tensor's name outside the core: 21 bits of slot below 10 bits of generation. Negative numbers are a Status.
using Handle = int32_t;

// Memory of somebody else.
struct Loan {
  void (*give_back)(void* lender) = nullptr;
  bool (*taken)(void* lender, const void* data) = nullptr; // true once its owner took it away; nullptr: it cannot
  void* lender = nullptr;
};

// Bytes on one device, shared by all views of them. Counted without atomics: a storage belongs to one environment.
struct Storage {
  Block block;
  size_t bytes = 0;            // asked for: the block may be larger
  Allocator* memory = nullptr; // where the block came from; nullptr: a loan
  Loan loan;
  int32_t device = 0;
  uint32_t references = 0;
  int64_t version = 0; // grows with each write in place; autograd compares it with what it saved
  int64_t id = 0;
  int64_t born = 0; // coarse_milliseconds()
  int32_t cell = 0; // the number of the notebook cell that ran then, or 0
  Storage* next_free = nullptr;
};

// One slot of the handle table.
struct Tensor {
  View view;
  Storage* storage = nullptr; // nullptr: the slot is free, or its tensor was released and its owner still lives
  Handle handle = 0;
  bool owned =
      false; // the owner's finalizer will reclaim the slot; until then the handle stays stale instead of being reused
  Tensor* next_free = nullptr;

  int64_t offset() const {
    const auto bytes = static_cast<const char*>(view.data) - static_cast<const char*>(storage->block.data);
    return bytes / static_cast<int64_t>(element_size(view.dtype));
  }
};

} // namespace cg
