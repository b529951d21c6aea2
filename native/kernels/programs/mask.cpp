// Kernels whose places depend on the values: maskedSelect and its gradient, nonzero. Groups count first, then each knows where it begins.
#include <algorithm>

#include "core/shape.h"
#include "kernels/programs/families.h"

namespace cg::programs {
namespace {

constexpr int64_t kChunk = 1024; // flags of a group, 16 of each thread

const std::string kCount = R"(KERNEL run(BUFFER(i64, starts), BUFFER(u8, flags), i64 n) {
  PLACE(i64, starts);
  PLACE(u8, flags);
  LOCAL i32 counts[GROUP];
  i32 t = THREAD_ID;
  i64 begin = (GROUP_ID * (i64)GROUP + t) * 16;
  i32 count = 0;
  for (i64 i = begin; i < begin + 16 && i < n; ++i) count += flags[i] != 0;
  counts[t] = count;
  BARRIER;
  if (t != 0) return;
  for (i32 other = 1; other < GROUP; ++other) count += counts[other];
  starts[GROUP_ID] = count;
}
)";

// Counts become the sums of those before them: each thread sums a share, then walks it again.
const std::string kStarts = R"(KERNEL run(BUFFER(i64, starts), i64 n) {
  PLACE(i64, starts);
  LOCAL i64 sums[GROUP];
  i32 t = THREAD_ID;
  i64 share = (n + GROUP - 1) / GROUP, begin = t * share, end = begin + share < n ? begin + share : n, sum = 0;
  for (i64 i = begin; i < end; ++i) sum += starts[i];
  sums[t] = sum;
  BARRIER;
  sum = 0;
  for (i32 other = 0; other < t; ++other) sum += sums[other];
  for (i64 i = begin; i < end; ++i) {
    i64 count = starts[i];
    starts[i] = sum;
    sum += count;
  }
}
)";

// Runs `each` for every flag, with its number i and `at`, how many before it are set.
Status for_flags(const Context& context, const void* flags, int64_t n, Launch& launch, const std::string& head,
                 const std::string& parameters, const std::string& places, const std::string& each) {
  if (n == 0) return Status::kOk;
  const int64_t chunks = (n + kChunk - 1) / kChunk;
  const Temporary starts(context, static_cast<size_t>(chunks) * sizeof(int64_t));
  if (starts.data() == nullptr) return Status::kOutOfMemory;
  Launch count, sum;
  Status status = count.buffer(starts.data()).buffer(flags).value(n).run_groups(context, kCount, chunks);
  if (status == Status::kOk) status = sum.buffer(starts.data()).value(chunks).run_groups(context, kStarts, 1);
  if (status != Status::kOk) return status;
  launch.buffer(starts.data()).buffer(flags).value(n);
  const std::string text = head + "KERNEL run(" + parameters + R"(, BUFFER(i64, starts), BUFFER(u8, flags), i64 n) {
  PLACE(i64, starts);
  PLACE(u8, flags);
  )" + places + R"(
  LOCAL i32 counts[GROUP];
  i32 t = THREAD_ID;
  i64 begin = (GROUP_ID * (i64)GROUP + t) * 16, at = starts[GROUP_ID];
  i32 count = 0;
  for (i64 i = begin; i < begin + 16 && i < n; ++i) count += flags[i] != 0;
  counts[t] = count;
  BARRIER;
  for (i32 other = 0; other < t; ++other) at += counts[other];
  for (i64 i = begin; i < begin + 16 && i < n; ++i) {
    )" + each + R"(
    at += flags[i] != 0;
  }
}
)";
  return launch.run_groups(context, text, chunks);
}

// T is a word of the dtype's size; empty for the widest.
std::string moved_as(DType dtype) {
  const std::string type = word(dtype);
  return type.empty() ? "" : "typedef " + type + " T;\n";
}

} // namespace

Status maskedSelect(const Context& context, const Call& call) {
  const View &x = call.in[0], &y = call.out[0];
  const std::string type = moved_as(x.dtype);
  if (type.empty()) return Status::kNoKernel;
  const Dense from(context, x), mask(context, call.in[1]);
  if (from.status() != Status::kOk) return from.status();
  if (mask.status() != Status::kOk) return mask.status();
  Launch launch;
  launch.buffer(y.data).buffer(from.data());
  return for_flags(context, mask.data(), x.numel, launch, type, "BUFFER(T, y), BUFFER(T, x)",
                   "PLACE(T, y); PLACE(T, x);", "if (flags[i]) y[at] = x[i];");
}

Status maskedScatterBackward(const Context& context, const Call& call) {
  const View& dx = call.out[0];
  const std::string type = moved_as(dx.dtype);
  if (type.empty()) return Status::kNoKernel;
  const Dense g(context, call.in[0]), mask(context, call.in[1]);
  if (g.status() != Status::kOk) return g.status();
  if (mask.status() != Status::kOk) return mask.status();
  Launch launch;
  launch.buffer(dx.data).buffer(g.data());
  return for_flags(context, mask.data(), dx.numel, launch, type, "BUFFER(T, dx), BUFFER(T, g)",
                   "PLACE(T, dx); PLACE(T, g);", "dx[i] = flags[i] ? g[at] : (T)0;");
}

Status nonzero(const Context& context, const Call& call) {
  const View &x = call.in[0], &y = call.out[0];
  struct Shape { int64_t rank, size[kMaxRank]; } shape{x.rank, {}};
  std::copy_n(x.sizes, x.rank, shape.size);
  const Temporary room(context, static_cast<size_t>(std::max<int64_t>(1, x.numel)));
  if (room.data() == nullptr) return Status::kOutOfMemory;
  View truth = x;
  truth.data = room.data();
  truth.dtype = DType::kBool;
  make_contiguous(truth);
  if (const Status status = context.copy(truth, x); status != Status::kOk) return status;
  Launch launch;
  launch.buffer(y.data).value(shape);
  return for_flags(context, truth.data, x.numel, launch, "typedef struct { i64 rank, size[16]; } Shape;\n",
                   "BUFFER(i64, y), Shape shape", "PLACE(i64, y);", R"(if (flags[i]) {
      i64 rest = i;
      for (i64 d = shape.rank - 1; d >= 0; --d) {
        y[at * shape.rank + d] = rest % shape.size[d];
        rest /= shape.size[d];
      }
    })");
}

} // namespace cg::programs
