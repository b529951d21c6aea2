// The caching allocator: classes, reuse, eviction, the cap.
#include "check.h"

#include <cstdint>
#include <cstring>
#include <vector>

#include "core/allocator.h"
#include "core/machine.h"
#include "core/status.h"

namespace cg::test {

TEST("size classes hold what was asked and waste at most a quarter") {
  for (size_t bytes = 1; bytes < (size_t{1} << 33); bytes += bytes / 7 + 1) {
    const size_t size = size_class(bytes);
    CHECK(size >= bytes && size >= 64);
    CHECK(size % 64 == 0 && size - bytes <= bytes / 4 + 64);
    CHECK(size_class(size) == size);
  }
}

TEST("blocks are aligned to 64 bytes and do not overlap") {
  Allocator& memory = host_allocator();
  std::vector<Block> blocks;
  for (size_t bytes : {0, 1, 64, 65, 1000, 65536, 65537, 1 << 20, 5 << 20})
    blocks.push_back(memory.allocate(static_cast<size_t>(bytes)));
  for (size_t i = 0; i < blocks.size(); ++i) std::memset(blocks[i].data, static_cast<int>(i), blocks[i].bytes);
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto* bytes = static_cast<const unsigned char*>(blocks[i].data);
    CHECK(reinterpret_cast<uintptr_t>(bytes) % 64 == 0);
    CHECK(bytes[0] == i && bytes[blocks[i].bytes - 1] == i);
    memory.deallocate(blocks[i]);
  }
}

TEST("a freed block is the next of its class") {
  Allocator& memory = host_allocator();
  for (size_t bytes : {100, 300000}) {
    const Block block = memory.allocate(bytes);
    memory.deallocate(block);
    const uint64_t hits = memory.figures().hits;
    const Block again = memory.allocate(bytes - 1);
    CHECK(again.data == block.data && memory.figures().hits == hits + 1);
    memory.deallocate(again);
  }
}

TEST("figures count live and cached bytes, and the peak until it is reset") {
  Allocator& memory = host_allocator();
  memory.empty_cache();
  memory.reset_peak();
  const MemoryFigures before = memory.figures();
  const Block block = memory.allocate(10 << 20);
  CHECK(memory.figures().live == before.live + block.bytes && memory.figures().peak == before.live + block.bytes);
  memory.deallocate(block);
  CHECK(memory.figures().live == before.live && memory.figures().cached == before.cached + block.bytes);
  CHECK(memory.figures().peak == before.live + block.bytes);
  memory.reset_peak();
  CHECK(memory.figures().peak == before.live);
  memory.empty_cache();
  CHECK(memory.figures().cached == before.cached);
}

TEST("an allocation over the cap is refused with its figures") {
  Allocator& memory = host_allocator();
  const uint64_t live = memory.figures().live;
  memory.set_cap(live + (1 << 20));
  CHECK(memory.allocate(2 << 20).data == nullptr);
  CHECK(last_failure().detail[0] == (2 << 20) && last_failure().detail[3] == static_cast<double>(live + (1 << 20)));
  const Block small = memory.allocate(1000);
  CHECK(small.data != nullptr);
  memory.deallocate(small);
  memory.set_cap(0);
}

TEST("a size that no machine has is refused") {
  CHECK(host_allocator().allocate(size_t{1} << 47).data == nullptr);
  CHECK(host_allocator().allocate(SIZE_MAX / 2).data == nullptr);
}

TEST("what the machine does not have is refused, although the system would "
     "promise it") {
  Allocator& memory = host_allocator();
  CHECK(available_memory() <= total_memory() && available_memory() > 0);
  CHECK(memory.allocate(total_memory() + 1).data == nullptr);
  const Block first = memory.allocate(available_memory() / 4); // never written to
  CHECK(memory.allocate(total_memory() - first.bytes + 1).data == nullptr);
  if (first.data != nullptr) memory.deallocate(first);
  memory.empty_cache();
}

} // namespace cg::test
