// Reductions: one text around three functions (start, step, join), by a thread or by a group for each output.
#include <cmath>

#include "kernels/programs/families.h"

namespace cg::programs {
namespace {

constexpr int kMostDims = 8;
constexpr int64_t kWorthGroup = 64; // elements of one output from which a group shares the work

struct Dims {
  int64_t rank = 0, count = 1;
  int64_t size[kMostDims], stride[kMostDims];

  // False when there are too many dims that cannot be merged.
  bool push(int64_t n, int64_t step) {
    count *= n;
    if (n == 1) return true;
    if (rank > 0 && stride[rank - 1] == n * step) {
      size[rank - 1] *= n;
      stride[rank - 1] = step;
      return true;
    }
    if (rank == kMostDims) return false;
    size[rank] = n;
    stride[rank++] = step;
    return true;
  }
};

// What makes a reduction: the type it reads and computes in, its functions, what it writes.
struct Reduction {
  DType computed; // A in the text
  std::string functions;
  std::string finish; // statements that write y0[o] and y1[o] from `acc`; `n` elements were reduced
};

const std::string kText = R"(
typedef struct { i64 rank, count; i64 size[8]; i64 stride[8]; } Dims;
FUNCTION i64 place(Dims dims, i64 i) {
  i64 at = 0;
  if (dims.rank == 1) return i * dims.stride[0];
  for (i64 d = dims.rank - 1; d >= 0; --d) {
    at += i % dims.size[d] * dims.stride[d];
    i /= dims.size[d];
  }
  return at;
}
KERNEL run(OUTPUTS, BUFFER(X, x), Dims kept, Dims reduced, A p) {
  PLACE_OUTPUTS
  PLACE(X, x);
  i64 n = reduced.count;
#if COOPERATE
  LOCAL Acc scratch[GROUP];
  i64 o = GROUP_ID;
  i32 t = THREAD_ID;
  i64 base = place(kept, o);
  Acc acc = start();
  for (i64 r = t; r < n; r += GROUP) acc = step(acc, x[base + place(reduced, r)], r, p);
  scratch[t] = acc;
  BARRIER;
  for (i32 span = GROUP / 2; span > 0; span >>= 1) {
    if (t < span) scratch[t] = join(scratch[t], scratch[t + span]);
    BARRIER;
  }
  if (t != 0) return;
  acc = scratch[0];
#else
  i64 o = ITEM;
  if (o >= kept.count) return;
  i64 base = place(kept, o);
  Acc acc = start();
  for (i64 r = 0; r < n; ++r) acc = step(acc, x[base + place(reduced, r)], r, p);
#endif
  FINISH
}
)";

Status reduce(const Context& context, const View& x, std::span<const View> outputs, uint64_t mask,
              const Reduction& what, double p) {
  const auto supported = [&](DType d) {
    return d < DType::kComplex64 && d != DType::kFloat16 && d != DType::kBFloat16 &&
           (d != DType::kFloat64 || context.float64());
  };
  if (!supported(x.dtype)) return Status::kNoKernel;
  for (const View& y : outputs)
    if (!supported(y.dtype)) return Status::kNoKernel;
  Dims kept, reduced;
  for (int d = 0; d < x.rank; ++d) {
    Dims& dims = (mask >> d & 1) != 0 ? reduced : kept;
    if (!dims.push(x.sizes[d], x.strides[d])) return Status::kNoKernel;
  }
  if (kept.count == 0) return Status::kOk;
  const bool cooperate = reduced.count >= kWorthGroup;
  std::string buffers, places;
  for (size_t k = 0; k < outputs.size(); ++k) {
    const std::string name = "y" + std::to_string(k), type = storage_name(outputs[k].dtype);
    buffers += (k > 0 ? ", " : "") + ("BUFFER(" + type + ", " + name + ")");
    places += "PLACE(" + type + ", " + name + "); ";
  }
  const std::string text = define("X", storage_name(x.dtype)) + define("A", compute_name(what.computed)) +
                           define("COOPERATE", cooperate ? "1" : "0") + define("OUTPUTS", buffers) +
                           define("PLACE_OUTPUTS", places) + define("FINISH", what.finish) + what.functions + kText;
  Launch launch;
  for (const View& y : outputs) launch.buffer(y.data);
  launch.buffer(x.data).value(kept).value(reduced).number(p, what.computed);
  return cooperate ? launch.run_groups(context, text, kept.count) : launch.run(context, text, kept.count);
}

// One value that grows: `first` before anything, `step` with one element x, `join` of two.
std::string plain(const std::string& first, const std::string& step, const std::string& join) {
  return "typedef A Acc;\nFUNCTION Acc start() { return " + first +
         "; }\nFUNCTION Acc step(Acc acc, X x, i64 at, A p) { return " + step +
         "; }\nFUNCTION Acc join(Acc a, Acc b) { return " + join + "; }\n";
}

// Sums of float32 are kept in double where the device has it: memory is the bottleneck, not the addition.
DType wide(const Context& context, DType dtype) {
  if (!is_floating(dtype)) return DType::kInt64;
  return context.float64() ? DType::kFloat64 : DType::kFloat32;
}

Status reduce_plain(const Context& context, const Call& call, DType computed, const std::string& functions,
                    const std::string& finish, double p = 0) {
  const View& y = call.out[0];
  const std::string store = "y0[o] = " + write_text(y.dtype, computed, finish) + ";";
  return reduce(context, call.in[0], {&y, 1}, static_cast<uint64_t>(call.attr[0]), {computed, functions, store}, p);
}

Status extreme(const Context& context, const Call& call, const char* relation, const char* first) {
  const DType dtype = call.in[0].dtype;
  const DType computed = is_floating(dtype) ? dtype : DType::kInt64;
  const std::string better = std::string("a != a ? a : b != b ? b : a ") + relation + " b ? a : b";
  const std::string functions =
      "FUNCTION A better(A a, A b) { return " + better + "; }\n" +
      plain(is_floating(dtype) ? std::string(first) + "INF" : std::string(first) + "9223372036854775807",
            "better(acc, (A)x)", "better(a, b)");
  return reduce_plain(context, call, computed, functions, "acc");
}

// The best element and the first place where it is; NaN is better than all.
Status arg(const Context& context, const Call& call, const char* relation, std::span<const View> outputs,
           bool indices_only) {
  const View& x = call.in[0];
  const int64_t dim = call.integer(0);
  const uint64_t mask = dim < 0 || x.rank == 0 ? (uint64_t{1} << x.rank) - 1 : uint64_t{1} << dim;
  const DType computed = is_floating(x.dtype) ? x.dtype : DType::kInt64;
  const std::string functions =
      std::string("typedef struct { A v; i64 at; } Acc;\n"
                  "FUNCTION i32 better(A a, A b) { return a ") +
      relation +
      " b || (a != a && b == b); }\n"
      "FUNCTION Acc start() { Acc acc; acc.v = 0; acc.at = -1; return acc; }\n"
      "FUNCTION Acc step(Acc acc, X x, i64 at, A p) {\n"
      "  A v = (A)x;\n  if (acc.at < 0 || better(v, acc.v)) { acc.v = v; acc.at = at; }\n"
      "  return acc;\n}\n"
      "FUNCTION Acc join(Acc a, Acc b) {\n  if (a.at < 0) return b;\n  if (b.at < 0) return a;\n"
      "  if (better(b.v, a.v)) return b;\n  if (better(a.v, b.v)) return a;\n"
      "  return a.at < b.at ? a : b;\n}\n";
  const std::string finish = indices_only
                                 ? "y0[o] = acc.at;"
                                 : "y0[o] = " + write_text(outputs[0].dtype, computed, "acc.v") + "; y1[o] = acc.at;";
  return reduce(context, x, outputs, mask, {computed, functions, finish}, 0);
}

} // namespace

