// Pools that a person named.
#include "device/pool.h"

#include <algorithm>
#include <deque>
#include <memory>

#include "device/memory.h"

namespace cg {
namespace {

// Pools live as long as the process: the blocks of a closed one may outlive the object that stood for it.
struct All {
  std::mutex lock;
  std::deque<std::unique_ptr<Pool>> pools;
};
All& all() {
  static All* instance = std::make_unique<All>().release();
  return *instance;
}

} // namespace

Pool::Pool(int32_t index, const Device& device)
    : index_(index), memory_(*device.memory), segments_(device.segments),
      number_(segments_ == nullptr ? 0 : segments_->open_pool()) {}

int32_t Pool::open(int32_t index, const Device& device) {
  std::lock_guard guard(all().lock);
  all().pools.push_back(std::make_unique<Pool>(index, device));
  return static_cast<int32_t>(all().pools.size());
}

Pool* Pool::find(int32_t number) {
  std::lock_guard guard(all().lock);
  const auto place = static_cast<size_t>(number);
  return place >= 1 && place <= all().pools.size() ? all().pools[place - 1].get() : nullptr;
}

Block Pool::allocate(size_t bytes) {
  if (segments_ != nullptr) return segments_->allocate_in(number_, bytes);
  const Block block = memory_.allocate(bytes);
  std::lock_guard guard(lock_);
  ++counted_.allocations;
  if (block.data == nullptr) return block;
  counted_.live += block.bytes;
  counted_.peak = std::max(counted_.peak, counted_.live);
  return block;
}

void Pool::deallocate(Block block) {
  memory_.deallocate(block);
  if (segments_ != nullptr) return;
  std::lock_guard guard(lock_);
  counted_.live -= block.bytes;
}

MemoryFigures Pool::figures() {
  if (segments_ != nullptr) return segments_->pool_figures(number_);
  std::lock_guard guard(lock_);
  return counted_;
}

void Pool::close() {
  if (segments_ != nullptr) segments_->close_pool(number_);
}

} // namespace cg
