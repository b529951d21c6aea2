// Runs structured kernels by name on small tensors of chosen layouts, for the tests of native/kernels/cpu.
#pragma once
#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "core/parallel.h"
#include "kernels/cpu/table.h"
#include "kernels/devices.h"

namespace cg::test {

enum class Layout {
  kContiguous,
  kReversed,
  kStepped
}; // reversed: the first dim is innermost; stepped: every other element
constexpr Layout kLayouts[] = {Layout::kContiguous, Layout::kReversed, Layout::kStepped};

// Memory and a view of it. Elements are numbered in row-major order whatever the layout.
template <class T> class Tensor {
public:
  explicit Tensor(std::vector<int64_t> sizes, Layout layout = Layout::kContiguous) {
    view_.dtype = DTypeOf<T>::value;
    view_.rank = static_cast<int>(sizes.size());
    std::copy(sizes.begin(), sizes.end(), view_.sizes);
    for (int64_t size : sizes) view_.numel *= size;
    int64_t stride = layout == Layout::kStepped ? 2 : 1;
    for (int d = 0; d < view_.rank; ++d) {
      const int dim = layout == Layout::kReversed ? d : view_.rank - 1 - d;
      view_.strides[dim] = stride;
      stride *= sizes[static_cast<size_t>(dim)];
    }
    memory_.resize(static_cast<size_t>(std::max<int64_t>(1, stride)));
  }

  template <class Value> Tensor& fill(const Value& value) {
    for (int64_t i = 0; i < view_.numel; ++i) at(i) = static_cast<T>(value(i));
    return *this;
  }
  // Small whole numbers, so that sums are exact in every order.
  Tensor& fill_small(uint32_t seed) {
    return fill([&](int64_t) { return static_cast<int>((seed = seed * 1664525u + 1013904223u) >> 24) % 7 - 3; });
  }

  T& at(int64_t i) {
    int64_t offset = 0;
    for (int d = view_.rank - 1; d >= 0; i /= view_.sizes[d--]) offset += i % view_.sizes[d] * view_.strides[d];
    return memory()[offset];
  }
  View view() {
    View view = view_;
    view.data = memory();
    return view;
  }
  int64_t numel() const { return view_.numel; }
  bool equals(std::initializer_list<double> expected) {
    int64_t i = 0;
    for (double value : expected)
      if (i >= numel() || static_cast<double>(at(i++)) != value) return false;
    return i == numel();
  }

private:
  struct Element { // std::vector<bool> would pack bits
    T value{};
  };
  T* memory() { return &memory_[0].value; }

  View view_;
  std::vector<Element> memory_;
};

// `values` as a contiguous tensor of these sizes.
template <class T> Tensor<T> tensor(std::vector<int64_t> sizes, std::vector<double> values) {
  Tensor<T> result(std::move(sizes));
  result.fill([&](int64_t i) { return values[static_cast<size_t>(i)]; });
  return result;
}

inline Status run(std::string_view kernel, std::vector<View> in, std::vector<View> out, std::vector<double> attr = {}) {
  const auto names = structured_names();
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == kernel) return cpu::table().structured[i]({in, out, attr});
  return Status::kInvalid;
}

} // namespace cg::test
