// Handles: generations, owners, shared storages, and when a collection is asked for.
#include "check.h"

#include <atomic>
#include <set>

#include "core/handles.h"
#include "core/shape.h"

namespace cg::test {
namespace {

View vector_of(int64_t size) {
  View shape;
  shape.rank = 1;
  shape.sizes[0] = size;
  make_contiguous(shape);
  return shape;
}

cg::Tensor* make(Handles& handles, int64_t size) {
  return handles.make(vector_of(size), DType::kFloat32, 0, host_allocator());
}

} // namespace

TEST("a released handle is stale, also when its slot is used again") {
  Collector collector;
  Handles handles(collector);
  const Handle first = make(handles, 4)->handle;
  CHECK(handles.find(first) != nullptr && handles.live_tensors() == 1);
  handles.release(first);
  handles.release(first);
  CHECK(handles.find(first) == nullptr && handles.live_tensors() == 0);
  const Handle second = make(handles, 4)->handle;
  CHECK(second != first && handles.find(first) == nullptr && handles.find(second) != nullptr);
}

TEST("numbers that were never handles are stale") {
  Collector collector;
  Handles handles(collector);
  make(handles, 1);
  for (Handle handle : {-1, 1, 12345, 1 << 30, INT32_MAX, INT32_MIN}) CHECK(handles.find(handle) == nullptr);
}

TEST("a slot with an owner is not used again before the owner dies") {
  Collector collector;
  Handles handles(collector);
  cg::Tensor* tensor = make(handles, 4);
  const Handle owned = tensor->handle;
  tensor->owned = true;
  handles.release(owned);
  std::set<Handle> others;
  for (int i = 0; i < 3000; ++i) {
    const Handle other = make(handles, 1)->handle;
    others.insert(other);
    handles.release(other);
  }
  constexpr Handle kSlots = (1 << 21) - 1;
  for (Handle other : others) CHECK((other & kSlots) != (owned & kSlots));
  handles.reclaim(owned);
  CHECK((make(handles, 1)->handle & kSlots) == (owned & kSlots));
}

TEST("views keep the storage alive") {
  Collector collector;
  const uint64_t live = host_allocator().figures().live;
  {
    Handles handles(collector);
    cg::Tensor* base = make(handles, 1000);
    cg::Tensor* view = handles.share(*base, base->view);
    const Handle kept = view->handle;
    handles.release(base->handle);
    CHECK(host_allocator().figures().live > live && handles.find(kept)->view.numel == 1000);
    handles.release(kept);
    CHECK(host_allocator().figures().live == live);
    make(handles, 1000);
  }
  CHECK(host_allocator().figures().live == live); // the table frees what is left
}

TEST("growth beyond the budget asks for one collection, and the budget follows what collections free") {
  std::atomic<int32_t> word{0};
  Collector collector;
  collector.set_word(&word);
  collector.set_budget(1000);
  collector.made(900);
  collector.freed(900);
  collector.made(1000);
  CHECK(word == 0);
  collector.made(1);
  collector.made(5000);
  CHECK(word == 1 && collector.requests() == 1);
  word = 0;
  collector.collected(false); // nothing was freed
  CHECK(collector.budget() == 2000);
  collector.made(2001);
  collector.freed(2001);
  collector.collected(false); // everything was
  CHECK(word == 1 && collector.budget() == 1000);
}

} // namespace cg::test
