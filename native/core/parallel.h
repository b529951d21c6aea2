// The one thread pool: splits a range into fixed chunks, so that results do not depend on the thread count.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>

#include "core/status.h"

namespace cg {

int thread_count();
void set_thread_count(int n); // 1 to 256

// True once somebody asked to stop; kernels that run longer than a few milliseconds poll it between chunks.
bool cancelled();

namespace detail {
using ChunkFn = void (*)(void* context, int64_t begin, int64_t end);
void parallel_chunks(int64_t begin, int64_t end, int64_t grain, ChunkFn fn, void* context);
} // namespace detail

// Calls fn(begin, end) for consecutive chunks of `grain` items (the last may be shorter) of [begin, end). Chunks are claimed
// by an atomic counter; the caller works too. A range of at most one grain, and any nested call, runs inline.
// Chunk boundaries depend on `grain` only. Stops claiming when cancelled; returns kCancelled then.
template <class Fn> Status parallel_for(int64_t begin, int64_t end, int64_t grain, const Fn& fn) {
  if (begin >= end) return Status::kOk;
  detail::parallel_chunks(
      begin, end, grain, [](void* context, int64_t b, int64_t e) { (*static_cast<const Fn*>(context))(b, e); },
      const_cast<Fn*>(&fn));
  return cancelled() ? fail(Status::kCancelled) : Status::kOk;
}

// Calls fn(begin, end) for consecutive pieces of [0, n), here and in order, for work whose every step needs the last; stops when cancelled.
template <class Fn> void in_turn(int64_t n, const Fn& fn) {
  constexpr int64_t kPiece = 1 << 20; // a few milliseconds
  for (int64_t begin = 0; begin < n && !cancelled(); begin += kPiece)
    fn(begin, n - begin < kPiece ? n : begin + kPiece);
}

// Scratch memory from the caching allocator (64-byte aligned), none for 0 bytes; released by the destructor.
class Scratch {
public:
  explicit Scratch(size_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  bool ok() const { return data_ != nullptr || bytes_ == 0; }
  template <class T> T* as() const { return static_cast<T*>(data_); }

private:
  void* data_;
  size_t bytes_;
};

} // namespace cg
