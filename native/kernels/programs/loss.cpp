// Losses over classes: one thread for each row.
#include "kernels/programs/families.h"
#include "kernels/programs/lines.h"

namespace cg::programs {
namespace {

// The parameters that all four share: the target of row `line`, the weight of a class, what is ignored.
struct Classes {
  const void* weight;
  std::string head;
  Classes(const Call& call, size_t input, size_t flags) {
    const bool has = (call.integer(flags) & 1) != 0;
    weight = has ? call.in[input].data : call.out[0].data;
    head = std::string("#define WEIGHT(c) ") + (has ? "weight[c]" : "(T)1") + "\n";
  }
};

const std::string kParameters = "BUFFER(i64, target), BUFFER(T, weight), BUFFER(i64, wrong), i64 ignored, i64 n";
const std::string kPlaces = "PLACE(i64, target); PLACE(T, weight); PLACE(i64, wrong);";
const std::string kTarget = R"(  i64 t = target[line];
  i32 skip = t == ignored;
  if (!skip && (t < 0 || t >= n)) {
    wrong[1] = t;
    wrong[2] = n;
    wrong[0] = 1;
    skip = 1;
  }
)";

Status run_classes(const Context& context, const Call& call, std::span<const void* const> buffers, const View& target,
                   const Classes& classes, int64_t rows, int64_t n, const std::string& parameters,
                   const std::string& places, const std::string& body, double smoothing) {
  const Dense at(context, target);
  if (at.status() != Status::kOk) return at.status();
  void* wrong = context.errors.open();
  if (wrong == nullptr) return Status::kOutOfMemory;
  Launch launch;
  for (const void* buffer : buffers) launch.buffer(buffer);
  launch.buffer(at.data()).buffer(classes.weight).buffer(wrong).value(call.integer(0)).value(n);
  const DType dtype = call.out[0].dtype;
  launch.number(smoothing, dtype);
  const LineText text{.parameters = parameters + ", " + kParameters + ", T smoothing",
                      .places = places + " " + kPlaces,
                      .body = kTarget + body,
                      .head = classes.head};
  return run_lines(context, dtype, text, launch, rows, 1);
}

bool dense_weight(const Call& call, size_t input, size_t flags) {
  return (call.integer(flags) & 1) == 0 || (call.in[input].contiguous() && call.in[input].dtype == call.out[0].dtype);
}

} // namespace

Status nllLoss(const Context& context, const Call& call) {
  const View& logp = call.in[0];
  if (!floating_program(context, logp.dtype) || !dense_weight(call, 2, 1)) return Status::kNoKernel;
  const Dense from(context, logp);
  if (from.status() != Status::kOk) return from.status();
  const void* buffers[] = {call.out[0].data, call.out[1].data, from.data()};
  return run_classes(context, call, buffers, call.in[1], {call, 2, 1}, logp.sizes[0], logp.sizes[1],
                     "BUFFER(T, loss), BUFFER(T, w), BUFFER(T, logp)", "PLACE(T, loss); PLACE(T, w); PLACE(T, logp);",
                     "  w[line] = skip ? 0 : WEIGHT(t);\n  loss[line] = skip ? 0 : -w[line] * logp[line * n + t];\n",
                     0);
}

Status nllLossBackward(const Context& context, const Call& call) {
  const View& dx = call.out[0];
  if (!floating_program(context, dx.dtype) || !dense_weight(call, 2, 1)) return Status::kNoKernel;
  const Dense g(context, call.in[0]);
  if (g.status() != Status::kOk) return g.status();
  const void* buffers[] = {dx.data, g.data()};
  return run_classes(context, call, buffers, call.in[1], {call, 2, 1}, dx.sizes[0], dx.sizes[1],
                     "BUFFER(T, dx), BUFFER(T, g)", "PLACE(T, dx); PLACE(T, g);",
                     "  for (i64 c = 0; c < n; ++c) dx[line * n + c] = 0;\n"
                     "  if (!skip) dx[line * n + t] = -WEIGHT(t) * g[line];\n",
                     0);
}

Status crossEntropy(const Context& context, const Call& call) {
  const View& logits = call.in[0];
  if (!floating_program(context, logits.dtype) || !dense_weight(call, 2, 1)) return Status::kNoKernel;
  const Dense from(context, logits);
  if (from.status() != Status::kOk) return from.status();
  const void* buffers[] = {call.out[0].data, call.out[1].data, call.out[2].data, from.data()};
  return run_classes(context, call, buffers, call.in[1], {call, 2, 1}, logits.sizes[0], logits.sizes[1],
                     "BUFFER(T, loss), BUFFER(T, w), BUFFER(T, logp), BUFFER(T, x)",
                     "PLACE(T, loss); PLACE(T, w); PLACE(T, logp); PLACE(T, x);",
                     R"(  T most = -(T)INF, sum = 0, spread = 0;
  for (i64 c = 0; c < n; ++c) most = MOST(most, x[line * n + c]);
  for (i64 c = 0; c < n; ++c) sum += exp(x[line * n + c] - most);
  sum = log(sum);
  for (i64 c = 0; c < n; ++c) {
    T value = x[line * n + c] - most - sum;
    logp[line * n + c] = value;
    spread += WEIGHT(c) * value;
  }
  w[line] = skip ? 0 : WEIGHT(t);
  loss[line] = skip ? 0 : -(1 - smoothing) * WEIGHT(t) * (x[line * n + t] - most - sum);
  if (!skip && smoothing != 0) loss[line] -= smoothing / n * spread;
)",
                     call.attr[2]);
}

// d loss / d logits[c] = (1 - s) w (p[c] - [c = target]) + s / C (p[c] sum(w) - w[c]).
Status crossEntropyBackward(const Context& context, const Call& call) {
  const View& dx = call.out[0];
  if (!floating_program(context, dx.dtype) || !dense_weight(call, 3, 1)) return Status::kNoKernel;
  const Dense g(context, call.in[0]), logp(context, call.in[1]);
  if (g.status() != Status::kOk) return g.status();
  if (logp.status() != Status::kOk) return logp.status();
  const void* buffers[] = {dx.data, g.data(), logp.data()};
  return run_classes(context, call, buffers, call.in[2], {call, 3, 1}, dx.sizes[0], dx.sizes[1],
                     "BUFFER(T, dx), BUFFER(T, g), BUFFER(T, logp)", "PLACE(T, dx); PLACE(T, g); PLACE(T, logp);",
                     R"(  T weights = 0, share = smoothing / n, hit = skip ? 0 : (1 - smoothing) * WEIGHT(t);
  for (i64 c = 0; c < n; ++c) weights += WEIGHT(c);
  for (i64 c = 0; c < n; ++c) {
    T d = (hit + share * weights) * exp(logp[line * n + c]) - share * WEIGHT(c) - (c == t ? hit : 0);
    dx[line * n + c] = skip ? 0 : g[line] * d;
  }
)",
                     call.attr[2]);
}

} // namespace cg::programs
