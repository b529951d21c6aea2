// Shared memory figures: what they say at once, and what their history keeps.
#include "check.h"

#include <algorithm>
#include <vector>

#include "core/allocator.h"
#include "core/gauge.h"

namespace cg::test {

TEST("a gauge follows every allocation, keeps the most of a half second, and "
     "stops when it is detached") {
  Allocator& memory = host_allocator();
  std::vector<double> cells(Gauge::kCells);
  memory.share(cells.data(), 1000);
  const double before = cells[Gauge::kLive];
  CHECK(cells[Gauge::kTotal] == 1000);
  const int64_t from = coarse_milliseconds() / Gauge::kSlotMilliseconds;
  const Block block = memory.allocate(1 << 20);
  CHECK(cells[Gauge::kLive] == before + static_cast<double>(block.bytes));
  memory.deallocate(block);
  const int64_t to = coarse_milliseconds() / Gauge::kSlotMilliseconds;
  CHECK(cells[Gauge::kLive] == before);
  double most = 0, last = -1;
  for (int64_t slot = from; slot <= to; ++slot) {
    const double* entry = &cells[Gauge::kRing + static_cast<size_t>(slot) % Gauge::kSlots * Gauge::kStride];
    if (entry[0] != static_cast<double>(slot + 1)) continue;
    most = std::max(most, entry[1]);
    last = entry[2];
  }
  CHECK(most >= before + static_cast<double>(block.bytes));
  CHECK(last == before);
  memory.share(nullptr, 0);
  memory.deallocate(memory.allocate(1 << 20));
  CHECK(cells[Gauge::kLive] == before);
}

} // namespace cg::test