Status sum(const Context& context, const Call& call) {
  return reduce_plain(context, call, wide(context, call.out[0].dtype), plain("0", "acc + (A)x", "a + b"), "acc");
}
Status prod(const Context& context, const Call& call) {
  return reduce_plain(context, call, wide(context, call.out[0].dtype), plain("1", "acc * (A)x", "a * b"), "acc");
}
Status mean(const Context& context, const Call& call) {
  return reduce_plain(context, call, wide(context, call.out[0].dtype), plain("0", "acc + (A)x", "a + b"), "acc / (A)n");
}
Status amax(const Context& context, const Call& call) { return extreme(context, call, ">", "-"); }
Status amin(const Context& context, const Call& call) { return extreme(context, call, "<", "+"); }
Status any(const Context& context, const Call& call) {
  return reduce_plain(context, call, DType::kInt32, plain("0", "acc | (x != 0)", "a | b"), "acc");
}
Status all(const Context& context, const Call& call) {
  return reduce_plain(context, call, DType::kInt32, plain("1", "acc & (x != 0)", "a & b"), "acc");
}
Status countNonzero(const Context& context, const Call& call) {
  return reduce_plain(context, call, DType::kInt64, plain("0", "acc + (x != 0)", "a + b"), "acc");
}

// The greatest element so far, and the sum of the others relative to it.
Status logsumexp(const Context& context, const Call& call) {
  const DType computed = wide(context, call.in[0].dtype);
  const std::string functions = R"(typedef struct { A most, sum; } Acc;
FUNCTION Acc start() { Acc acc; acc.most = -(A)INF; acc.sum = 0; return acc; }
FUNCTION Acc join(Acc a, Acc b) {
  if (b.sum == 0) return a;
  if (a.sum == 0) return b;
  if (b.most > a.most) { Acc swap = a; a = b; b = swap; }
  a.sum += a.most == b.most ? b.sum : b.sum * exp(b.most - a.most);
  return a;
}
FUNCTION Acc step(Acc acc, X x, i64 at, A p) {
  Acc one;
  one.most = (A)x;
  one.sum = one.most == -(A)INF ? 0 : 1;
  return join(acc, one);
}
)";
  return reduce_plain(context, call, computed, functions, "acc.most + log(acc.sum)");
}

