// softmax(q k^T * scale + mask) v and its gradient, a block of queries at a time: the scores of a block stay in the cache and
// are computed anew for the gradient, so that no matrix of all scores is ever stored.
#include <atomic>
#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/softmax_line.h"
#include "kernels/cpu/visit.h"

namespace cg::cpu::CG_ISA {
namespace {

constexpr int64_t kQueries = 64; // of a block

// What one attention of a batch reads: the last two dims of its operands, and where each starts.
struct Heads {
  int rank; // of the batch
  int64_t count = 1, queries, keys, width, value_width;
  const View* shape;

  explicit Heads(const View& q, const View& k, const View& v)
      : rank(q.rank - 2), queries(q.sizes[rank]), keys(k.sizes[rank]), width(q.sizes[rank + 1]),
        value_width(v.sizes[rank + 1]), shape(&q) {
    for (int d = 0; d < rank; ++d) count *= q.sizes[d];
  }
  int64_t blocks() const { return ceil_div(queries, kQueries); }
  int64_t work() const { return std::max<int64_t>(1, queries * keys * (width + value_width)); }

  template <class T> Matrix<T> matrix(const View& x, int64_t index) const {
    int64_t offset = 0;
    for (int d = rank - 1; d >= 0; index /= shape->sizes[d--]) offset += index % shape->sizes[d] * x.strides[d];
    return {x.as<const T>() + offset, x.strides[rank], x.strides[rank + 1]};
  }
};

// Queries [first, first + rows) of one attention and the keys they may see.
struct Queries {
  int64_t first, rows, keys;
  bool causal;
  Queries(const Heads& heads, int64_t index, bool is_causal) : first(index * kQueries), causal(is_causal) {
    rows = std::min(kQueries, heads.queries - first);
    keys = causal ? std::min(heads.keys, first + rows) : heads.keys;
  }
  // Keys of row i; the others of the block count as minus infinity.
  int64_t seen(int64_t i) const { return causal ? std::min(keys, first + i + 1) : keys; }
};

// scores [rows, keys] = q k^T * scale + mask
template <class T>
Status score(const Heads& heads, const Queries& block, const Matrix<T>& q, const Matrix<T>& k, const Matrix<T>* mask,
             T scale, T* scores) {
  const int64_t n = block.keys;
  const Status status =
      gemm<T>(block.rows, n, heads.width, q.at(block.first, 0), k.transposed(), {scale, scores, n, nullptr, 0, 0});
  if (mask == nullptr || status != Status::kOk) return status;
  for (int64_t i = 0; i < block.rows; ++i) {
    const T* from = mask->at(block.first + i, 0).data;
    T* row = scores + i * n;
    if (mask->col == 1)
      for (int64_t j = 0; j < n; ++j) row[j] += from[j];
    else
      for (int64_t j = 0; j < n; ++j) row[j] += from[j * mask->col];
  }
  return status;
}

template <class T> Status attend(const Call& call) {
  const View &q = call.in[0], &k = call.in[1], &v = call.in[2];
  const Heads heads(q, k, v);
  const T scale = static_cast<T>(call.attr[0]);
  const bool causal = call.integer(1) != 0, masked = call.integer(2) != 0;
  T *y = call.out[0].as<T>(), *lse = call.out[1].as<T>();
  const int64_t items = heads.count * heads.blocks();
  std::atomic<Status> failed = Status::kOk;
  const Status status = parallel_for(
      0, items, std::max<int64_t>(1, kInline * heads.blocks() / heads.work()), [&](int64_t begin, int64_t end) {
        const Scratch scratch(static_cast<size_t>(std::max<int64_t>(1, kQueries * heads.keys)) * sizeof(T));
        if (!scratch.ok()) return failed.store(Status::kOutOfMemory);
        T* scores = scratch.as<T>();
        for (int64_t item = begin; item < end; ++item) {
          const int64_t head = item / heads.blocks();
          const Queries block(heads, item % heads.blocks(), causal);
          const Matrix<T> mask = masked ? heads.matrix<T>(call.in[3], head) : Matrix<T>{};
          Status one = score(heads, block, heads.matrix<T>(q, head), heads.matrix<T>(k, head), masked ? &mask : nullptr,
                             scale, scores);
          for (int64_t i = 0; i < block.rows; ++i) {
            T* row = scores + i * block.keys;
            const int64_t seen = block.seen(i);
            const LineSum<T> line = softmax_line(row, row, seen);
            const bool none = line.greatest == -std::numeric_limits<T>::infinity();
            if (none) std::fill(row, row + seen, T{});
            std::fill(row + seen, row + block.keys, T{});
            lse[head * heads.queries + block.first + i] =
                none ? std::numeric_limits<T>::infinity() : static_cast<T>(line.greatest + std::log(line.sum));
          }
          const int64_t width = heads.value_width;
          T* to = y + (head * heads.queries + block.first) * width;
          if (one == Status::kOk)
            one = gemm<T>(block.rows, width, block.keys, {scores, block.keys, 1}, heads.matrix<T>(v, head),
                          {1, to, width, nullptr, 0, 0});
          if (one != Status::kOk) failed = one;
        }
      });
  return status != Status::kOk ? status : failed.load();
}

// The gradient of one attention; blocks in order, because all add to dk and dv.
template <class T> class Gradient {
public:
  Gradient(const Call& call, const Heads& heads)
      : call_(call), heads_(heads), scale_(static_cast<T>(call.attr[0])), causal_(call.integer(1) != 0),
        masked_(call.integer(2) != 0) {}

  Status run(int64_t head, T* p, T* ds) const {
    const int64_t width = heads_.width, value_width = heads_.value_width;
    T* dq = call_.out[0].template as<T>() + head * heads_.queries * width;
    T* dk = call_.out[1].template as<T>() + head * heads_.keys * width;
    T* dv = call_.out[2].template as<T>() + head * heads_.keys * value_width;
    std::fill(dk, dk + heads_.keys * width, T{});
    std::fill(dv, dv + heads_.keys * value_width, T{});
    const Matrix<T> g = in(0, head), q = in(1, head), k = in(2, head), v = in(3, head), y = in(4, head);
    for (int64_t index = 0; index < heads_.blocks(); ++index) {
      const Queries block(heads_, index, causal_);
      const int64_t rows = block.rows, n = block.keys;
      const Matrix<T> from = g.at(block.first, 0), queries = q.at(block.first, 0);
      if (const Status status = probabilities(head, block, q, k, p); status != Status::kOk) return status;
      const auto adding = [](T* to, int64_t width) { return Target<T>{1, to, width, to, width, 1}; };
      Status status = gemm<T>(n, value_width, rows, {p, 1, n}, from, adding(dv, value_width));
      if (status == Status::kOk)
        status = gemm<T>(rows, n, value_width, from, v.transposed(), {1, ds, n, nullptr, 0, 0});
      for (int64_t i = 0; i < rows; ++i)
        score_gradient(from.at(i, 0), y.at(block.first + i, 0), p + i * n, ds + i * n, n);
      if (status == Status::kOk)
        status = gemm<T>(rows, width, n, {ds, n, 1}, k, {1, dq + block.first * width, width, nullptr, 0, 0});
      if (status == Status::kOk) status = gemm<T>(n, width, rows, {ds, 1, n}, queries, adding(dk, width));
      if (status != Status::kOk) return status;
    }
    return Status::kOk;
  }

private:
  Matrix<T> in(size_t i, int64_t head) const { return heads_.matrix<T>(call_.in[i], head); }

  Status probabilities(int64_t head, const Queries& block, const Matrix<T>& q, const Matrix<T>& k, T* p) const {
    const Matrix<T> mask = masked_ ? in(6, head) : Matrix<T>{};
    const Status status = score(heads_, block, q, k, masked_ ? &mask : nullptr, scale_, p);
    const View& lse = call_.in[5];
    for (int64_t i = 0; i < block.rows; ++i) {
      const T log_sum = lse.as<const T>()[head * heads_.queries + block.first + i];
      T* row = p + i * block.keys;
      const int64_t seen = block.seen(i);
      CG_SIMD for (int64_t j = 0; j < seen; ++j) row[j] = exp(row[j] - log_sum);
      std::fill(row + seen, row + block.keys, T{});
    }
    return status;
  }

  // ds = p * (ds - g . y) * scale
  void score_gradient(const Matrix<T>& g, const Matrix<T>& y, const T* p, T* ds, int64_t n) const {
    T dot{};
    for (int64_t j = 0; j < heads_.value_width; ++j) dot += g.data[j * g.col] * y.data[j * y.col];
    const T scale = scale_;
    CG_SIMD for (int64_t j = 0; j < n; ++j) ds[j] = p[j] * (ds[j] - dot) * scale;
  }

  const Call& call_;
  const Heads& heads_;
  T scale_;
  bool causal_, masked_;
};

} // namespace

Status attention(const Call& call) {
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() { return attend<T>(call); });
}

Status attentionBackward(const Call& call) {
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() {
    const Heads heads(call.in[1], call.in[2], call.in[3]);
    const Gradient<T> gradient(call, heads);
    std::atomic<Status> failed = Status::kOk;
    const Status status =
        parallel_for(0, heads.count, std::max<int64_t>(1, kInline / heads.work()), [&](int64_t begin, int64_t end) {
          const size_t size = static_cast<size_t>(std::max<int64_t>(1, kQueries * heads.keys));
          const Scratch scratch(2 * size * sizeof(T));
          if (!scratch.ok()) return failed.store(Status::kOutOfMemory);
          for (int64_t head = begin; head < end; ++head)
            if (const Status one = gradient.run(head, scratch.as<T>(), scratch.as<T>() + size); one != Status::kOk)
              failed = one;
        });
    return status != Status::kOk ? status : failed.load();
  });
}

} // namespace cg::cpu::CG_ISA
