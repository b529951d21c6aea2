// Selection and sorting of one long line, in place, that look at the cancel word: after a cancel the order is undefined.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>

#include "core/parallel.h"

namespace cg::cpu {

constexpr int64_t kPollSteps = 1 << 16; // between two looks at the cancel word, well below a millisecond

// Hoare's selection with the median of three as pivot: afterwards items[k] is in its place. PyTorch's order of swaps.
template <class Item, class Less> void select_nth(Item* items, int64_t n, int64_t k, const Less& less) {
  const auto greater = [&](int64_t i, int64_t j) { return less(items[j], items[i]); };
  const auto swap = [&](int64_t i, int64_t j) { std::swap(items[i], items[j]); };
  int64_t left = 0, right = n - 1, steps = 0;
  for (;;) {
    if (right <= left || cancelled()) return;
    if (right == left + 1) {
      if (greater(left, right)) swap(left, right);
      return;
    }
    swap(left + (right - left) / 2, left + 1);
    if (greater(left + 1, right)) swap(left + 1, right);
    if (greater(left, right)) swap(left, right);
    if (greater(left + 1, left)) swap(left + 1, left);
    int64_t i = left + 1, j = right;
    const Item pivot = items[left];
    for (;;) {
      do ++i;
      while (less(items[i], pivot));
      do --j;
      while (less(pivot, items[j]));
      if (j < i) break;
      swap(i, j);
      if (++steps % kPollSteps == 0 && cancelled()) return;
    }
    swap(left, j);
    if (j <= k) left = i;
    if (j >= k) right = j - 1;
  }
}

namespace detail {

constexpr int64_t kShort = 16; // what is left to the insertions at the end

// Elements below and from the median of three, which goes to items[0]; returns where the second part begins.
template <class Item, class Less> Item* partition(Item* first, Item* last, const Less& less) {
  Item *a = first + 1, *b = first + (last - first) / 2, *c = last - 1;
  if (less(*a, *b))
    std::swap(*first, less(*b, *c) ? *b : less(*a, *c) ? *c : *a);
  else
    std::swap(*first, less(*a, *c) ? *a : less(*b, *c) ? *c : *b);
  Item *low = first + 1, *high = last;
  for (int64_t steps = 1;; ++steps) {
    while (less(*low, *first)) ++low;
    do --high;
    while (less(*first, *high));
    if (low >= high || (steps % kPollSteps == 0 && cancelled())) return low;
    std::swap(*low++, *high);
  }
}

template <class Item, class Less> void sort_roughly(Item* first, Item* last, int depth, const Less& less) {
  for (; last - first > kShort && !cancelled(); --depth) {
    if (depth == 0) {
      std::make_heap(first, last, less);
      std::sort_heap(first, last, less);
      return;
    }
    Item* cut = partition(first, last, less);
    sort_roughly(cut, last, depth - 1, less);
    last = cut;
  }
}

} // namespace detail

// Musser's introsort with the choices of libstdc++'s std::sort, as PyTorch has it: equal elements end up in the same order.
template <class Item, class Less> void intro_sort(Item* items, int64_t n, const Less& less) {
  if (n < 2) return;
  detail::sort_roughly(items, items + n, 2 * (std::bit_width(static_cast<uint64_t>(n)) - 1), less);
  for (int64_t i = 1; i < n; ++i) {
    if (i % kPollSteps == 1 && cancelled()) return;
    const Item item = items[i];
    int64_t at = i;
    for (; at > 0 && less(item, items[at - 1]); --at) items[at] = items[at - 1];
    items[at] = item;
  }
}

} // namespace cg::cpu
