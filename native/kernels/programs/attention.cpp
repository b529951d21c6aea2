// softmax(q k^T * scale + mask) v and its gradient by tiles of 32 queries and 32 keys: no matrix of all scores is stored.
// The gradient computes the scores anew, once for each of dq, dk and dv, so that each group writes places of its own.
#include "kernels/programs/families.h"
#include "kernels/programs/lines.h"

namespace cg::programs {
namespace {

constexpr int kMostBatchDims = 6, kMostOperands = 6;
constexpr int64_t kSide = 32; // queries and keys of a tile

// Where the matrices of each operand lie: strides of the batch dims, of a row, of a column.
struct Heads {
  int64_t rank = 0, count = 1, queries, keys, width, value_width;
  int64_t size[kMostBatchDims] = {};
  int64_t stride[kMostOperands][kMostBatchDims] = {};
  int64_t row[kMostOperands] = {}, column[kMostOperands] = {};

  Heads(const View& q, const View& k, const View& v, std::span<const View> operands)
      : rank(q.rank - 2), queries(q.sizes[rank]), keys(k.sizes[rank]), width(q.sizes[rank + 1]),
        value_width(v.sizes[rank + 1]) {
    for (int64_t d = 0; d < rank; ++d) {
      size[d] = q.sizes[d];
      count *= size[d];
      for (size_t o = 0; o < operands.size(); ++o) stride[o][d] = operands[o].strides[d];
    }
    for (size_t o = 0; o < operands.size(); ++o) {
      row[o] = operands[o].strides[rank];
      column[o] = operands[o].strides[rank + 1];
    }
  }
};

const std::string kText = R"(#define SIDE 32
#define DEPTH 16
#ifdef __OPENCL_VERSION__
#define ROLLED _Pragma("unroll 1") // drivers that compile for processors would unroll for seconds
#else
#define ROLLED
#endif
typedef struct { i64 rank, count, queries, keys, width, value_width; i64 size[6]; i64 stride[6][6]; i64 row[6], column[6]; } Heads;
FUNCTION i64 place(Heads heads, i32 operand, i64 head) {
  i64 at = 0;
  for (i64 d = heads.rank - 1; d >= 0; --d) {
    at += head % heads.size[d] * heads.stride[operand][d];
    head /= heads.size[d];
  }
  return at;
}
enum { Q, K, V, M, G }; // the operands
#define ELEMENT(x, o, i, j) READ(x[at_##o + (i) * heads.row[o] + (j) * heads.column[o]])
// A thread's 4 x 4 products of rows of a and rows of b.
#define PRODUCT(sums, a, A, a0, rows, b, B, b0, columns, depth) \
  for (i32 r = 0; r < 4; ++r) \
    for (i32 c = 0; c < 4; ++c) sums[r][c] = 0; \
  for (i64 d0 = 0; d0 < depth; d0 += DEPTH) { \
    ROLLED for (i32 e = t; e < SIDE * DEPTH; e += GROUP) { \
      i32 i = e / DEPTH, d = e % DEPTH; \
      left[d][i] = a0 + i < rows && d0 + d < depth ? ELEMENT(a, A, a0 + i, d0 + d) : (T)0; \
      right[d][i] = b0 + i < columns && d0 + d < depth ? ELEMENT(b, B, b0 + i, d0 + d) : (T)0; \
    } \
    BARRIER; \
    ROLLED for (i32 d = 0; d < DEPTH; ++d) \
      for (i32 r = 0; r < 4; ++r) { \
        T x = left[d][row + r]; \
        for (i32 c = 0; c < 4; ++c) sums[r][c] = MAD(x, right[d][column + c], sums[r][c]); \
      } \
    BARRIER; \
  }
// Rows of x, of which a group makes WIDTH columns of its result.
#define LOAD(x, X_, x0, rows, columns) \
  ROLLED for (i32 e = t; e < SIDE * WIDTH; e += GROUP) { \
    i32 i = e / WIDTH, w = e % WIDTH; \
    values[i][w] = x0 + i < rows && w0 + w < columns ? ELEMENT(x, X_, x0 + i, w0 + w) : (T)0; \
  }
#define ADD_PRODUCT \
  ROLLED for (i32 j = 0; j < SIDE; ++j) \
    for (i32 r = 0; r < 4; ++r) { \
      T weight = p[row + r][j]; \
      for (i32 c = 0; c < WIDTH / 8; ++c) out[r][c] = MAD(weight, values[j][t % 8 + 8 * c], out[r][c]); \
    }
#define MASK(i, j) (masked ? ELEMENT(mask, M, i, j) : (T)0)
#define SEEN(query, key) (query < heads.queries && key < heads.keys && (!causal || key <= query))
#define TILES \
  LOCAL T left[DEPTH][SIDE]; \
  LOCAL T right[DEPTH][SIDE]; \
  LOCAL T p[SIDE][SIDE + 1]; \
  LOCAL T values[SIDE][WIDTH]; \
  i32 t = THREAD_ID, row = t / 8 * 4, column = t % 8 * 4; \
  i64 slabs = (OUT_WIDTH + WIDTH - 1) / WIDTH, blocks = (OUT_ROWS + SIDE - 1) / SIDE; \
  i64 w0 = GROUP_ID % slabs * WIDTH, i0 = GROUP_ID / slabs % blocks * SIDE, head = GROUP_ID / slabs / blocks; \
  T sums[4][4], out[4][WIDTH / 8]; \
  for (i32 r = 0; r < 4; ++r) \
    for (i32 c = 0; c < WIDTH / 8; ++c) out[r][c] = 0;
)";

const std::string kForward = R"(#define OUT_WIDTH heads.value_width
#define OUT_ROWS heads.queries
KERNEL run(BUFFER(X, y), BUFFER(T, lse), BUFFER(X, q), BUFFER(X, k), BUFFER(X, v), BUFFER(X, mask), Heads heads, T scale, i32 causal, i32 masked) {
  PLACE(X, y); PLACE(T, lse); PLACE(X, q); PLACE(X, k); PLACE(X, v); PLACE(X, mask);
  TILES
  LOCAL T factor[SIDE];
  i64 at_Q = place(heads, Q, head), at_K = place(heads, K, head), at_V = place(heads, V, head), at_M = masked ? place(heads, M, head) : 0;
  i64 end = causal && i0 + SIDE < heads.keys ? i0 + SIDE : heads.keys;
  T most = -(T)INF, total = 0;
  for (i64 j0 = 0; j0 < end; j0 += SIDE) {
    PRODUCT(sums, q, Q, i0, heads.queries, k, K, j0, heads.keys, heads.width)
    for (i32 r = 0; r < 4; ++r)
      for (i32 c = 0; c < 4; ++c) {
        i64 i = i0 + row + r, j = j0 + column + c;
        p[row + r][column + c] = SEEN(i, j) ? sums[r][c] * scale + MASK(i, j) : -(T)INF;
      }
    LOAD(v, V, j0, heads.keys, heads.value_width)
    BARRIER;
    if (t < SIDE) {
      T greatest = most, sum = 0;
      ROLLED for (i32 j = 0; j < SIDE; ++j) greatest = p[t][j] > greatest || p[t][j] != p[t][j] ? p[t][j] : greatest;
      T shift = greatest == -(T)INF ? (T)0 : greatest;
      ROLLED for (i32 j = 0; j < SIDE; ++j) {
        p[t][j] = exp(p[t][j] - shift);
        sum += p[t][j];
      }
      factor[t] = exp(most - shift);
      total = total * factor[t] + sum;
      most = greatest;
    }
    BARRIER;
    for (i32 r = 0; r < 4; ++r)
      for (i32 c = 0; c < WIDTH / 8; ++c) out[r][c] *= factor[row + r];
    ADD_PRODUCT
    BARRIER;
  }
  if (t < SIDE) {
    factor[t] = total == 0 ? (T)0 : 1 / total;
    if (w0 == 0 && i0 + t < heads.queries) lse[head * heads.queries + i0 + t] = total == 0 ? (T)INF : most + log(total);
  }
  BARRIER;
  for (i32 r = 0; r < 4; ++r)
    for (i32 c = 0; c < WIDTH / 8; ++c) {
      i64 i = i0 + row + r, w = w0 + t % 8 + 8 * c;
      if (i < heads.queries && w < heads.value_width) y[(head * heads.queries + i) * heads.value_width + w] = WRITE(out[r][c] * factor[row + r]);
    }
}
)";

