// Where an extreme is: the reduction behind argmax, argmin and the min and max along a dim.
#pragma once
#include "kernels/cpu/moments.h"

namespace cg::cpu::CG_ISA {

// The first extreme and its index in the reduced space; index -1: nothing seen yet.
template <class In> struct Place {
  In value;
  int64_t index;
};

template <class In, bool Greatest> class ExtremePlace final : public Reduction {
public:
  ExtremePlace(const View* values, const View& indices) : values_(values), indices_(indices) {}

  size_t total_size() const override { return sizeof(Place<In>); }
  void start(void* totals, int64_t count) const override {
    for (int64_t k = 0; k < count; ++k) static_cast<Place<In>*>(totals)[k] = {In{}, -1};
  }
  void add(const Tile& tile, void* memory) const override {
    Place<In>* totals = static_cast<Place<In>*>(memory);
    for_pieces<In>(tile, [&](int64_t column, const In* piece, int64_t n, int64_t first) {
      if (n < kLanes) {
        for (int64_t i = 0; i < n; ++i)
          if (beats(piece[i], totals[column])) totals[column] = {piece[i], first + i};
        return;
      }
      const In value = fold_run(Extreme<In, Greatest>{}, piece, n);
      if (beats(value, totals[column])) totals[column] = {value, first + find(piece, n, value)};
    });
  }
  void merge(void* totals, const void* later, int64_t count) const override {
    for (int64_t k = 0; k < count; ++k) {
      const Place<In>& other = static_cast<const Place<In>*>(later)[k];
      Place<In>& total = static_cast<Place<In>*>(totals)[k];
      if (other.index >= 0 && beats(other.value, total)) total = other;
    }
  }
  void finish(const void* totals, int64_t count, int64_t output, int64_t stride) const override {
    for (int64_t k = 0; k < count; ++k, output += stride) {
      const Place<In>& total = static_cast<const Place<In>*>(totals)[k];
      if (values_ != nullptr) store(*values_, output, total.value);
      indices_.as<int64_t>()[output] = total.index;
    }
  }

private:
  static bool beats(In value, const Place<In>& total) {
    if (total.index < 0) return true;
    return Greatest ? value > total.value || (value != value && total.value == total.value)
                    : value < total.value || (value != value && total.value == total.value);
  }
  // The first position of `value`; a NaN is found by being a NaN.
  static int64_t find(const In* piece, int64_t n, In value) {
    const auto same = [=](In x) {
      return static_cast<int>(x == value) | static_cast<int>((x != x) & (value != value));
    };
    constexpr int64_t kStep = 64;
    int64_t i = 0;
    for (; i + kStep <= n; i += kStep) {
      int found = 0;
      for (int64_t k = 0; k < kStep; ++k) found |= same(piece[i + k]);
      if (found != 0) break;
    }
    while (i < n - 1 && same(piece[i]) == 0) ++i;
    return i;
  }

  const View* values_;
  const View& indices_;
};

} // namespace cg::cpu::CG_ISA
