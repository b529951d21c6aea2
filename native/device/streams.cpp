// The streams of a device.
#include "device/streams.h"

#include <array>
#include <bit>
#include <chrono>
#include <thread>

#include "core/parallel.h"

namespace cg {
namespace {

constexpr size_t kDevices = 64;
std::atomic<size_t> devices{0};
thread_local std::array<int32_t, kDevices> chosen{}; // of each device

} // namespace

Streams::Streams(const cg_driver& driver) : driver_(driver), device_(devices.fetch_add(1) % kDevices) {}

int32_t Streams::current() const { return chosen[device_]; }

int32_t Streams::open() {
  if (driver_.open_stream == nullptr) return 0;
  std::lock_guard guard(lock_);
  const int32_t number = next_;
  if (streams_[number] == nullptr) {
    if (const int32_t status = driver_.open_stream(driver_.self, &streams_[number]); status != 0) return status;
    count_.store(number + 1, std::memory_order_release);
  }
  next_ = number % kMost + 1;
  return number;
}

void Streams::use(int32_t stream) {
  if (stream == current() || stream < 0 || stream >= count()) return;
  chosen[device_] = stream;
  driver_.use_stream(driver_.self, streams_[stream]);
}

template <class Call> int32_t Streams::on(int32_t stream, const Call& call) {
  const int32_t before = current();
  use(stream);
  const int32_t status = call();
  use(before);
  return status;
}

int32_t Streams::record(int32_t stream, cg_event** event) {
  return on(stream, [&] { return driver_.record(driver_.self, event); });
}

int32_t Streams::await(int32_t stream, cg_event* event) {
  if (driver_.await_event == nullptr) return 0; // one stream: its work is done in order
  return on(stream, [&] { return driver_.await_event(driver_.self, event); });
}

Status Streams::wait(cg_event* event) {
  int32_t state = 0;
  for (int round = 0; (state = driver_.query(driver_.self, event)) == 0; ++round) {
    if (cancelled()) return fail(Status::kCancelled);
    if (round > 100) std::this_thread::sleep_for(std::chrono::microseconds(round > 1000 ? 200 : 20));
  }
  return state < 0 ? fail(static_cast<Status>(state)) : Status::kOk;
}

Status Streams::drain(int32_t stream) {
  cg_event* event = nullptr;
  if (const int32_t status = record(stream, &event); status != 0) return fail(static_cast<Status>(status));
  const Status status = wait(event);
  driver_.forget(driver_.self, event);
  return status;
}

bool Deferred::add(uint64_t block, uint64_t mask) {
  Waiting waiting{block, {}};
  for (; mask != 0; mask &= mask - 1) {
    cg_event* event = nullptr;
    // On a device that was lost nothing is under way any more.
    if (streams_.record(std::countr_zero(mask), &event) == 0) waiting.events.push_back(event);
  }
  if (over(waiting)) return false;
  waiting_.push_back(std::move(waiting));
  return true;
}

bool Deferred::over(Waiting& waiting) {
  std::erase_if(waiting.events, [&](cg_event* event) {
    if (driver_.query(driver_.self, event) == 0) return false;
    driver_.forget(driver_.self, event);
    return true;
  });
  return waiting.events.empty();
}

void Deferred::wait() {
  for (const Waiting& waiting : waiting_)
    for (cg_event* event : waiting.events)
      if (streams_.wait(event) != Status::kOk) return;
}

} // namespace cg
