// Walks a reduction of a strided tensor as tiles of reduced rows and kept columns, the same for every thread count.
#pragma once
#include <type_traits>

#include "core/view.h"

namespace cg::cpu {

// A piece of one launch. Element (i, j) is at data + i * row_stride + j * col_stride (in elements); rows are reduced,
// each column has its total.
struct Tile {
  const void* data;
  DType dtype;
  int64_t rows, row_stride;
  int64_t cols, col_stride;
  int64_t first; // index of row 0 in the reduced space
};

// What is computed: totals are plain memory of `total_size` bytes each, merged in the order of the reduced space.
class Reduction {
public:
  virtual size_t total_size() const = 0;
  virtual void start(void* totals, int64_t count) const = 0;
  virtual void add(const Tile& tile, void* totals) const = 0;
  virtual void merge(void* totals, const void* later, int64_t count) const = 0;
  // Total k belongs to the output element output + k * stride.
  virtual void finish(const void* totals, int64_t count, int64_t output, int64_t stride) const = 0;

protected:
  ~Reduction() = default;
};

// kMemory visits the reduced elements in the order of their addresses, kLogical in row-major order: then Tile::first is
// an index.
enum class Order { kMemory, kLogical };

// Reduces the dims of `mask`; outputs are numbered in row-major order of the other dims.
Status reduce(const View& x, uint32_t mask, Order order, const Reduction& reduction);

// Product of the sizes of the dims in `mask`.
int64_t reduced_count(const View& x, uint32_t mask);

// y[index] = value, converted to y's dtype; y is contiguous.
void store_converted(const View& y, int64_t index, double value);
void store_converted(const View& y, int64_t index, int64_t value);
template <class V> void store(const View& y, int64_t index, V value) {
  if (y.dtype == DTypeOf<V>::value) return void(y.as<V>()[index] = value);
  if (std::is_floating_point_v<V> && y.dtype == DType::kFloat32)
    return void(y.as<float>()[index] = static_cast<float>(value));
  store_converted(y, index, static_cast<std::conditional_t<std::is_floating_point_v<V>, double, int64_t>>(value));
}

constexpr uint32_t one_dim(const View& x, int64_t dim) { return x.rank == 0 ? 0 : 1u << dim; }
constexpr uint32_t all_dims(const View& x) { return (1u << x.rank) - 1; }

} // namespace cg::cpu