// The gradients differ in what their rows are, whose rows they add, and in the weights.
const std::string kBackward = R"(
KERNEL run(BUFFER(X, to), BUFFER(X, q), BUFFER(X, k), BUFFER(X, v), BUFFER(X, mask), BUFFER(X, g), BUFFER(T, lse), BUFFER(T, delta), Heads heads, T scale, i32 causal, i32 masked) {
  PLACE(X, to); PLACE(X, q); PLACE(X, k); PLACE(X, v); PLACE(X, mask); PLACE(X, g); PLACE(T, lse); PLACE(T, delta);
  TILES
  T slopes[4][4];
  i64 at_Q = place(heads, Q, head), at_K = place(heads, K, head), at_V = place(heads, V, head), at_G = place(heads, G, head);
  i64 at_M = masked ? place(heads, M, head) : 0;
  for (i64 j0 = BEGIN; j0 < END; j0 += SIDE) {
    SCORES
    SLOPES
    for (i32 r = 0; r < 4; ++r)
      for (i32 c = 0; c < 4; ++c) {
        i64 i = i0 + row + r, j = j0 + column + c, query = QUERY, key = KEY, line = head * heads.queries + query;
        T weight = SEEN(query, key) ? exp(sums[r][c] * scale + MASK(query, key) - lse[line]) : (T)0;
        p[row + r][column + c] = SEEN(query, key) ? WEIGHT : (T)0;
      }
    ADDED
    BARRIER;
    ADD_PRODUCT
    BARRIER;
  }
  for (i32 r = 0; r < 4; ++r)
    for (i32 c = 0; c < WIDTH / 8; ++c) {
      i64 i = i0 + row + r, w = w0 + t % 8 + 8 * c;
      if (i < OUT_ROWS && w < OUT_WIDTH) to[(head * OUT_ROWS + i) * OUT_WIDTH + w] = WRITE(out[r][c]);
    }
}
)";

