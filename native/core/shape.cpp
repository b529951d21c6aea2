// Arithmetic on sizes and strides.
#include "core/shape.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace cg {
namespace {

// First and past-the-last byte that the view can touch.
std::pair<const char*, const char*> extent(const View& view) {
  int64_t low = 0, high = 0;
  for (int d = 0; d < view.rank; ++d) {
    const int64_t reach = (view.sizes[d] - 1) * view.strides[d];
    (reach < 0 ? low : high) += reach;
  }
  const auto size = static_cast<int64_t>(element_size(view.dtype));
  const auto* data = static_cast<const char*>(view.data);
  return {data + low * size, data + (high + 1) * size};
}

} // namespace

void make_contiguous(View& view) {
  view.numel = 1;
  int64_t stride = 1;
  for (int d = view.rank - 1; d >= 0; --d) {
    view.strides[d] = stride;
    stride *= std::max<int64_t>(view.sizes[d], 1);
    view.numel *= view.sizes[d];
  }
}

bool same_shape(const View& a, const View& b) {
  return a.rank == b.rank && std::memcmp(a.sizes, b.sizes, static_cast<size_t>(a.rank) * sizeof(int64_t)) == 0;
}

void broadcast_shape(std::span<const View* const> inputs, View& shape) {
  shape.rank = 0;
  for (const View* input : inputs) shape.rank = std::max(shape.rank, input->rank);
  std::fill_n(shape.sizes, shape.rank, 1);
  for (const View* input : inputs) {
    int64_t* last = shape.sizes + (shape.rank - input->rank);
    for (int d = 0; d < input->rank; ++d)
      if (input->sizes[d] != 1) last[d] = input->sizes[d];
  }
  shape.numel = 1;
  for (int d = 0; d < shape.rank; ++d) shape.numel *= shape.sizes[d];
}

View expand(const View& view, const View& shape) {
  View result;
  result.data = view.data;
  result.dtype = view.dtype;
  result.rank = shape.rank;
  result.numel = shape.numel;
  const int added = shape.rank - view.rank;
  for (int d = 0; d < shape.rank; ++d) {
    const bool repeated = d < added || (view.sizes[d - added] == 1 && shape.sizes[d] != 1);
    result.sizes[d] = shape.sizes[d];
    result.strides[d] = repeated ? 0 : view.strides[d - added];
  }
  return result;
}

bool reshape(const View& view, std::span<const int64_t> sizes, View& result) {
  result.data = view.data;
  result.dtype = view.dtype;
  result.rank = static_cast<int>(sizes.size());
  std::copy(sizes.begin(), sizes.end(), result.sizes);
  if (view.numel <= 1 || view.contiguous()) {
    make_contiguous(result);
    return true;
  }
  result.numel = view.numel;
  // Walk runs of dims that lie behind one another in memory, from the last; each must be filled by whole result dims.
  int target = result.rank - 1;
  int64_t run_stride = view.strides[view.rank - 1], run = 1, filled = 1;
  for (int d = view.rank - 1; d >= 0; --d) {
    run *= view.sizes[d];
    const bool ends = d == 0 || (view.sizes[d - 1] != 1 && view.strides[d - 1] != run * run_stride);
    if (!ends) continue;
    while (target >= 0 && (filled < run || result.sizes[target] == 1)) {
      result.strides[target] = filled * run_stride;
      filled *= result.sizes[target--];
    }
    if (filled != run) return false;
    if (d > 0) {
      run_stride = view.strides[d - 1];
      run = filled = 1;
    }
  }
  return target < 0;
}

bool overlaps(const View& out, const View& in) {
  const auto [out_begin, out_end] = extent(out);
  const auto [in_begin, in_end] = extent(in);
  if (in_end <= out_begin || out_end <= in_begin) return false;
  if (in.data != out.data || in.dtype != out.dtype || !same_shape(out, in)) return true;
  for (int d = 0; d < out.rank; ++d)
    if (out.sizes[d] != 1 && out.strides[d] != in.strides[d]) return true;
  return false;
}

namespace {

// Every place of its extent is an element of its own.
bool dense(const View& view) {
  if (view.contiguous()) return true;
  std::array<int, kMaxRank> order{};
  int rank = 0;
  for (int d = 0; d < view.rank; ++d)
    if (view.sizes[d] != 1) order[static_cast<size_t>(rank++)] = d;
  const std::span<int> dims(order.data(), static_cast<size_t>(rank));
  std::ranges::sort(dims, {}, [&](int d) { return view.strides[d]; });
  int64_t expected = 1;
  for (const int d : dims) {
    if (view.strides[d] != expected) return false;
    expected *= view.sizes[d];
  }
  return true;
}

} // namespace

Status writable(const View& out, std::span<const View* const> in) {
  if (out.numel == 0) return Status::kOk;
  for (int d = 0; d < out.rank; ++d)
    if (out.strides[d] == 0 && out.sizes[d] > 1) return fail(Status::kOverlap, 1);
  for (const View* view : in)
    if (view->numel > 0 && view->data != nullptr && overlaps(out, *view) && dense(out) && dense(*view))
      return fail(Status::kOverlap, 2);
  return Status::kOk;
}

} // namespace cg
