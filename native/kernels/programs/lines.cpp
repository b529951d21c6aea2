// Kernels that walk along lines: scans, softmax, normalisation.
#include "kernels/programs/lines.h"

#include "kernels/adapt.h"
#include "kernels/programs/families.h"

namespace cg::programs {
namespace {

constexpr int64_t kWorthGroup = 128; // elements of a line from which a group shares it

const std::string kWords = R"(
#define ADD(a, b) ((a) + (b))
#define MOST(a, b) ((a) != (a) ? (a) : (b) != (b) ? (b) : (a) > (b) ? (a) : (b))
#if COOPERATE
#define FOR(j, n) for (i64 j = THREAD_ID; j < (n); j += GROUP)
#define FOLD(v, JOIN) scratch[THREAD_ID] = v; BARRIER; \
  for (i32 span = GROUP / 2; span > 0; span >>= 1) { \
    if (THREAD_ID < span) scratch[THREAD_ID] = JOIN(scratch[THREAD_ID], scratch[THREAD_ID + span]); \
    BARRIER; \
  } \
  v = scratch[0]; BARRIER;
#define SHARED LOCAL T scratch[GROUP];
#define LINE GROUP_ID
#else
#define FOR(j, n) for (i64 j = 0; j < (n); ++j)
#define FOLD(v, JOIN)
#define SHARED
#define LINE ITEM
#endif
)";

const std::string kBase = "  i64 base = line / inner * size * inner + line % inner;\n";

Status along(const Context& context, const Call& call, const std::string& body) {
  const View& y = call.out[0];
  if (!floating_program(context, y.dtype)) return Status::kNoKernel;
  const Along at(y, call.integer(0));
  const bool two = call.in.size() == 2;
  const Dense a(context, call.in[0]), b(context, call.in[two ? 1 : 0]);
  if (a.status() != Status::kOk) return a.status();
  if (b.status() != Status::kOk) return b.status();
  Launch launch;
  launch.buffer(y.data).buffer(a.data());
  if (two) launch.buffer(b.data());
  launch.value(at.size).value(at.inner);
  const LineText text{.parameters = two ? "BUFFER(T, dx), BUFFER(T, g), BUFFER(T, y), i64 size, i64 inner"
                                        : "BUFFER(T, y), BUFFER(T, x), i64 size, i64 inner",
                      .places = two ? "PLACE(T, dx); PLACE(T, g); PLACE(T, y);" : "PLACE(T, y); PLACE(T, x);",
                      .body = kBase + body};
  return run_lines(context, y.dtype, text, launch, at.lines, at.size);
}

Status scan(const Context& context, const Call& call, const std::string& first, const std::string& operation) {
  const View &x = call.in[0], &y = call.out[0];
  if (x.dtype != y.dtype ||
      (!floating_program(context, y.dtype) && y.dtype != DType::kInt64 && y.dtype != DType::kInt32))
    return Status::kNoKernel;
  const Along at(y, call.integer(0));
  const Dense from(context, x);
  if (from.status() != Status::kOk) return from.status();
  const std::string type = storage_name(y.dtype), wide = context.float64() && is_floating(y.dtype) ? "f64" : type;
  const std::string text =
      "KERNEL run(BUFFER(" + type + ", y), BUFFER(" + type + ", x), i64 lines, i64 size, i64 inner) {\n  PLACE(" +
      type + ", y);\n  PLACE(" + type + ", x);\n  i64 line = ITEM;\n  if (line >= lines) return;\n" + kBase + "  " +
      wide + " sum = " + first + ";\n  for (i64 j = 0; j < size; ++j) {\n    sum = sum " + operation + " (" + wide +
      ")x[base + j * inner];\n    y[base + j * inner] = (" + type + ")sum;\n  }\n}\n";
  Launch launch;
  launch.buffer(y.data).buffer(from.data()).value(at.lines).value(at.size).value(at.inner);
  return launch.run(context, text, at.lines);
}

// `step` changes `best` or `total` by element j, then writes its outputs.
Status running(const Context& context, const Call& call, DType dtype, const std::string& state,
               const std::string& step) {
  const View& y = call.out[0];
  if (call.in[0].dtype != dtype || wider(dtype) != dtype ||
      (is_floating(dtype) ? !floating_program(context, dtype) : dtype >= DType::kComplex64))
    return Status::kNoKernel;
  const Along at(y, call.integer(0));
  const Dense from(context, call.in[0]);
  if (from.status() != Status::kOk) return from.status();
  Launch launch;
  std::string parameters, places;
  constexpr const char* kNames[] = {"BUFFER(T, y), ", "BUFFER(i64, indices), "};
  constexpr const char* kPlaces[] = {"PLACE(T, y); ", "PLACE(i64, indices); "};
  for (size_t k = 0; k < call.out.size(); ++k) {
    launch.buffer(call.out[k].data);
    parameters += kNames[k];
    places += kPlaces[k];
  }
  launch.buffer(from.data()).value(at.lines).value(at.size).value(at.inner);
  const std::string text = std::string("typedef ") + storage_name(dtype) + " T;\nKERNEL run(" + parameters +
                           "BUFFER(T, x), i64 lines, i64 size, i64 inner) {\n  " + places +
                           "PLACE(T, x);\n  i64 line = ITEM;\n  if (line >= lines) return;\n" + kBase + "  " + state +
                           "\n  for (i64 j = 0; j < size; ++j) {\n    T v = x[base + j * inner];\n    " + step +
                           "\n  }\n}\n";
  return launch.run(context, text, at.lines);
}

// NaN wins from its place on; of equal elements the last.
Status running_extreme(const Context& context, const Call& call, const std::string& relation) {
  return running(context, call, call.out[0].dtype, "i64 best = 0;\n  T most = size > 0 ? x[base] : (T)0;",
                 "if (v != v || (most == most && v " + relation +
                     " most)) {\n      best = j;\n      most = v;\n    }\n"
                     "    y[base + j * inner] = most;\n    indices[base + j * inner] = best;");
}

} // namespace

