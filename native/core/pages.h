// Memory straight from the operating system, in whole pages.
#pragma once
#include <cstddef>

namespace cg {

constexpr size_t kHugePage = size_t{2} << 20;

// Zeroed pages, or nullptr. Blocks of 4 MiB and more start on a huge page and ask for huge pages.
void* map_pages(size_t bytes);
void unmap_pages(void* pages, size_t bytes);
// Bytes of the last-level cache, at most 128 MiB: virtual machines report the cache of the whole host.
size_t last_level_cache();
// True for memory that is better written past the caches: it would not be found there by who reads it next.
bool past_caches(const void* data, size_t bytes);

} // namespace cg
