// Decides when to ask for a garbage collection.
#include "core/collector.h"

#include <algorithm>

#include "core/pages.h"

namespace cg {
namespace {
constexpr int64_t kLeast = 4 << 20, kMost = 32 << 20; // of the first budget
constexpr int64_t kLargest = int64_t{1} << 30;        // of any budget
} // namespace

Collector::Collector()
    : base_(std::clamp(static_cast<int64_t>(last_level_cache() / 4), kLeast, kMost)), budget_(base_) {}

void Collector::set_budget(int64_t bytes) { base_ = budget_ = std::max<int64_t>(bytes, 1); }

void Collector::request() {
  if (at_request_ >= 0) return;
  at_request_ = live_;
  ++requests_;
  if (word_ != nullptr) word_->store(1, std::memory_order_relaxed);
}

void Collector::collected(bool major) {
  if (at_request_ >= 0 && !major) {
    const int64_t grown = std::max<int64_t>(at_request_ - settled_, 1);
    const int64_t freed = at_request_ - live_;
    if (freed < grown / 4)
      budget_ = std::min(budget_ * 2, std::max(base_, kLargest));
    else if (freed > grown / 4 * 3)
      budget_ = std::max(budget_ / 2, base_);
  }
  at_request_ = -1;
  settled_ = live_;
}

} // namespace cg
