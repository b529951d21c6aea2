// The pool: workers spin briefly, then sleep; a caller never waits for a worker that has not claimed a chunk.
#include "core/parallel.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "core/allocator.h"
#include "core/cancel.h"
#include "core/machine.h"

namespace cg {
namespace {

thread_local const std::atomic<int32_t>* cancel_word = nullptr;
thread_local bool inside_region = false;

constexpr auto kSpin = std::chrono::microseconds(300); // longer than a minor garbage collection between two ops
constexpr int kMostThreads = 256;

// One region at a time. `gate` holds the number of workers inside, and kOpen while more may enter.
struct Region {
  static constexpr uint32_t kOpen = 1u << 31;
  detail::ChunkFn fn;
  void* context;
  int64_t end, grain;
  const std::atomic<int32_t>* cancel;
  alignas(64) std::atomic<int64_t> next{0};
  alignas(64) std::atomic<uint32_t> gate{0};

  void work() {
    while (!cancelled()) {
      const int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
      if (begin >= end) return;
      fn(context, begin, std::min(begin + grain, end));
    }
  }
};

class Pool {
public:
  Pool() {
    const char* asked = std::getenv("CELLGRAD_THREADS");
    const int count = asked != nullptr ? std::atoi(asked) : static_cast<int>(std::thread::hardware_concurrency());
    size_ = std::clamp(count, 1, kMostThreads);
  }

  int size() const { return size_.load(std::memory_order_relaxed); }
  void resize(int n) { size_ = std::clamp(n, 1, kMostThreads); }

  // False when another thread's region is running: the caller then works alone.
  bool run(int64_t begin, int64_t end, int64_t grain, detail::ChunkFn fn, void* context) {
    std::unique_lock guard(busy_, std::try_to_lock);
    if (!guard.owns_lock()) return false;
    const int helpers = static_cast<int>(std::min<int64_t>(size() - 1, (end - begin - 1) / grain));
    while (started_ < helpers) std::thread(&Pool::serve, this, started_++).detach();

    region_.fn = fn;
    region_.context = context;
    region_.end = end;
    region_.grain = grain;
    region_.cancel = cancel_word;
    region_.next.store(begin, std::memory_order_relaxed);
    helpers_.store(helpers, std::memory_order_relaxed);
    region_.gate.store(Region::kOpen, std::memory_order_release);
    epoch_.fetch_add(1); // sequentially consistent with the sleeper's count: no lost wake-up
    if (sleepers_.load() > 0) wake();

    inside_region = true;
    region_.work();
    inside_region = false;
    region_.gate.fetch_and(~Region::kOpen, std::memory_order_acquire);
    while (region_.gate.load(std::memory_order_acquire) != 0) __builtin_ia32_pause();
    return true;
  }

private:
  // Linux likes to wake a thread beside the one that wakes it, where it would wait for milliseconds: until we are done.
  void wake() {
    const int here = current_processor();
    if (here != avoided_) {
      avoided_ = here;
      for (int i = 0; i < started_; ++i) {
        const int worker = workers_[static_cast<size_t>(i)];
        if (worker != 0)
          keep_off_processor(worker, here);
        else
          avoided_ = -1; // not begun yet: again at the next time
      }
    }
    epoch_.notify_all();
  }

  void serve(int index) {
    inside_region = true; // whatever runs here is already inside a region
    workers_[static_cast<size_t>(index)] = current_thread();
    for (uint32_t seen = epoch_.load();;) {
      if (index < helpers_.load(std::memory_order_relaxed) && enter()) {
        cancel_word = region_.cancel;
        region_.work();
        cancel_word = nullptr;
        region_.gate.fetch_sub(1, std::memory_order_release);
      }
      wait_past(seen);
      seen = epoch_.load();
    }
  }

  bool enter() {
    uint32_t gate = region_.gate.load(std::memory_order_relaxed);
    while ((gate & Region::kOpen) != 0)
      if (region_.gate.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire)) return true;
    return false;
  }

  void wait_past(uint32_t seen) {
    const auto deadline = std::chrono::steady_clock::now() + kSpin;
    do {
      for (int i = 0; i < 64; ++i) {
        if (epoch_.load(std::memory_order_relaxed) != seen) return;
        __builtin_ia32_pause();
      }
    } while (std::chrono::steady_clock::now() < deadline);
    sleepers_.fetch_add(1);
    epoch_.wait(seen);
    sleepers_.fetch_sub(1);
  }

  std::atomic<int> size_{1};
  int started_ = 0;
  int avoided_ = -1;                                     // the processor that the workers were told to keep off
  std::array<std::atomic<int>, kMostThreads> workers_{}; // their ids at the operating system, once they run
  std::mutex busy_;
  Region region_;
  std::atomic<int> helpers_{0};
  alignas(64) std::atomic<uint32_t> epoch_{0};
  std::atomic<int> sleepers_{0};
};

// Never destroyed: its threads live as long as the process.
Pool& pool() {
  static Pool* instance = std::make_unique<Pool>().release();
  return *instance;
}

} // namespace

int thread_count() { return pool().size(); }
void set_thread_count(int n) { pool().resize(n); }

bool cancelled() { return cancel_word != nullptr && cancel_word->load(std::memory_order_relaxed) != 0; }
void set_cancel_word(const std::atomic<int32_t>* word) { cancel_word = word; }

void detail::parallel_chunks(int64_t begin, int64_t end, int64_t grain, ChunkFn fn, void* context) {
  const bool alone = end - begin <= grain || inside_region || thread_count() == 1;
  if (!alone && pool().run(begin, end, grain, fn, context)) return;
  for (int64_t b = begin; b < end && !cancelled(); b += grain) fn(context, b, std::min(b + grain, end));
}

Scratch::Scratch(size_t bytes) : data_(nullptr), bytes_(bytes) {
  if (bytes == 0) return;
  const Block block = host_allocator().allocate(bytes);
  data_ = block.data;
  if (data_ != nullptr) bytes_ = block.bytes;
}
Scratch::~Scratch() {
  if (data_ != nullptr) host_allocator().deallocate({data_, bytes_});
}

} // namespace cg
