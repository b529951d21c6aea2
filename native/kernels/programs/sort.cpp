// Order along a dim: lines of keys with their places, sorted by Batcher's bitonic network, tiles of 1024 in local memory.
#include <bit>

#include "kernels/adapt.h"
#include "kernels/programs/families.h"
#include "kernels/programs/lines.h"

namespace cg::programs {
namespace {

constexpr int64_t kTile = 1024;

// Unsigned integers in the order of the numbers, NaN greatest; equal numbers have equal keys (as in native/kernels/cpu/radix.h).
std::string key_text(DType dtype) {
  const std::string type = storage_name(dtype), read = read_text(dtype, dtype, "x");
  if (!is_floating(dtype)) {
    const bool wide = dtype == DType::kInt64;
    return "typedef " + type + " X;\ntypedef " + (wide ? "u64" : "u32") +
           " Key;\nFUNCTION Key key_of(X x) { return (Key)" + (wide ? "x" : "(i32)x") +
           " ^ (Key)1 << (8 * sizeof(Key) - 1); }\n";
  }
  const bool wide = dtype == DType::kFloat64;
  const std::string text =
      "typedef " + type + " X;\ntypedef " + (wide ? "u64 Key;\ntypedef f64" : "u32 Key;\ntypedef f32") +
      " T;\nFUNCTION Key key_of(X x) {\n  union { T number; Key bits; } both;\n  both.number = " + read +
      ";\n  if (both.number == 0) both.bits = 0;\n  if (both.number != both.number) both.bits = " +
      (wide ? "(u64)0x7ff80000u << 32" : "0x7fc00000u") +
      ";\n  Key sign = (Key)1 << (8 * sizeof(Key) - 1);\n"
      "  return both.bits & sign ? ~both.bits : both.bits | sign;\n}\n";
  return helpers(text, wide ? DType::kFloat64 : DType::kFloat32) + text;
}

// Past the end of a line are places that come after all others.
const std::string kLoad =
    R"(KERNEL run(BUFFER(Key, keys), BUFFER(u32, places), BUFFER(X, x), i64 size, i64 inner, i64 padded, Key turned, i64 n) {
  PLACE(Key, keys);
  PLACE(u32, places);
  PLACE(X, x);
  i64 i = ITEM;
  if (i >= n) return;
  i64 line = i / padded, j = i % padded;
  keys[i] = j < size ? key_of(x[line / inner * size * inner + line % inner + j * inner]) ^ turned : ~(Key)0;
  places[i] = (u32)j;
}
)";

const std::string kAfter = "#define AFTER(a, at, b, bt) (a > b || (a == b && at > bt))\n";

// Merges of the widths first, 2 first, ... last, as far as they stay within a tile. A merge goes up where the position in its
// line has the bit of its width clear.
const std::string kSortTile = R"(KERNEL run(BUFFER(Key, keys), BUFFER(u32, places), i64 padded, i64 first, i64 last) {
  PLACE(Key, keys);
  PLACE(u32, places);
  LOCAL Key key[TILE];
  LOCAL u32 place[TILE];
  i64 base = GROUP_ID * (i64)TILE;
  for (i32 e = THREAD_ID; e < TILE; e += GROUP) {
    key[e] = keys[base + e];
    place[e] = places[base + e];
  }
  BARRIER;
  for (i64 width = first; width <= last; width <<= 1)
    for (i32 step = (i32)(width < TILE ? width / 2 : TILE / 2); step > 0; step >>= 1) {
      for (i32 pair = THREAD_ID; pair < TILE / 2; pair += GROUP) {
        i32 a = pair / step * 2 * step + pair % step, b = a + step;
        i32 up = ((base + a) & (padded - 1) & width) == 0;
        i32 after = AFTER(key[a], place[a], key[b], place[b]);
        if (after == up) {
          Key k = key[a];
          u32 p = place[a];
          key[a] = key[b];
          place[a] = place[b];
          key[b] = k;
          place[b] = p;
        }
      }
      BARRIER;
    }
  for (i32 e = THREAD_ID; e < TILE; e += GROUP) {
    keys[base + e] = key[e];
    places[base + e] = place[e];
  }
}
)";

const std::string kMergeStep =
    R"(KERNEL run(BUFFER(Key, keys), BUFFER(u32, places), i64 padded, i64 width, i64 step, i64 n) {
  PLACE(Key, keys);
  PLACE(u32, places);
  i64 pair = ITEM;
  if (pair >= n) return;
  i64 a = pair / step * 2 * step + pair % step, b = a + step;
  i32 up = (a & (padded - 1) & width) == 0;
  i32 after = AFTER(keys[a], places[a], keys[b], places[b]);
  if (after == up) {
    Key k = keys[a];
    u32 p = places[a];
    keys[a] = keys[b];
    places[a] = places[b];
    keys[b] = k;
    places[b] = p;
  }
}
)";

