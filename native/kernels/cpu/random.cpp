// Random tensors from Philox words: element e of a 32-bit draw uses word e, of a 64-bit draw words 2e and 2e + 1.
#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "kernels/cpu/dense.h"
#include "kernels/cpu/philox_lanes.h"
#include "kernels/cpu/visit.h"
#include "kernels/cpu/vmath.h"

namespace cg::cpu::CG_ISA {
namespace {

constexpr int64_t kBatch = 1024;  // words made at once, in the L1 cache
constexpr int64_t kChunk = 16384; // elements that one task takes

// Calls fn(first element, count, words) over n elements that use `per_element` words each.
template <class Fn> Status draw(const Call& call, int64_t n, int64_t per_element, const Fn& fn) {
  const PhiloxStream stream = philox_stream(call.attr.data());
  return parallel_for(0, n, kChunk, [&](int64_t begin, int64_t end) {
    alignas(64) uint32_t words[kBatch];
    const int64_t step = kBatch / per_element;
    for (int64_t e = begin; e < end; e += step) {
      const int64_t count = std::min(step, end - e);
      philox_lanes(stream, static_cast<uint64_t>(e * per_element / 4), (count * per_element + 3) / 4, words);
      fn(e, count, words);
    }
  });
}

constexpr float kTwoToMinus24 = 0x1p-24f;
constexpr double kTwoToMinus53 = 0x1p-53;

// 53 random bits of two words.
CG_INLINE uint64_t bits53(uint32_t low, uint32_t high) { return (uint64_t{high} << 32 | low) >> 11; }

// sin and cos of 2 pi t for t in [0, 1): a quarter turn is split off, the rest is within pi / 4.
template <class T> struct SinCos { T sin, cos; };
CG_INLINE SinCos<float> turn(float t) {
  const float quarters = t * 4.0f;
  const int32_t k = static_cast<int32_t>(quarters + 0.5f);
  const float x = (quarters - static_cast<float>(k)) * 1.57079632679489661923f, z = x * x;
  const float s = x + x * z * (-1.6666654611e-1f + z * (8.3321608736e-3f - z * 1.9515295891e-4f));
  const float c =
      1.0f - 0.5f * z + z * z * (4.166664568298827e-2f + z * (-1.388731625493765e-3f + z * 2.443315711809948e-5f));
  const float a = k & 1 ? c : s, b = k & 1 ? s : c;
  return {k & 2 ? -a : a, (k + 1) & 2 ? -b : b};
}
CG_INLINE SinCos<double> turn(double t) {
  const double quarters = t * 4.0;
  const int32_t k = static_cast<int32_t>(quarters + 0.5);
  const double x = (quarters - static_cast<double>(k)) * 1.57079632679489661923, z = x * x;
  double s = 1.58962301576546568060e-10, c = -1.13585365213876817300e-11;
  s = s * z - 2.50507477628578072866e-8;
  s = s * z + 2.75573136213857245213e-6;
  s = s * z - 1.98412698295895385996e-4;
  s = s * z + 8.33333333332211858878e-3;
  s = s * z - 1.66666666666666307295e-1;
  c = c * z + 2.08757008419747316778e-9;
  c = c * z - 2.75573141792967388112e-7;
  c = c * z + 2.48015872888517045348e-5;
  c = c * z - 1.38888888888730564116e-3;
  c = c * z + 4.16666666666665929218e-2;
  s = x + x * z * s;
  c = 1.0 - 0.5 * z + z * z * c;
  const double a = k & 1 ? c : s, b = k & 1 ? s : c;
  return {k & 2 ? -a : a, (k + 1) & 2 ? -b : b};
}

// Box-Muller: words 0 and 1 of a pair are the radius and the angle. The radius is in (0, 1] with 2^-33 as its least.
void normal_pairs(const uint32_t* words, int64_t pairs, float mean, float std, float* __restrict y) {
  for (int64_t i = 0; i < pairs; ++i) {
    const float u = static_cast<float>(words[2 * i]) * 0x1p-32f + 0x1p-33f;
    const float radius = std * std::sqrt(-2.0f * log(u));
    const SinCos<float> angle = turn(static_cast<float>(words[2 * i + 1] >> 8) * kTwoToMinus24);
    y[2 * i] = mean + radius * angle.cos;
    y[2 * i + 1] = mean + radius * angle.sin;
  }
}
void normal_pairs(const uint32_t* words, int64_t pairs, double mean, double std, double* __restrict y) {
  for (int64_t i = 0; i < pairs; ++i) {
    const double u =
        static_cast<double>(static_cast<int64_t>(bits53(words[4 * i], words[4 * i + 1]) + 1)) * kTwoToMinus53;
    const double radius = std * std::sqrt(-2.0 * log(u));
    const double t =
        static_cast<double>(static_cast<int64_t>(bits53(words[4 * i + 2], words[4 * i + 3]))) * kTwoToMinus53;
    const SinCos<double> angle = turn(t);
    y[2 * i] = mean + radius * angle.cos;
    y[2 * i + 1] = mean + radius * angle.sin;
  }
}

// 1 with probability p for a random word, else 0. In 32 bits, so that a register holds as many comparisons as words.
struct Chance {
  uint32_t last, possible;
  explicit Chance(double p) {
    const double words = std::ceil(std::clamp(p, 0.0, 1.0) * 0x1p32);
    possible = words > 0 ? 1 : 0;
    last = words > 0 ? static_cast<uint32_t>(words - 1) : 0;
  }
  uint32_t operator()(uint32_t word) const { return (word <= last ? 1u : 0u) & possible; }
};

// Loops of their own, so that parameters are values and no store can change them.
template <class T> void flip_coins(const uint32_t* words, int64_t n, Chance happens, T* to) {
  for (int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(happens(words[i]));
}
template <class T> void scale_kept(const uint32_t* words, int64_t n, Chance keeps, T scale, const T* from, T* to) {
  CG_SIMD for (int64_t i = 0; i < n; ++i) to[i] = keeps(words[i]) ? from[i] * scale : T{0};
}
template <class T> void fill_range(const uint32_t* words, int64_t n, int64_t lo, uint64_t width, T* to) {
  for (int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(lo + static_cast<int64_t>(words[i] * width >> 32));
}

} // namespace

Status uniform(const Call& call) {
  const View& y = call.out[0];
  const double lo = call.attr[3], width = call.attr[4] - lo;
  if (y.dtype == DType::kFloat32)
    return draw(call, y.numel, 1, [&](int64_t first, int64_t n, const uint32_t* words) {
      float* to = y.as<float>() + first;
      const float base = static_cast<float>(lo), scale = static_cast<float>(width),
                  last = std::nextafter(base + scale, base);
      // Rounding may reach the open end.
      for (int64_t i = 0; i < n; ++i) {
        const float u = base + static_cast<float>(words[i] >> 8) * kTwoToMinus24 * scale;
        to[i] = u < last ? u : last;
      }
    });
  if (y.dtype != DType::kFloat64) return fail(Status::kUnsupportedDType);
  return draw(call, y.numel, 2, [&](int64_t first, int64_t n, const uint32_t* words) {
    double* to = y.as<double>() + first;
    const double last = std::nextafter(lo + width, lo);
    for (int64_t i = 0; i < n; ++i) {
      const double u = lo + static_cast<double>(static_cast<int64_t>(bits53(words[2 * i], words[2 * i + 1]))) *
                                kTwoToMinus53 * width;
      to[i] = u < last ? u : last;
    }
  });
}

Status normal(const Call& call) {
  const View& y = call.out[0];
  return visit(y.dtype, Floating{}, [&]<class T>() {
    const T mean = static_cast<T>(call.attr[3]), std = static_cast<T>(call.attr[4]);
    return draw(call, y.numel, sizeof(T) / 4, [&](int64_t first, int64_t n, const uint32_t* words) {
      T* to = y.as<T>() + first;
      normal_pairs(words, n / 2, mean, std, to);
      if (n % 2 == 0) return;
      T last[2]; // an odd count ends in half a pair
      normal_pairs(words + (n - 1) * static_cast<int64_t>(sizeof(T) / 4), 1, mean, std, last);
      to[n - 1] = last[0];
    });
  });
}

Status bernoulli(const Call& call) {
  const View& y = call.out[0];
  const bool tensor = (call.integer(4) & 1) != 0;
  // 0 and 1 are the bytes of a bool too.
  return visit(y.dtype == DType::kBool ? DType::kUInt8 : y.dtype, Numeric{}, [&]<class T>() -> Status {
    if (!tensor) {
      return draw(call, y.numel, 1, [&](int64_t first, int64_t n, const uint32_t* words) {
        flip_coins(words, n, Chance(call.attr[3]), y.as<T>() + first);
      });
    }
    const Dense p(call.in[0]);
    if (!p.ok()) return Status::kOutOfMemory;
    return visit(call.in[0].dtype, Floating{}, [&]<class P>() {
      return draw(call, y.numel, 1, [&](int64_t first, int64_t n, const uint32_t* words) {
        const P* from = p.as<P>() + first;
        for (int64_t i = 0; i < n; ++i)
          y.as<T>()[first + i] = static_cast<T>(static_cast<double>(words[i]) < static_cast<double>(from[i]) * 0x1p32);
      });
    });
  });
}

// Multiply and take the high half (Lemire 2019) without rejection: the bias is at most width / 2^32, or width / 2^64.
Status randint(const Call& call) {
  const View& y = call.out[0];
  const int64_t lo = call.integer(3);
  const uint64_t width = static_cast<uint64_t>(call.integer(4) - lo);
  return visit(y.dtype, AllTypes{}, [&]<class T>() -> Status {
    if (width <= uint64_t{1} << 32)
      return draw(call, y.numel, 1, [&](int64_t first, int64_t n, const uint32_t* words) {
        fill_range(words, n, lo, width, y.as<T>() + first);
      });
    return draw(call, y.numel, 2, [&](int64_t first, int64_t n, const uint32_t* words) {
      for (int64_t i = 0; i < n; ++i) {
        const uint64_t word = uint64_t{words[2 * i + 1]} << 32 | words[2 * i];
        y.as<T>()[first + i] =
            static_cast<T>(lo + static_cast<int64_t>(static_cast<unsigned __int128>(word) * width >> 64));
      }
    });
  });
}

Status dropout(const Call& call) {
  const View &x = call.in[0], &y = call.out[0], &mask = call.out[1];
  const double p = call.attr[3];
  const Dense input(x);
  if (!input.ok()) return Status::kOutOfMemory;
  return visit(x.dtype, Floating{}, [&]<class T>() {
    const T scale = p < 1 ? static_cast<T>(1 / (1 - p)) : 0;
    return draw(call, y.numel, 1, [&](int64_t first, int64_t n, const uint32_t* words) {
      scale_kept(words, n, Chance(1 - p), scale, input.as<T>() + first, y.as<T>() + first);
      flip_coins(words, n, Chance(1 - p), mask.as<uint8_t>() + first);
    });
  });
}

} // namespace cg::cpu::CG_ISA
