// The thread pool: every chunk once, nesting, many callers, cancelling.
#include "check.h"

#include <atomic>
#include <chrono>
#include <sched.h>
#include <thread>
#include <vector>

#include "core/cancel.h"
#include "core/parallel.h"

namespace cg::test {
namespace {

// True when parallel_for visits each of n items exactly once, in chunks that
// start at multiples of the grain.
bool visits_once(int64_t n, int64_t grain) {
  std::vector<std::atomic<int>> visits(static_cast<size_t>(n));
  std::atomic<bool> aligned{true};
  const Status status = parallel_for(0, n, grain, [&](int64_t begin, int64_t end) {
    if (begin % grain != 0 || end - begin > grain) aligned = false;
    for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
  });
  for (const auto& count : visits)
    if (count != 1) return false;
  return status == Status::kOk && aligned;
}

} // namespace

TEST("every item is visited once, whatever the number of threads") {
  const int threads = thread_count();
  for (int n : {1, 2, 5}) {
    set_thread_count(n);
    for (int round = 0; round < 200; ++round) CHECK(visits_once(1000 + round, 7));
    CHECK(visits_once(3, 100) && visits_once(0, 1));
  }
  set_thread_count(threads);
}

TEST("a nested region runs inside its caller") {
  std::atomic<int64_t> sum{0};
  parallel_for(0, 16, 1, [&](int64_t, int64_t) {
    parallel_for(0, 100, 10, [&](int64_t begin, int64_t end) { sum += end - begin; });
  });
  CHECK(sum == 1600);
}

TEST("callers on several threads do not disturb one another") {
  std::atomic<int> right{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&] {
      for (int round = 0; round < 100; ++round) right += visits_once(500, 3);
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(right == 400);
}

TEST("a worker that slept wakes on another processor than its caller's") {
  const auto processors = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    return CPU_COUNT(&set);
  };
  const int threads = thread_count(), all = processors();
  set_thread_count(2);
  const auto caller = std::this_thread::get_id();
  std::atomic<bool> apart{all == 1};
  for (int round = 0; round < 2000 && !apart; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2)); // so that the worker sleeps
    parallel_for(0, 64, 1, [&](int64_t, int64_t) {
      if (std::this_thread::get_id() != caller && processors() == all - 1) apart = true;
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    });
  }
  CHECK(apart);
  set_thread_count(threads);
}

TEST("the cancel word stops a region, and only while it is set") {
  std::atomic<int32_t> word{0};
  set_cancel_word(&word);
  std::atomic<int64_t> done{0};
  const Status status = parallel_for(0, 1000, 1, [&](int64_t, int64_t) {
    if (++done == 10) word = 1;
  });
  CHECK(status == Status::kCancelled && done < 1000);
  word = 0;
  CHECK(visits_once(100, 1));
  set_cancel_word(nullptr);
}

} // namespace cg::test