// The places of the elements of each line in order.
class Sorted {
public:
  Sorted(const Context& context, const View& x, int64_t dim, bool descending)
      : lines(x, dim),
        padded(static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(2, lines.size))))),
        from_(context, x), all_((lines.lines * padded + kTile - 1) / kTile * kTile),
        wide_(x.dtype == DType::kInt64 || x.dtype == DType::kFloat64),
        keys_(context, static_cast<size_t>(std::max<int64_t>(1, all_)) * (wide_ ? 8 : 4)),
        places_(context, static_cast<size_t>(std::max<int64_t>(1, all_)) * 4),
        status_(sort(context, x.dtype, descending)) {}

  Status status() const { return status_; }
  const void* places() const { return places_.data(); }
  const void* elements() const { return from_.data(); }

  const Along lines;
  const int64_t padded; // from line to line of places

private:
  Status sort(const Context& context, DType dtype, bool descending) {
    if (from_.status() != Status::kOk) return from_.status();
    if (keys_.data() == nullptr || places_.data() == nullptr) return Status::kOutOfMemory;
    if (lines.size >= int64_t{1} << 31) return Status::kNoKernel;
    Launch load;
    load.buffer(keys_.data()).buffer(places_.data()).buffer(from_.data());
    load.value(lines.size).value(lines.inner).value(padded);
    if (wide_)
      load.value(descending ? ~uint64_t{0} : uint64_t{0});
    else
      load.value(descending ? ~uint32_t{0} : uint32_t{0});
    Status status = load.value(lines.lines * padded).run(context, key_text(dtype) + kLoad, lines.lines * padded);
    const std::string head = std::string("typedef ") + (wide_ ? "u64" : "u32") + " Key;\n#define TILE " +
                             std::to_string(kTile) + "\n" + kAfter;
    const auto tile = [&](int64_t first, int64_t last) {
      Launch launch;
      launch.buffer(keys_.data()).buffer(places_.data()).value(padded).value(first).value(last);
      return launch.run_groups(context, head + kSortTile, all_ / kTile);
    };
    if (status == Status::kOk) status = tile(2, std::min(padded, kTile));
    for (int64_t width = 2 * kTile; width <= padded; width *= 2) {
      for (int64_t step = width / 2; step >= kTile && status == Status::kOk; step /= 2) {
        Launch launch;
        launch.buffer(keys_.data()).buffer(places_.data()).value(padded).value(width).value(step).value(all_ / 2);
        status = launch.run(context, head + kMergeStep, all_ / 2);
      }
      if (status == Status::kOk) status = tile(width, width);
    }
    return status;
  }

  Dense from_;
  int64_t all_;
  bool wide_;
  Temporary keys_, places_;
  Status status_;
};

bool sortable(const Context& context, DType dtype) {
  return dtype < DType::kComplex64 && (dtype != DType::kFloat64 || context.float64());
}

// Writes `kept` elements of each line, those of the ranks that `rank`, an expression in j and SORTED(j), says, and their places.
Status pick(const Context& context, const Call& call, bool descending, int64_t kept, const std::string& rank,
            int64_t number) {
  const View &x = call.in[0], &values = call.out[0];
  if (!sortable(context, x.dtype)) return Status::kNoKernel;
  if (values.numel == 0) return Status::kOk;
  const Sorted sorted(context, x, call.integer(0), descending);
  if (sorted.status() != Status::kOk) return sorted.status();
  const std::string type = word(x.dtype);
  const std::string text = "typedef " + type + R"( T;
KERNEL run(BUFFER(T, values), BUFFER(i64, indices), BUFFER(T, x), BUFFER(u32, places), i64 size, i64 inner, i64 padded, i64 kept, i64 number, i64 n) {
  PLACE(T, values);
  PLACE(i64, indices);
  PLACE(T, x);
  PLACE(u32, places);
  i64 i = ITEM;
  if (i >= n) return;
  i64 line = i / kept, j = i % kept;
  i64 base = line / inner * size * inner + line % inner, to = line / inner * kept * inner + line % inner + j * inner;
#define SORTED(r) (base + places[line * padded + (r)] * inner)
  i64 rank;
  )" + rank + R"(
  values[to] = x[SORTED(rank)];
  indices[to] = places[line * padded + rank];
}
)";
  Launch launch;
  launch.buffer(values.data).buffer(call.out[1].data).buffer(sorted.elements()).buffer(sorted.places());
  launch.value(sorted.lines.size).value(sorted.lines.inner).value(sorted.padded).value(kept).value(number);
  return launch.value(values.numel).run(context, text, values.numel);
}

} // namespace

Status sort(const Context& context, const Call& call) {
  const View& x = call.in[0];
  return pick(context, call, call.integer(1) != 0, x.rank == 0 ? 1 : x.sizes[call.integer(0)], "rank = j;", 0);
}

