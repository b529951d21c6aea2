// Decides when to ask for a garbage collection: JavaScript does not know how much native memory its dead tensors hold.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cg {

// The budget starts at a quarter of the last-level cache, because reused blocks should still be in it; it doubles when a minor
// collection frees less than a quarter of what was made (the tensors are in use) and halves back when one frees three quarters.
class Collector {
public:
  Collector();

  // The word is set to 1 to ask.
  void set_word(std::atomic<int32_t>* word) { word_ = word; }
  void set_budget(int64_t bytes);

  void made(size_t bytes) {
    live_ += static_cast<int64_t>(bytes);
    if (live_ - settled_ > budget_) request();
  }
  void freed(size_t bytes) { live_ -= static_cast<int64_t>(bytes); }

  void request();
  void collected(bool major);

  int64_t budget() const { return budget_; }
  int64_t requests() const { return requests_; }

private:
  std::atomic<int32_t>* word_ = nullptr;
  int64_t live_ = 0;        // bytes of this environment's storages
  int64_t settled_ = 0;     // live_ after the last collection
  int64_t at_request_ = -1; // live_ when a collection was asked for; -1: none is asked for
  int64_t base_, budget_;
  int64_t requests_ = 0;
};

} // namespace cg
