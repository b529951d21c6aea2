// Visits the elements of N views of one shape in row-major order, run by run along the last dim.
#pragma once
#include <algorithm>
#include <array>

#include "core/view.h"

namespace cg {

// The shape of a walk, with dims merged where every view allows it. Strides are in bytes.
template <int N> struct Walk {
  int rank = 0;
  int64_t sizes[kMaxRank] = {};
  std::array<int64_t, N> strides[kMaxRank] = {};
  std::array<char*, N> data = {};

  explicit Walk(const std::array<const View*, N>& views) {
    for (int k = 0; k < N; ++k) data[k] = static_cast<char*>(views[k]->data);
    for (int d = 0; d < views[0]->rank; ++d) {
      if (views[0]->sizes[d] == 1) continue;
      std::array<int64_t, N> step;
      for (int k = 0; k < N; ++k) step[k] = views[k]->strides[d] * static_cast<int64_t>(element_size(views[k]->dtype));
      push(views[0]->sizes[d], step);
    }
    if (rank == 0) push(1, {});
  }

  int64_t inner() const { return sizes[rank - 1]; }
  const std::array<int64_t, N>& inner_strides() const { return strides[rank - 1]; }

private:
  void push(int64_t size, const std::array<int64_t, N>& step) {
    bool merge = rank > 0;
    for (int k = 0; merge && k < N; ++k) merge = strides[rank - 1][k] == size * step[k];
    if (merge) {
      sizes[rank - 1] *= size;
    } else {
      sizes[rank++] = size;
    }
    strides[rank - 1] = step;
  }
};

// A place in a walk.
template <int N> class Cursor {
public:
  Cursor(const Walk<N>& walk, int64_t position) : walk_(walk), at_(walk.data) {
    for (int d = walk.rank - 1; d >= 0; --d) {
      index_[d] = position % walk.sizes[d];
      position /= walk.sizes[d];
      for (int k = 0; k < N; ++k) at_[k] += index_[d] * walk.strides[d][k];
    }
  }

  char* at(int k) const { return at_[k]; }
  int64_t left_in_run() const { return walk_.inner() - index_[walk_.rank - 1]; }

  // Goes `count` elements on, at most to the end of the run.
  void advance(int64_t count) {
    int d = walk_.rank - 1;
    index_[d] += count;
    for (int k = 0; k < N; ++k) at_[k] += count * walk_.strides[d][k];
    while (index_[d] == walk_.sizes[d] && d > 0) {
      for (int k = 0; k < N; ++k) at_[k] += walk_.strides[d - 1][k] - walk_.sizes[d] * walk_.strides[d][k];
      index_[d] = 0;
      ++index_[--d];
    }
  }

private:
  const Walk<N>& walk_;
  std::array<char*, N> at_;
  int64_t index_[kMaxRank] = {};
};

} // namespace cg