Status topk(const Context& context, const Call& call) {
  const View& y = call.out[0];
  return pick(context, call, call.integer(1) != 0, y.rank == 0 ? 1 : y.sizes[call.integer(0)], "rank = j;", 0);
}

// Of equal elements the k-th in the order of places.
Status kthvalue(const Context& context, const Call& call) {
  return pick(context, call, false, 1, "rank = number;", call.integer(1) - 1);
}

// The lower of two medians. NaN is last: without ignoring it, the first of them wins.
Status median(const Context& context, const Call& call) {
  const DType dtype = call.in[0].dtype;
  std::string rank = "rank = (size - 1) / 2;";
  if (is_floating(dtype)) {
    rank = R"(i64 numbers = 0, end = size;
  while (numbers < end) {
    i64 middle = (numbers + end) / 2;
    T v = x[SORTED(middle)];
    if (IS_NAN(v)) end = middle;
    else numbers = middle + 1;
  }
  rank = number ? (numbers > 0 ? (numbers - 1) / 2 : 0) : numbers < size ? numbers : (size - 1) / 2;)";
    const char* is_nan = dtype == DType::kFloat16    ? "((v & 0x7fff) > 0x7c00)"
                         : dtype == DType::kBFloat16 ? "((v & 0x7fff) > 0x7f80)"
                         : dtype == DType::kFloat32  ? "((v & 0x7fffffffu) > 0x7f800000u)"
                                                     : "((v << 1) > ((u64)0xffe00000u << 32))";
    rank = std::string("\n#define IS_NAN(v) ") + is_nan + "\n  " + rank;
  }
  return pick(context, call, false, 1, rank, call.integer(1));
}

// The least of the most frequent, its last place.
Status mode(const Context& context, const Call& call) {
  const std::string rank = R"(i64 most = 0, run = 0;
  rank = 0;
  for (i64 r = 0; r < size; ++r) {
    ++run;
    if (r + 1 < size && EQUAL(x[SORTED(r)], x[SORTED(r + 1)])) continue;
    if (run > most) {
      most = run;
      rank = r;
    }
    run = 0;
  })";
  // Words are compared, but 0 and -0 are one number and NaN is none.
  const DType dtype = call.in[0].dtype;
  const std::string sign = dtype == DType::kFloat32   ? "0x80000000u"
                           : dtype == DType::kFloat64 ? "((u64)1 << 63)"
                                                      : "0x8000";
  const std::string equal = is_floating(dtype) ? "(a == b || ((a | b) & ~" + sign + ") == 0)" : "(a == b)";
  return pick(context, call, false, 1, "\n#define EQUAL(a, b) " + equal + "\n  " + rank, 0);
}

Status searchsorted(const Context& context, const Call& call) {
  const View &sequence = call.in[0], &values = call.in[1], &y = call.out[0];
  const DType dtype = sequence.dtype;
  if (!sortable(context, dtype) || values.dtype != dtype) return Status::kNoKernel;
  const bool right = call.integer(0) != 0, chosen = call.integer(1) != 0, shared = sequence.rank == 1;
  const Dense from(context, sequence), what(context, values), order(context, chosen ? call.in[2] : values);
  for (const Dense* dense : {&from, &what, &order})
    if (dense->status() != Status::kOk) return dense->status();
  const int64_t width = shared || values.rank == 0 ? std::max<int64_t>(1, values.numel) : values.sizes[values.rank - 1];
  const DType computed = is_floating(dtype) ? wider(dtype) : DType::kInt64;
  const std::string type = storage_name(dtype), place = chosen ? "order[line + middle]" : "middle";
  const std::string kernel = "typedef " + type + " X;\ntypedef " + (chosen ? "i64" : type) + R"( Place;
KERNEL run(BUFFER(i64, y), BUFFER(X, x), BUFFER(X, values), BUFFER(Place, order), i64 size, i64 width, i64 step, i64 n) {
  PLACE(i64, y);
  PLACE(X, x);
  PLACE(X, values);
  PLACE(Place, order);
  i64 i = ITEM;
  if (i >= n) return;
  i64 line = i / width * step, begin = 0, end = size;
  )" + compute_name(computed) +
                             " value = " + read_text(dtype, computed, "values[i]") + R"(;
  while (begin < end) {
    i64 middle = begin + (end - begin) / 2;
    )" + compute_name(computed) +
                             " there = " + read_text(dtype, computed, "x[line + " + place + "]") + R"(;
    if (there )" + (right ? ">" : ">=") +
                             R"( value) end = middle;
    else begin = middle + 1;
  }
  y[i] = begin;
}
)";
  const int64_t size = sequence.sizes[sequence.rank - 1];
  Launch launch;
  launch.buffer(y.data).buffer(from.data()).buffer(what.data()).buffer(order.data());
  launch.value(size).value(width).value(shared ? int64_t{0} : size).value(values.numel);
  return launch.run(context, helpers(kernel, computed) + kernel, values.numel);
}

} // namespace cg::programs
