// The streams of a device: which one a thread's work goes to, and blocks that wait until other streams no longer use them.
#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "core/status.h"
#include "device/driver.h"

namespace cg {

// A stream by its number; 0 is the one that is always there.
class Streams {
public:
  static constexpr int32_t kMost = 32; // beside the first; after them the same come again, as in PyTorch

  explicit Streams(const cg_driver& driver);

  // The number of a further stream, or a status. A device without streams of its own answers 0.
  int32_t open();
  // This thread's work goes there from now on.
  void use(int32_t stream);
  int32_t current() const;
  int32_t count() const { return count_.load(std::memory_order_acquire); }
  bool several() const { return count() > 1; }

  // A mark behind what was asked of `stream`.
  int32_t record(int32_t stream, cg_event** event);
  // What is asked of `stream` from now on comes after `event`.
  int32_t await(int32_t stream, cg_event* event);
  // Polls instead of blocking, so that an interrupt gets through.
  Status wait(cg_event* event);
  // For the work of one stream.
  Status drain(int32_t stream);

private:
  template <class Call> int32_t on(int32_t stream, const Call& call);

  const cg_driver& driver_;
  const size_t device_; // its place among all devices of the process
  std::mutex lock_;
  cg_stream* streams_[kMost + 1] = {};
  int32_t next_ = 1;
  std::atomic<int32_t> count_{1};
};

// Blocks that were freed while streams other than their own used them.
class Deferred {
public:
  explicit Deferred(Streams& streams, const cg_driver& driver) : streams_(streams), driver_(driver) {}

  // `block` is free when the streams of `mask` have done what was asked of them so far. False: it is now.
  bool add(uint64_t block, uint64_t mask);
  bool empty() const { return waiting_.empty(); }
  // Calls free(block) for those that are.
  template <class Free> void poll(const Free& free) {
    for (size_t i = 0; i < waiting_.size();) {
      if (!over(waiting_[i])) {
        ++i;
        continue;
      }
      const uint64_t block = waiting_[i].block;
      waiting_[i] = std::move(waiting_.back());
      waiting_.pop_back();
      free(block);
    }
  }
  // Waits for all of them; they are still to be polled.
  void wait();

private:
  struct Waiting {
    uint64_t block;
    std::vector<cg_event*> events;
  };
  bool over(Waiting& waiting);

  Streams& streams_;
  const cg_driver& driver_;
  std::vector<Waiting> waiting_;
};

} // namespace cg