const std::string kByQuery = R"(#define OUT_ROWS heads.queries
#define QUERY i
#define KEY j
#define BEGIN 0
#define END (causal && i0 + SIDE < heads.keys ? i0 + SIDE : heads.keys)
#define SCORES PRODUCT(sums, q, Q, i0, heads.queries, k, K, j0, heads.keys, heads.width)
)";
const std::string kByKey = R"(#define OUT_ROWS heads.keys
#define QUERY j
#define KEY i
#define BEGIN (causal ? i0 : 0)
#define END heads.queries
#define SCORES PRODUCT(sums, k, K, i0, heads.keys, q, Q, j0, heads.queries, heads.width)
)";
const std::string kOfScores =
    "#define WEIGHT weight * (slopes[r][c] - delta[line]) * scale\n#define OUT_WIDTH heads.width\n";
const std::string kQueries = kByQuery + kOfScores + R"(
#define SLOPES PRODUCT(slopes, g, G, i0, heads.queries, v, V, j0, heads.keys, heads.value_width)
#define ADDED LOAD(k, K, j0, heads.keys, heads.width)
)";
const std::string kKeys = kByKey + kOfScores + R"(
#define SLOPES PRODUCT(slopes, v, V, i0, heads.keys, g, G, j0, heads.queries, heads.value_width)
#define ADDED LOAD(q, Q, j0, heads.queries, heads.width)
)";
const std::string kValues = kByKey + R"(#define OUT_WIDTH heads.value_width
#define WEIGHT weight
#define SLOPES
#define ADDED LOAD(g, G, j0, heads.queries, heads.value_width)
)";

// delta of a query = g . y, the part of the gradient of its softmax that all keys share.
const std::string kDelta = R"(KERNEL run(BUFFER(T, delta), BUFFER(X, g), BUFFER(X, y), i64 width, i64 lines) {
  PLACE(T, delta); PLACE(X, g); PLACE(X, y);
  i64 line = ITEM;
  if (line >= lines) return;
  T sum = 0;
  for (i64 j = 0; j < width; ++j) sum = MAD(READ(g[line * width + j]), READ(y[line * width + j]), sum);
  delta[line] = sum;
}
)";

