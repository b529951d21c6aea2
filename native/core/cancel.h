// Where this thread looks to learn that somebody wants it to stop.
#pragma once
#include <atomic>
#include <cstdint>

namespace cg {

// The word is watched by `cancelled()` on this thread and on the workers that help it; nullptr: nothing to watch.
void set_cancel_word(const std::atomic<int32_t>* word);

} // namespace cg
