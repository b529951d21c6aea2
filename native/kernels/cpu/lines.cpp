// Walks lines along a dim: joins the other dims, and copies strided lines through a buffer.
#include "kernels/cpu/lines.h"

#include <algorithm>
#include <atomic>

#include "core/parallel.h"

namespace cg::cpu {
namespace {

constexpr int kOperands = 6;
constexpr int64_t kNeighbours = 16;
constexpr int64_t kChunk = 32768; // elements that one task takes

struct Operand {
  const View* view;
  bool output, buffered;
  int64_t element, length, stride;
  int64_t strides[kMaxRank]; // of the walk's dims
  char* buffer;

  int64_t buffer_bytes(int64_t lines) const { return buffered ? (lines * length * element + 63) / 64 * 64 : 0; }
};

template <class Word>
void copy_words(const char* from, int64_t from_row, int64_t from_line, char* to, int64_t to_row, int64_t to_line,
                int64_t rows, int64_t lines) {
  const Word* source = reinterpret_cast<const Word*>(from);
  Word* target = reinterpret_cast<Word*>(to);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < lines; ++j) target[i * to_row + j * to_line] = source[i * from_row + j * from_line];
}

// Copies `lines` neighbours, `apart` elements from each other, between a strided operand and its buffer.
void copy_lines(const Operand& o, char* strided, int64_t apart, int64_t lines) {
  const auto copy = [&]<class Word>() {
    if (o.output)
      copy_words<Word>(o.buffer, 1, o.length, strided, o.stride, apart, o.length, lines);
    else
      copy_words<Word>(strided, o.stride, apart, o.buffer, 1, o.length, o.length, lines);
  };
  switch (o.element) {
  case 1: return copy.operator()<uint8_t>();
  case 2: return copy.operator()<uint16_t>();
  case 4: return copy.operator()<uint32_t>();
  default: return copy.operator()<uint64_t>();
  }
}

// The dims other than `dim`, joined where one stride can walk them in every operand.
struct Walk {
  Operand operand[kOperands];
  int operands = 0;
  int64_t sizes[kMaxRank];
  int rank = 0;

  Walk(const Call& call, int64_t dim) {
    for (const View& v : call.in) add(v, dim, false);
    for (const View& v : call.out) add(v, dim, true);
    const View& shape = *operand[0].view;
    for (int d = 0; d < shape.rank; ++d) {
      if (d == dim || shape.sizes[d] == 1) continue;
      bool joins = rank > 0;
      for (int k = 0; joins && k < operands; ++k)
        joins = operand[k].strides[rank - 1] == operand[k].view->strides[d] * shape.sizes[d];
      const int at = joins ? rank - 1 : rank++;
      sizes[at] = joins ? sizes[at] * shape.sizes[d] : shape.sizes[d];
      for (int k = 0; k < operands; ++k) operand[k].strides[at] = operand[k].view->strides[d];
    }
  }

  void add(const View& v, int64_t dim, bool output) {
    const int64_t length = line_length(v, dim), stride = v.rank == 0 ? 1 : v.strides[dim];
    operand[operands++] = {
        &v, output, stride != 1 && length > 1, static_cast<int64_t>(element_size(v.dtype)), length, stride,
        {}, nullptr};
  }
  int64_t lines() const {
    int64_t n = 1;
    for (int d = 0; d < rank; ++d) n *= sizes[d];
    return n;
  }
  char* at(const Operand& o, int64_t line) const {
    int64_t offset = 0;
    for (int d = rank - 1; d >= 0; --d) {
      offset += line % sizes[d] * o.strides[d];
      line /= sizes[d];
    }
    return o.view->as<char>() + offset * o.element;
  }
};

// Serves the neighbouring lines [first, first + count); `walk` has buffers for them.
void serve(const Walk& walk, int64_t first, int64_t count, char* work, detail::LineFn fn, const void* context) {
  char* data[kOperands];
  for (int k = 0; k < walk.operands; ++k) {
    const Operand& o = walk.operand[k];
    data[k] = walk.at(o, first);
    if (o.buffered && !o.output) copy_lines(o, data[k], walk.rank > 0 ? o.strides[walk.rank - 1] : 0, count);
  }
  for (int64_t j = 0; j < count; ++j) {
    Line line = {{}, {}, work};
    int in = 0, out = 0;
    for (int k = 0; k < walk.operands; ++k) {
      const Operand& o = walk.operand[k];
      const int64_t apart = walk.rank > 0 ? o.strides[walk.rank - 1] : 0;
      char* start = o.buffered ? o.buffer + j * o.length * o.element : data[k] + j * apart * o.element;
      if (o.output)
        line.out[out++] = start;
      else
        line.in[in++] = start;
    }
    fn(context, line);
  }
  for (int k = 0; k < walk.operands; ++k) {
    const Operand& o = walk.operand[k];
    if (o.buffered && o.output) copy_lines(o, data[k], walk.rank > 0 ? o.strides[walk.rank - 1] : 0, count);
  }
}

} // namespace

Status detail::for_lines(const Call& call, int64_t dim, int64_t work_bytes, LineFn fn, const void* context) {
  const Walk walk(call, dim);
  const int64_t lines = walk.lines(), inner = walk.rank == 0 ? 1 : walk.sizes[walk.rank - 1];
  if (lines == 0) return Status::kOk;

  int64_t length = 1;
  for (int k = 0; k < walk.operands; ++k) length = std::max(length, walk.operand[k].length);
  // A group of neighbours never crosses the end of the inner dim.
  const int64_t group = std::min(inner, std::clamp(kChunk / length, int64_t{1}, kNeighbours));
  const int64_t groups_inner = (inner + group - 1) / group, groups = lines / inner * groups_inner;
  int64_t bytes = (work_bytes + 63) / 64 * 64;
  for (int k = 0; k < walk.operands; ++k) bytes += walk.operand[k].buffer_bytes(group);

  std::atomic<bool> exhausted{false};
  const int64_t grain = std::max<int64_t>(1, kChunk / (length * group));
  const Status status = parallel_for(0, groups, grain, [&](int64_t begin, int64_t end) {
    const Scratch scratch(static_cast<size_t>(std::max<int64_t>(bytes, 1)));
    if (!scratch.ok()) return exhausted.store(true);
    Walk own = walk;
    char* next = scratch.as<char>() + (work_bytes + 63) / 64 * 64;
    for (int k = 0; k < own.operands; ++k) {
      own.operand[k].buffer = next;
      next += own.operand[k].buffer_bytes(group);
    }
    for (int64_t g = begin; g < end; ++g) {
      const int64_t start = g % groups_inner * group;
      serve(own, g / groups_inner * inner + start, std::min(group, inner - start), scratch.as<char>(), fn, context);
    }
  });
  return exhausted ? Status::kOutOfMemory : status;
}

} // namespace cg::cpu
