// Normalisation over lines: the rows of layerNorm, the channels of batchNorm.
#include "kernels/programs/families.h"
#include "kernels/programs/lines.h"

namespace cg::programs {
namespace {

// A weight or bias that may be missing: any memory then, which the text does not read.
struct Affine {
  const void *w, *b;
  std::string head; // W(c) and B(c)
};
Affine affine(const Call& call, size_t first, int64_t flags) {
  const bool has_w = (flags & 1) != 0, has_b = (flags & 2) != 0;
  const void* none = call.out[0].data;
  return {.w = has_w ? call.in[first].data : none,
          .b = has_b ? call.in[first + (has_w ? 1 : 0)].data : none,
          .head = std::string("#define W(c) ") + (has_w ? "w[c]" : "(T)1") + "\n#define B(c) " +
                  (has_b ? "b[c]" : "(T)0") + "\n"};
}

bool dense(std::span<const View> views, DType dtype) {
  for (const View& view : views)
    if (view.dtype != dtype || !view.contiguous()) return false;
  return true;
}

// Element i of channel c of [N, C, *]: `inner` elements lie together.
const std::string kChannel = "#define AT(i) (((i) / inner * channels + line) * inner + (i) % inner)\n";

struct Channels {
  int64_t count, inner, each; // channels, elements that lie together, elements of a channel
  explicit Channels(const View& x) : count(x.sizes[1]), inner(1), each(0) {
    for (int d = 2; d < x.rank; ++d) inner *= x.sizes[d];
    each = x.sizes[0] * inner;
  }
};

} // namespace

Status layerNorm(const Context& context, const Call& call) {
  const View& x = call.in[0];
  if (!floating_program(context, x.dtype) || !dense(call.in.subspan(1), x.dtype)) return Status::kNoKernel;
  const Dense from(context, x);
  if (from.status() != Status::kOk) return from.status();
  const int64_t features = call.integer(0), rows = features == 0 ? 0 : x.numel / features;
  const Affine a = affine(call, 1, call.integer(2));
  Launch launch;
  launch.buffer(call.out[0].data).buffer(call.out[1].data).buffer(call.out[2].data).buffer(from.data());
  launch.buffer(a.w).buffer(a.b).value(features).number(call.attr[1], x.dtype);
  const LineText text{
      .parameters =
          "BUFFER(T, y), BUFFER(T, mean), BUFFER(T, rstd), BUFFER(T, x), BUFFER(T, w), BUFFER(T, b), i64 n, T eps",
      .places = "PLACE(T, y); PLACE(T, mean); PLACE(T, rstd); PLACE(T, x); PLACE(T, w); PLACE(T, b);",
      .body = R"(  i64 base = line * n;
  T m = 0, v = 0;
  FOR(j, n) m += x[base + j];
  FOLD(m, ADD)
  m /= n;
  FOR(j, n) v += (x[base + j] - m) * (x[base + j] - m);
  FOLD(v, ADD)
  T r = 1 / sqrt(v / n + eps);
  FOR(j, n) y[base + j] = (x[base + j] - m) * r * W(j) + B(j);
  mean[line] = m;
  rstd[line] = r;
)",
      .head = a.head};
  return run_lines(context, x.dtype, text, launch, rows, features);
}

Status layerNormBackward(const Context& context, const Call& call) {
  const View& x = call.in[1];
  if (!floating_program(context, x.dtype) || !dense(call.in.subspan(2), x.dtype)) return Status::kNoKernel;
  const Dense g(context, call.in[0]), from(context, x);
  if (g.status() != Status::kOk) return g.status();
  if (from.status() != Status::kOk) return from.status();
  const int64_t features = call.integer(0), rows = features == 0 ? 0 : x.numel / features;
  const Affine a = affine(call, 4, call.integer(1) & 1);
  const std::string inputs =
      "BUFFER(T, g), BUFFER(T, x), BUFFER(T, mean), BUFFER(T, rstd), BUFFER(T, w), i64 n, i64 rows";
  const std::string places = "PLACE(T, g); PLACE(T, x); PLACE(T, mean); PLACE(T, rstd); PLACE(T, w);";
  const auto bind = [&](Launch& launch) {
    launch.buffer(g.data()).buffer(from.data()).buffer(call.in[2].data).buffer(call.in[3].data).buffer(a.w);
    launch.value(features).value(rows);
  };
  Launch to_input;
  to_input.buffer(call.out[0].data);
  bind(to_input);
  const LineText input{.parameters = "BUFFER(T, dx), " + inputs,
                       .places = "PLACE(T, dx); " + places,
                       .body = R"(  i64 base = line * n;
  T m = mean[line], r = rstd[line], sum = 0, dot = 0;
  FOR(j, n) {
    T d = g[base + j] * W(j);
    sum += d;
    dot += d * (x[base + j] - m) * r;
  }
  FOLD(sum, ADD)
  FOLD(dot, ADD)
  FOR(j, n) dx[base + j] = r * (g[base + j] * W(j) - (sum + (x[base + j] - m) * r * dot) / n);
)",
                       .head = a.head};
  if (const Status status = run_lines(context, x.dtype, input, to_input, rows, features); status != Status::kOk)
    return status;
  Launch to_affine;
  to_affine.buffer(call.out[1].data).buffer(call.out[2].data);
  bind(to_affine);
  const LineText weight{.parameters = "BUFFER(T, dw), BUFFER(T, db), " + inputs,
                        .places = "PLACE(T, dw); PLACE(T, db); " + places,
                        .body = R"(  T dot = 0, sum = 0;
  FOR(i, rows) {
    T d = g[i * n + line];
    sum += d;
    dot += d * (x[i * n + line] - mean[i]) * rstd[i];
  }
  FOLD(sum, ADD)
  FOLD(dot, ADD)
  dw[line] = dot;
  db[line] = sum;
)"};
  return run_lines(context, x.dtype, weight, to_affine, features, rows);
}

