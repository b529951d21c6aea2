// Views: strides of reshapes, expansions, overlaps.
#include "check.h"
#include "structured.h"

#include "core/shape.h"

namespace cg::test {
namespace {

// Reads `view` in row-major order through its strides.
std::vector<int> elements(const View& view) {
  std::vector<int> found;
  for (int64_t i = 0; i < view.numel; ++i) {
    int64_t offset = 0, rest = i;
    for (int d = view.rank - 1; d >= 0; rest /= view.sizes[d--]) offset += rest % view.sizes[d] * view.strides[d];
    found.push_back(view.as<int32_t>()[offset]);
  }
  return found;
}

} // namespace

TEST("a reshape that succeeds reads the same elements in the same order") {
  const std::vector<std::vector<int64_t>> from = {{4, 6}, {2, 2, 6}, {24}, {1, 24, 1}, {4, 1, 6}, {2, 3, 4}};
  for (const auto& sizes : from) {
    for (Layout layout : kLayouts) {
      Tensor<int32_t> tensor(sizes, layout);
      tensor.fill([](int64_t i) { return i; });
      for (const auto& target : from) {
        View result;
        if (reshape(tensor.view(), target, result))
          CHECK(elements(result) == elements(tensor.view()));
        else
          CHECK(layout != Layout::kContiguous);
      }
    }
  }
}

TEST("a transposed matrix cannot be flattened without a copy, but its dims can be split") {
  Tensor<int32_t> matrix({4, 6}, Layout::kReversed);
  View result;
  CHECK(!reshape(matrix.view(), std::vector<int64_t>{24}, result));
  CHECK(reshape(matrix.view(), std::vector<int64_t>{2, 2, 3, 2}, result));
  CHECK(result.strides[0] == 2 && result.strides[1] == 1 && result.strides[2] == 8 && result.strides[3] == 4);
}

TEST("empty and scalar tensors reshape to anything of their size") {
  Tensor<int32_t> none({0, 3}), one({1, 1});
  View result;
  CHECK(reshape(none.view(), std::vector<int64_t>{3, 0, 7}, result) && result.numel == 0);
  CHECK(reshape(one.view(), std::vector<int64_t>{}, result) && result.rank == 0 && result.numel == 1);
}

TEST("expand repeats dims of size one and adds leading dims") {
  Tensor<int32_t> column({2, 1});
  column.fill([](int64_t i) { return i; });
  View shape;
  shape.rank = 3;
  std::copy_n(std::array<int64_t, 3>{2, 2, 3}.begin(), 3, shape.sizes);
  make_contiguous(shape);
  CHECK(elements(expand(column.view(), shape)) == std::vector<int>{0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1});
}

TEST("the same view does not overlap itself, a shifted or transposed one does") {
  Tensor<int32_t> memory({4, 4});
  const View view = memory.view();
  View shifted = view, transposed = view, apart = view;
  shifted.data = view.as<int32_t>() + 1;
  std::swap(transposed.strides[0], transposed.strides[1]);
  View top = view, bottom = view;
  top.sizes[0] = bottom.sizes[0] = 2;
  top.numel = bottom.numel = 8;
  bottom.data = view.as<int32_t>() + 8;
  CHECK(!overlaps(view, apart) && overlaps(view, shifted) && overlaps(view, transposed) && !overlaps(top, bottom));
}

} // namespace cg::test
