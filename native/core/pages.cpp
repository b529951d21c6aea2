// Linux: mmap, with transparent huge pages for big blocks.
#include "core/pages.h"

#include <algorithm>
#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>

namespace cg {

void* map_pages(size_t bytes) {
  const bool huge = bytes >= 2 * kHugePage;
  const size_t reserve = huge ? bytes + kHugePage : bytes;
  void* raw = mmap(nullptr, reserve, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  if (!huge) return raw;

  auto* begin = static_cast<char*>(raw);
  const size_t head = (kHugePage - reinterpret_cast<uintptr_t>(raw) % kHugePage) % kHugePage;
  if (head > 0) munmap(begin, head);
  if (kHugePage > head) munmap(begin + head + bytes, kHugePage - head);
  madvise(begin + head, bytes, MADV_HUGEPAGE);
  return begin + head;
}

void unmap_pages(void* pages, size_t bytes) { munmap(pages, bytes); }

size_t last_level_cache() {
  constexpr long kMost = 128 << 20, kUsual = 8 << 20;
  static const long reported = sysconf(_SC_LEVEL3_CACHE_SIZE); // slow: virtual machines trap it
  return static_cast<size_t>(reported > 0 ? std::min(reported, kMost) : kUsual);
}

bool past_caches(const void* data, size_t bytes) {
  constexpr size_t kShare = 32 << 20;
  return bytes > std::min(last_level_cache(), kShare) && reinterpret_cast<uintptr_t>(data) % 64 == 0;
}

} // namespace cg