struct Types {
  DType dtype, computed;
  explicit Types(DType d) : dtype(d), computed(d == DType::kFloat64 ? d : DType::kFloat32) {}
  std::string whole(const std::string& text) const {
    const std::string types = std::string("typedef ") + storage_name(computed) + " T;\ntypedef " + storage_name(dtype) +
                              " X;\n#define READ(v) " + read_text(dtype, computed, "v") + "\n#define WRITE(v) " +
                              write_text(dtype, computed, "v") + "\n";
    return types + helpers(types, computed) + text;
  }
};

// Columns of a result that a group makes: what fits into 32 KiB of local memory.
int64_t slab(int64_t width, DType computed) {
  return computed == DType::kFloat64 || width <= 32 ? 32 : width <= 64 ? 64 : 128;
}

Status run_tiles(const Context& context, const Types& types, const std::string& text, const Call& call, Launch& launch,
                 const Heads& heads, int64_t rows, int64_t width) {
  const int64_t columns = slab(width, types.computed);
  launch.value(heads).number(call.attr[0], types.computed);
  launch.value(static_cast<int32_t>(call.attr[1])).value(static_cast<int32_t>(call.attr[2]));
  const int64_t groups = heads.count * ((rows + kSide - 1) / kSide) * ((width + columns - 1) / columns);
  return launch.run_groups(context, types.whole(define("WIDTH", std::to_string(columns)) + kText + text), groups);
}

bool writable_attention(const Context& context, const View& q) {
  return is_floating(q.dtype) && (q.dtype != DType::kFloat64 || context.float64()) && q.rank - 2 <= kMostBatchDims;
}

} // namespace

Status attention(const Context& context, const Call& call) {
  const View &q = call.in[0], &k = call.in[1], &v = call.in[2], &y = call.out[0];
  const Types types(q.dtype);
  if (!writable_attention(context, q)) return Status::kNoKernel;
  const View& mask = call.integer(2) != 0 ? call.in[3] : q;
  const View operands[] = {q, k, v, mask};
  const Heads heads(q, k, v, operands);
  Launch launch;
  launch.buffer(y.data).buffer(call.out[1].data).buffer(q.data).buffer(k.data).buffer(v.data).buffer(mask.data);
  return run_tiles(context, types, kForward, call, launch, heads, heads.queries,
                   std::max<int64_t>(1, heads.value_width));
}

Status attentionBackward(const Context& context, const Call& call) {
  const View &q = call.in[1], &k = call.in[2], &v = call.in[3];
  const Types types(q.dtype);
  if (!writable_attention(context, q)) return Status::kNoKernel;
  const View& mask = call.integer(2) != 0 ? call.in[6] : q;
  const Dense g(context, call.in[0]), y(context, call.in[4]), lse(context, call.in[5]);
  for (const Dense* dense : {&g, &y, &lse})
    if (dense->status() != Status::kOk) return dense->status();
  const View operands[] = {q, k, v, mask, call.in[0]};
  const Heads heads(q, k, v, operands);
  const int64_t lines = heads.count * heads.queries;
  const Temporary delta(context, static_cast<size_t>(std::max<int64_t>(1, lines)) * element_size(types.computed));
  if (delta.data() == nullptr) return Status::kOutOfMemory;
  Launch dots;
  dots.buffer(delta.data()).buffer(g.data()).buffer(y.data()).value(heads.value_width).value(lines);
  if (const Status status = dots.run(context, types.whole(kDelta), lines); status != Status::kOk) return status;
  const std::string* texts[] = {&kQueries, &kKeys, &kValues};
  for (size_t i = 0; i < 3; ++i) {
    Launch launch;
    launch.buffer(call.out[i].data).buffer(q.data).buffer(k.data).buffer(v.data).buffer(mask.data);
    launch.buffer(call.in[0].data).buffer(lse.data()).buffer(delta.data());
    const Status status = run_tiles(context, types, *texts[i] + kBackward, call, launch, heads,
                                    i == 0 ? heads.queries : heads.keys, i == 2 ? heads.value_width : heads.width);
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

} // namespace cg::programs