Status cummax(const Context& context, const Call& call) { return running_extreme(context, call, ">="); }
Status cummin(const Context& context, const Call& call) { return running_extreme(context, call, "<="); }

// The sum of exponentials relative to the greatest so far. Equal infinities stay; NaN stays.
Status logcumsumexp(const Context& context, const Call& call) {
  const std::string wide = context.float64() ? "f64" : "f32";
  return running(context, call, call.out[0].dtype, wide + " total = -(" + wide + ")INF;",
                 wide +
                     " most = v > total || v != v ? v : total, least = v > total || v != v ? total : v;\n"
                     "    total = most == least && fabs(most) == (" +
                     wide +
                     ")INF ? most : most + log1p(exp(least - most));\n"
                     "    y[base + j * inner] = (T)total;");
}

Along::Along(const View& view, int64_t dim) : lines(view.numel) {
  if (view.rank == 0) return;
  size = view.sizes[dim];
  for (int d = static_cast<int>(dim) + 1; d < view.rank; ++d) inner *= view.sizes[d];
  lines = size == 0 ? 0 : view.numel / size;
}

bool floating_program(const Context& context, DType dtype) {
  return dtype == DType::kFloat32 || (dtype == DType::kFloat64 && context.float64());
}

Status run_lines(const Context& context, DType dtype, const LineText& text, Launch& launch, int64_t lines,
                 int64_t size) {
  const bool cooperate = size >= kWorthGroup;
  const std::string whole = std::string("#define COOPERATE ") + (cooperate ? "1" : "0") + "\ntypedef " +
                            storage_name(dtype) + " T;" + kWords + text.head + "KERNEL run(" + text.parameters +
                            ", i64 lines) {\n  SHARED\n  " + text.places +
                            "\n  i64 line = LINE;\n  if (line >= lines) return;\n" + text.body + "}\n";
  launch.value(lines);
  return cooperate ? launch.run_groups(context, whole, lines) : launch.run(context, whole, lines);
}

Status cumsum(const Context& context, const Call& call) { return scan(context, call, "0", "+"); }
Status cumprod(const Context& context, const Call& call) { return scan(context, call, "1", "*"); }

const std::string kShifted = "  T most = -(T)INF, sum = 0;\n"
                             "  FOR(j, size) most = MOST(most, x[base + j * inner]);\n  FOLD(most, MOST)\n"
                             "  FOR(j, size) sum += exp(x[base + j * inner] - most);\n  FOLD(sum, ADD)\n";

Status softmax(const Context& context, const Call& call) {
  return along(context, call,
               kShifted + "  FOR(j, size) y[base + j * inner] = exp(x[base + j * inner] - most) / sum;\n");
}
Status logSoftmax(const Context& context, const Call& call) {
  return along(context, call,
               kShifted +
                   "  T shift = log(sum);\n  FOR(j, size) y[base + j * inner] = x[base + j * inner] - most - shift;\n");
}
Status softmaxBackward(const Context& context, const Call& call) {
  return along(context, call,
               "  T sum = 0;\n  FOR(j, size) sum += g[base + j * inner] * y[base + j * inner];\n  FOLD(sum, ADD)\n"
               "  FOR(j, size) dx[base + j * inner] = y[base + j * inner] * (g[base + j * inner] - sum);\n");
}
Status logSoftmaxBackward(const Context& context, const Call& call) {
  return along(context, call,
               "  T sum = 0;\n  FOR(j, size) sum += g[base + j * inner];\n  FOLD(sum, ADD)\n"
               "  FOR(j, size) dx[base + j * inner] = g[base + j * inner] - exp(y[base + j * inner]) * sum;\n");
}

} // namespace cg::programs
