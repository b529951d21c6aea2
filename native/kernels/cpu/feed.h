// Elements that a reduction is given as it comes to them, instead of reading them from memory.
#pragma once
#include <cstdint>
#include <memory>

#include "core/view.h"

namespace cg::cpu {

// Makes the elements of one contiguous tensor. Each is asked for once.
class Feed {
public:
  class Reader {
  public:
    virtual ~Reader() = default;
    // Writes the elements [begin, begin + n) to `into`.
    virtual void read(int64_t begin, int64_t n, void* into) = 0;
  };
  // For one thread.
  virtual std::unique_ptr<Reader> open() const = 0;

protected:
  ~Feed() = default;
};

// While it lives, a reduction that this thread starts of `view` takes its elements from the feed: the view's data is
// the address of the feed, so that no other reduction can be meant.
class Feeding {
public:
  Feeding(const Feed& feed, View& view);
  ~Feeding();
  Feeding(const Feeding&) = delete;
  Feeding& operator=(const Feeding&) = delete;
};

// The feed of a view, or nullptr when its elements lie in memory.
const Feed* feed_of(const View& view);

} // namespace cg::cpu