// Welford's means and squares, joined as by Chan, Golub and LeVeque.
Status varMean(const Context& context, const Call& call) {
  const DType computed = wide(context, call.in[0].dtype);
  const std::string functions = R"(typedef struct { A count, mean, squares; } Acc;
FUNCTION Acc start() { Acc acc; acc.count = 0; acc.mean = 0; acc.squares = 0; return acc; }
FUNCTION Acc step(Acc acc, X x, i64 at, A p) {
  A from = (A)x - acc.mean;
  acc.count += 1;
  acc.mean += from / acc.count;
  acc.squares += from * ((A)x - acc.mean);
  return acc;
}
FUNCTION Acc join(Acc a, Acc b) {
  if (b.count == 0) return a;
  if (a.count == 0) return b;
  A all = a.count + b.count, from = b.mean - a.mean;
  a.mean += from * b.count / all;
  a.squares += b.squares + from * from * a.count * b.count / all;
  a.count = all;
  return a;
}
)";
  const std::string variance = "acc.squares / (acc.count > p ? acc.count - p : (A)0)";
  const std::string finish = "y0[o] = " + write_text(call.out[0].dtype, computed, variance) +
                             "; y1[o] = " + write_text(call.out[1].dtype, computed, "acc.mean") + ";";
  return reduce(context, call.in[0], call.out, static_cast<uint64_t>(call.attr[0]), {computed, functions, finish},
                call.attr[1]);
}

Status vectorNorm(const Context& context, const Call& call) {
  const DType computed = wide(context, call.in[0].dtype);
  const double p = call.attr[1];
  if (std::isinf(p)) {
    const std::string relation = p > 0 ? ">" : "<", first = p > 0 ? "0" : "(A)INF";
    const std::string functions = "FUNCTION A better(A a, A b) { return a != a ? a : b != b ? b : a " + relation +
                                  " b ? a : b; }\n" + plain(first, "better(acc, fabs((A)x))", "better(a, b)");
    return reduce_plain(context, call, computed, functions, "acc");
  }
  if (p == 0) return reduce_plain(context, call, computed, plain("0", "acc + (x != 0)", "a + b"), "acc");
  if (p == 1) return reduce_plain(context, call, computed, plain("0", "acc + fabs((A)x)", "a + b"), "acc");
  if (p == 2) return reduce_plain(context, call, computed, plain("0", "acc + (A)x * (A)x", "a + b"), "sqrt(acc)");
  return reduce_plain(context, call, computed, plain("0", "acc + pow(fabs((A)x), p)", "a + b"), "pow(acc, 1 / p)", p);
}

Status argmax(const Context& context, const Call& call) { return arg(context, call, ">", call.out, true); }
Status argmin(const Context& context, const Call& call) { return arg(context, call, "<", call.out, true); }
Status maxDim(const Context& context, const Call& call) { return arg(context, call, ">", call.out, false); }
Status minDim(const Context& context, const Call& call) { return arg(context, call, "<", call.out, false); }

} // namespace cg::programs