Status batchNorm(const Context& context, const Call& call) {
  const View& x = call.in[0];
  if (!floating_program(context, x.dtype) || !dense(call.in.subspan(1), x.dtype)) return Status::kNoKernel;
  const Dense from(context, x);
  if (from.status() != Status::kOk) return from.status();
  const Channels c(x);
  const Affine a = affine(call, 1, call.integer(1));
  Launch launch;
  for (const View& out : call.out) launch.buffer(out.data);
  launch.buffer(from.data())
      .buffer(a.w)
      .buffer(a.b)
      .value(c.count)
      .value(c.inner)
      .value(c.each)
      .number(call.attr[0], x.dtype);
  const LineText text{
      .parameters =
          "BUFFER(T, y), BUFFER(T, mean), BUFFER(T, rstd), BUFFER(T, var), BUFFER(T, x), BUFFER(T, w), BUFFER(T, b), "
          "i64 channels, i64 inner, i64 n, T eps",
      .places = "PLACE(T, y); PLACE(T, mean); PLACE(T, rstd); PLACE(T, var); PLACE(T, x); PLACE(T, w); PLACE(T, b);",
      .body = R"(  T m = 0, v = 0;
  FOR(i, n) m += x[AT(i)];
  FOLD(m, ADD)
  m /= n;
  FOR(i, n) v += (x[AT(i)] - m) * (x[AT(i)] - m);
  FOLD(v, ADD)
  v /= n;
  T r = 1 / sqrt(v + eps);
  FOR(i, n) y[AT(i)] = (x[AT(i)] - m) * r * W(line) + B(line);
  mean[line] = m;
  rstd[line] = r;
  var[line] = v;
)",
      .head = a.head + kChannel};
  return run_lines(context, x.dtype, text, launch, c.count, c.each);
}

Status batchNormEval(const Context& context, const Call& call) {
  const View& x = call.in[0];
  if (!floating_program(context, x.dtype) || !dense(call.in.subspan(1), x.dtype)) return Status::kNoKernel;
  const Dense from(context, x);
  if (from.status() != Status::kOk) return from.status();
  const Channels c(x);
  const Affine a = affine(call, 3, call.integer(1));
  Launch launch;
  launch.buffer(call.out[0].data).buffer(from.data()).buffer(call.in[1].data).buffer(call.in[2].data);
  launch.buffer(a.w).buffer(a.b).value(c.count).value(c.inner).value(c.each).number(call.attr[0], x.dtype);
  const LineText text{.parameters =
                          "BUFFER(T, y), BUFFER(T, x), BUFFER(T, mean), BUFFER(T, var), BUFFER(T, w), BUFFER(T, b), "
                          "i64 channels, i64 inner, i64 n, T eps",
                      .places = "PLACE(T, y); PLACE(T, x); PLACE(T, mean); PLACE(T, var); PLACE(T, w); PLACE(T, b);",
                      .body = R"(  T r = W(line) / sqrt(var[line] + eps), m = mean[line];
  FOR(i, n) y[AT(i)] = (x[AT(i)] - m) * r + B(line);
)",
                      .head = a.head + kChannel};
  return run_lines(context, x.dtype, text, launch, c.count, c.each);
}

Status batchNormBackward(const Context& context, const Call& call) {
  const View& x = call.in[1];
  if (!floating_program(context, x.dtype) || !dense(call.in.subspan(2), x.dtype)) return Status::kNoKernel;
  const Dense g(context, call.in[0]), from(context, x);
  if (g.status() != Status::kOk) return g.status();
  if (from.status() != Status::kOk) return from.status();
  const Channels c(x);
  const Affine a = affine(call, 4, call.integer(1) & 1);
  Launch launch;
  for (const View& out : call.out) launch.buffer(out.data);
  launch.buffer(g.data()).buffer(from.data()).buffer(call.in[2].data).buffer(call.in[3].data).buffer(a.w);
  launch.value(c.count).value(c.inner).value(c.each).number(call.attr[0], x.dtype);
  const LineText text{
      .parameters =
          "BUFFER(T, dx), BUFFER(T, dw), BUFFER(T, db), BUFFER(T, g), BUFFER(T, x), BUFFER(T, mean), BUFFER(T, rstd), "
          "BUFFER(T, w), i64 channels, i64 inner, i64 n, T training",
      .places = "PLACE(T, dx); PLACE(T, dw); PLACE(T, db); PLACE(T, g); PLACE(T, x); PLACE(T, mean); PLACE(T, rstd); "
                "PLACE(T, w);",
      .body = R"(  T m = mean[line], r = rstd[line], sum = 0, dot = 0;
  FOR(i, n) {
    sum += g[AT(i)];
    dot += g[AT(i)] * (x[AT(i)] - m) * r;
  }
  FOLD(sum, ADD)
  FOLD(dot, ADD)
  FOR(i, n) dx[AT(i)] = r * W(line) * (g[AT(i)] - training * (sum + (x[AT(i)] - m) * r * dot) / n);
  dw[line] = dot;
  db[line] = sum;
)",
      .head = a.head + kChannel};
  return run_lines(context, x.dtype, text, launch, c.count, c.each);
}

} // namespace cg::programs
