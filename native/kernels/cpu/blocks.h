// Operands of pointwise work, block by block: brought into small buffers where they are not contiguous or of another type.
#pragma once
#include <algorithm>
#include <optional>

#include "core/pages.h"
#include "core/shape.h"
#include "core/walk.h"
#include "kernels/cpu/copy.h"

namespace cg::cpu {

constexpr int64_t kBlock = 1024;    // elements: a block of every operand fits the L1 cache
constexpr int64_t kGrain = 1 << 14; // elements per chunk of parallel work
constexpr int64_t kWidest = 16;     // bytes of the widest computed type

struct alignas(64) Buffer { char bytes[kBlock * kWidest]; };

inline int64_t size_of(DType dtype) { return static_cast<int64_t>(element_size(dtype)); }

inline bool past_cache(const View& out) {
  return past_caches(out.data, static_cast<size_t>(out.numel * size_of(out.dtype)));
}

// An input of a launch, fetched block by block as contiguous elements of type `wanted`.
class Source {
public:
  void open(const View& view, DType wanted, const View& out) {
    data_ = static_cast<const char*>(view.data);
    from_ = size_of(view.dtype);
    to_ = size_of(wanted);
    same_type_ = view.dtype == wanted;
    convert_ = convert(wanted, view.dtype);
    if (view.numel == out.numel && view.contiguous()) {
      kind_ = Kind::kLinear;
    } else if (view.numel == 1) {
      kind_ = Kind::kRepeated;
      convert_(repeated_.bytes, to_, data_, 0, std::min(out.numel, kBlock));
    } else {
      kind_ = Kind::kWalked;
      const View expanded = expand(view, out);
      walk_.emplace(std::array{&expanded});
    }
  }

  void start(std::optional<Cursor<1>>& cursor, int64_t position) const {
    if (walk_) cursor.emplace(*walk_, position);
  }

  // Elements [i, i + n), in `buffer` or where they lie.
  const void* fetch(int64_t i, int64_t n, std::optional<Cursor<1>>& cursor, Buffer& buffer) const {
    if (kind_ == Kind::kRepeated) return repeated_.bytes;
    if (kind_ == Kind::kLinear) {
      const char* at = data_ + i * from_;
      if (same_type_) return at;
      convert_(buffer.bytes, to_, at, from_, n);
      return buffer.bytes;
    }
    const int64_t stride = walk_->inner_strides()[0];
    if (same_type_ && stride == from_ && cursor->left_in_run() >= n) {
      const char* at = cursor->at(0);
      cursor->advance(n);
      return at;
    }
    for (char* into = buffer.bytes; n > 0;) {
      const int64_t count = std::min(n, cursor->left_in_run());
      convert_(into, to_, cursor->at(0), stride, count);
      cursor->advance(count);
      into += count * to_;
      n -= count;
    }
    return buffer.bytes;
  }

  // The same number for every element: what `fetch` answers begins with it.
  bool repeated() const { return kind_ == Kind::kRepeated; }

private:
  enum class Kind { kLinear, kRepeated, kWalked };
  Kind kind_;
  bool same_type_;
  const char* data_;
  int64_t from_, to_; // bytes of an element in memory, in the loop
  Convert convert_;
  std::optional<Walk<1>> walk_;
  Buffer repeated_;
};

// Where blocks of the result, of type `made`, go.
class Sink {
public:
  Sink(const View& out, DType made)
      : data_(static_cast<char*>(out.data)), size_(size_of(out.dtype)), made_(size_of(made)),
        convert_(convert(out.dtype, made)) {
    if (!out.contiguous()) {
      kind_ = Kind::kWalked;
      walk_.emplace(std::array{&out});
    } else if (out.dtype != made) {
      kind_ = Kind::kConverted;
    } else {
      kind_ = past_cache(out) ? Kind::kStreamed : Kind::kDirect;
    }
  }

  void start(std::optional<Cursor<1>>& cursor, int64_t position) const {
    if (walk_) cursor.emplace(*walk_, position);
  }

  // Where the loop writes elements from i on; `store` then brings them to their place.
  void* block(int64_t i, Buffer& buffer) const { return kind_ == Kind::kDirect ? data_ + i * size_ : buffer.bytes; }

  void store(int64_t i, int64_t n, const Buffer& buffer, std::optional<Cursor<1>>& cursor) const {
    const char* from = buffer.bytes;
    if (kind_ == Kind::kStreamed) return stream(data_ + i * size_, from, static_cast<size_t>(n * size_));
    if (kind_ == Kind::kConverted) return convert_(data_ + i * size_, size_, from, made_, n);
    if (kind_ != Kind::kWalked) return;
    while (n > 0) {
      const int64_t count = std::min(n, cursor->left_in_run());
      convert_(cursor->at(0), walk_->inner_strides()[0], from, made_, count);
      cursor->advance(count);
      from += count * made_;
      n -= count;
    }
  }

private:
  enum class Kind { kDirect, kConverted, kWalked, kStreamed };
  Kind kind_;
  char* data_;
  int64_t size_, made_;
  Convert convert_;
  std::optional<Walk<1>> walk_;
};

} // namespace cg::cpu
