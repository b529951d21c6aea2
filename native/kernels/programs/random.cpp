// Random tensors from Philox words: the words, and what is made of them, are those of native/kernels/cpu/random.cpp.
#include <algorithm>
#include <cmath>

#include "kernels/philox.h"
#include "kernels/programs/families.h"
#include "kernels/programs/lines.h"
#include "kernels/programs/words.h"

namespace cg::programs {
namespace {

// One thread makes the four words of a block; EACH(e, w) has element e and its word.
const std::string kEach = R"(  i64 block = ITEM;
  if (block * 4 >= n) return;
  Words words = philox(stream, block);
  for (i32 lane = 0; lane < 4; ++lane) {
    i64 e = block * 4 + lane;
    u32 w = words.w[lane];
    if (e < n) )";

Status draw(const Context& context, const Call& call, int64_t n, const std::string& types,
            const std::string& parameters, const std::string& body, Launch& launch) {
  launch.value(philox_stream(call.attr.data())).value(n);
  const std::string text = types + kPhilox + "KERNEL run(" + parameters + ", Stream stream, i64 n) {\n" + body;
  return launch.run(context, text, (n + 3) / 4);
}

// 1 with probability p for a random word: w <= last, where that is possible at all.
struct Chance { uint32_t last, possible; };
Chance chance(double p) {
  const double words = std::ceil(std::clamp(p, 0.0, 1.0) * 0x1p32);
  return {words > 0 ? static_cast<uint32_t>(words - 1) : 0, words > 0 ? 1u : 0u};
}

} // namespace

Status uniform(const Context& context, const Call& call) {
  const View& y = call.out[0];
  if (y.dtype != DType::kFloat32) return Status::kNoKernel;
  const auto lo = static_cast<float>(call.attr[3]), width = static_cast<float>(call.attr[4] - call.attr[3]);
  Launch launch;
  launch.buffer(y.data).value(lo).value(width).value(std::nextafter(lo + width, lo));
  return draw(context, call, y.numel, "", "BUFFER(f32, y), f32 lo, f32 width, f32 last",
              "  PLACE(f32, y);\n" + kEach +
                  "{\n      f32 u = lo + (f32)(w >> 8) * 5.9604644775390625e-8f * width;\n      y[e] = u < last ? u : "
                  "last;\n    }\n  }\n}\n",
              launch);
}

// Box-Muller over pairs of words. The angle is split into quarter turns, as on the CPU.
Status normal(const Context& context, const Call& call) {
  const View& y = call.out[0];
  if (y.dtype != DType::kFloat32) return Status::kNoKernel;
  Launch launch;
  launch.buffer(y.data).value(static_cast<float>(call.attr[3])).value(static_cast<float>(call.attr[4]));
  const std::string body = R"(  PLACE(f32, y);
  i64 block = ITEM;
  if (block * 4 >= n) return;
  Words words = philox(stream, block);
  for (i32 pair = 0; pair < 2; ++pair) {
    i64 e = block * 4 + pair * 2;
    f32 u = (f32)words.w[2 * pair] * 2.3283064365386963e-10f + 1.1641532182693481e-10f;
    f32 radius = std * sqrt(-2.0f * log(u));
    f32 quarters = (f32)(words.w[2 * pair + 1] >> 8) * 5.9604644775390625e-8f * 4.0f;
    i32 k = (i32)(quarters + 0.5f);
    f32 x = (quarters - (f32)k) * 1.57079632679489661923f, z = x * x;
    f32 s = x + x * z * (-1.6666654611e-1f + z * (8.3321608736e-3f - z * 1.9515295891e-4f));
    f32 c = 1.0f - 0.5f * z + z * z * (4.166664568298827e-2f + z * (-1.388731625493765e-3f + z * 2.443315711809948e-5f));
    f32 a = k & 1 ? c : s, b = k & 1 ? s : c;
    a = k & 2 ? -a : a;
    b = (k + 1) & 2 ? -b : b;
    if (e < n) y[e] = mean + radius * b;
    if (e + 1 < n) y[e + 1] = mean + radius * a;
  }
}
)";
  return draw(context, call, y.numel, "", "BUFFER(f32, y), f32 mean, f32 std", body, launch);
}

Status bernoulli(const Context& context, const Call& call) {
  const View& y = call.out[0];
  if (y.dtype >= DType::kFloat16 && !floating_program(context, y.dtype)) return Status::kNoKernel;
  const std::string type = storage_name(y.dtype);
  Launch launch;
  launch.buffer(y.data);
  if ((call.integer(4) & 1) == 0) {
    launch.value(chance(call.attr[3]));
    return draw(context, call, y.numel, "typedef struct { u32 last, possible; } Chance;\n",
                "BUFFER(" + type + ", y), Chance chance",
                "  PLACE(" + type + ", y);\n" + kEach + "y[e] = (" + type +
                    ")(w <= chance.last ? chance.possible : 0);\n  }\n}\n",
                launch);
  }
  const View& p = call.in[0];
  if (!floating_program(context, p.dtype) || !context.float64()) return Status::kNoKernel;
  const Dense chances(context, p);
  if (chances.status() != Status::kOk) return chances.status();
  launch.buffer(chances.data());
  const std::string from = storage_name(p.dtype);
  return draw(context, call, y.numel, "", "BUFFER(" + type + ", y), BUFFER(" + from + ", p)",
              "  PLACE(" + type + ", y);\n  PLACE(" + from + ", p);\n" + kEach + "y[e] = (" + type +
                  ")((f64)w < (f64)p[e] * 4294967296.0);\n  }\n}\n",
              launch);
}

// Multiply and take the high half (Lemire 2019).
Status randint(const Context& context, const Call& call) {
  const View& y = call.out[0];
  const int64_t lo = call.integer(3);
  const auto width = static_cast<uint64_t>(call.integer(4) - lo);
  if (width > uint64_t{1} << 32 || (y.dtype >= DType::kFloat16 && !floating_program(context, y.dtype)))
    return Status::kNoKernel;
  const std::string type = storage_name(y.dtype);
  Launch launch;
  launch.buffer(y.data).value(lo).value(width);
  return draw(context, call, y.numel, "", "BUFFER(" + type + ", y), i64 lo, u64 width",
              "  PLACE(" + type + ", y);\n" + kEach + "y[e] = (" + type + ")(lo + (i64)(w * width >> 32));\n  }\n}\n",
              launch);
}

Status dropout(const Context& context, const Call& call) {
  const View &x = call.in[0], &y = call.out[0];
  if (!floating_program(context, x.dtype)) return Status::kNoKernel;
  const Dense from(context, x);
  if (from.status() != Status::kOk) return from.status();
  const double p = call.attr[3];
  const std::string type = storage_name(x.dtype);
  Launch launch;
  launch.buffer(y.data).buffer(call.out[1].data).buffer(from.data()).value(chance(1 - p));
  launch.number(p < 1 ? 1 / (1 - p) : 0, x.dtype);
  return draw(context, call, y.numel, "typedef struct { u32 last, possible; } Chance;\ntypedef " + type + " T;\n",
              "BUFFER(T, y), BUFFER(u8, mask), BUFFER(T, x), Chance chance, T scale",
              "  PLACE(T, y);\n  PLACE(u8, mask);\n  PLACE(T, x);\n" + kEach +
                  "{\n      u8 kept = (u8)(w <= chance.last ? chance.possible : 0);\n      mask[e] = kept;\n"
                  "      y[e] = kept ? x[e] * scale : (T)0;\n    }\n  }\n}\n",
              launch);
}

} // namespace cg::programs
