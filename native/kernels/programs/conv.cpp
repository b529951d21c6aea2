// Convolution and pooling of images. A convolution is a product whose operands are images seen as matrices.
#include <algorithm>

#include "kernels/programs/families.h"
#include "kernels/programs/gemm.h"
#include "kernels/programs/lines.h"

namespace cg::programs {
namespace {

// ORDER CONV: strideH, strideW, padH, padW, dilationH, dilationW, groups
struct Frame {
  int32_t n, c, h, w, o, oh, ow, groups, kh, kw;
  int32_t stride_h, stride_w, pad_h, pad_w, step_h, step_w;
  Frame(const View& x, const View& weight, const View& y, std::span<const double> attr) {
    const auto of = [](auto value) { return static_cast<int32_t>(value); };
    n = of(x.sizes[0]), c = of(x.sizes[1]), h = of(x.sizes[2]), w = of(x.sizes[3]);
    o = of(y.sizes[1]), oh = of(y.sizes[2]), ow = of(y.sizes[3]);
    kh = of(weight.sizes[2]), kw = of(weight.sizes[3]);
    stride_h = of(attr[0]), stride_w = of(attr[1]), pad_h = of(attr[2]), pad_w = of(attr[3]);
    step_h = of(attr[4]), step_w = of(attr[5]), groups = of(attr[6]);
  }
};

// All sizes but the number of images are text, so that divisions by them are multiplications.
std::string head(const Frame& f) {
  return "typedef struct { i32 n, c, h, w, o, oh, ow, groups, kh, kw, stride_h, stride_w, pad_h, pad_w, step_h, "
         "step_w; } "
         "Frame;\n#define KH " +
         std::to_string(f.kh) + "\n#define KW " + std::to_string(f.kw) + "\n#define K2 (KH * KW)\n";
}
std::string frame(const Frame& f) {
  std::string text = " Frame f = {images";
  for (const int32_t value : {f.c, f.h, f.w, f.o, f.oh, f.ow, f.groups, f.kh, f.kw, f.stride_h, f.stride_w, f.pad_h,
                              f.pad_w, f.step_h, f.step_w})
    text += ", " + std::to_string(value);
  return text + "};";
}

bool fits(std::span<const View> views) {
  return std::all_of(views.begin(), views.end(), [](const View& v) { return v.numel < (int64_t{1} << 31); });
}

// What place k of a sum means for all elements of the result: where it lies in the images, and how far down and right.
const std::string kTerm = "typedef struct { i32 front, offset, down, right; } Term;\n";

} // namespace

// [O/g, C/g kH kW] @ [C/g kH kW, N oH oW] for each group
Status conv2d(const Context& context, const Call& call) {
  const View &x = call.in[0], &w = call.in[1], &y = call.out[0];
  if (!floating_program(context, y.dtype) || x.dtype != y.dtype || w.dtype != y.dtype || !fits(call.in) ||
      !fits(call.out))
    return Status::kNoKernel;
  const bool biased = (call.integer(7) & 1) != 0;
  const Frame f(x, w, y, call.attr);
  const Dense from(context, x), weight(context, w), bias(context, biased ? call.in[2] : y);
  for (const Dense* dense : {&from, &weight, &bias})
    if (dense->status() != Status::kOk) return dense->status();
  Launch launch;
  launch.buffer(y.data).buffer(from.data()).buffer(weight.data()).buffer(bias.data()).value(f.n);
  const GemmText text{
      .parameters = "BUFFER(T, y), BUFFER(T, x), BUFFER(T, w), BUFFER(T, bias), i32 images",
      .places = "PLACE(T, y); PLACE(T, x); PLACE(T, w); PLACE(T, bias);" + frame(f),
      .row = "GLOBAL T *from = w + (batch * M + m) * K;",
      .column =
          "i32 image = n / (f.oh * f.ow), oy = n / f.ow % f.oh, ox = n % f.ow; i32 iy0 = oy * f.stride_h - f.pad_h, "
          "ix0 = ox * f.stride_w - f.pad_w, first = iy0 * f.w + ix0; GLOBAL T *from = x + (i64)(image * f.c + batch * "
          "(f.c / f.groups)) * f.h * f.w;",
      .a = "from[k]",
      .b = "((u32)(iy0 + term.down) < (u32)f.h && (u32)(ix0 + term.right) < (u32)f.w ? from[first + term.offset] : "
           "(T)0)",
      .store =
          std::string(
              "{ i32 size = f.oh * f.ow; i64 channel = batch * M + m; y[((i64)(n / size) * f.o + channel) * size + n % "
              "size] = sum") +
          (biased ? " + bias[channel]" : "") + "; }",
      .head = head(f) + kTerm,
      .term = "term.down = k % K2 / KW * f.step_h; term.right = k % KW * f.step_w; term.offset = k / K2 * f.h * f.w + "
              "term.down * f.w + term.right;"};
  return run_gemm(context, y.dtype, text, launch, f.groups, f.o / f.groups, int64_t{f.n} * f.oh * f.ow,
                  int64_t{f.c / f.groups} * f.kh * f.kw);
}

// [C/g, O/g kH kW] @ [O/g kH kW, N H W]: an input element gathers from the outputs that read it.
Status conv2dBackwardInput(const Context& context, const Call& call) {
  const View &g = call.in[0], &w = call.in[1], &dx = call.out[0];
  if (!floating_program(context, dx.dtype) || !fits(call.in) || !fits(call.out)) return Status::kNoKernel;
  const Frame f(dx, w, g, call.attr);
  const Dense from(context, g), weight(context, w);
  if (from.status() != Status::kOk) return from.status();
  if (weight.status() != Status::kOk) return weight.status();
  Launch launch;
  launch.buffer(dx.data).buffer(from.data()).buffer(weight.data()).value(f.n);
  const GemmText text{
      .parameters = "BUFFER(T, dx), BUFFER(T, g), BUFFER(T, w), i32 images",
      .places = "PLACE(T, dx); PLACE(T, g); PLACE(T, w);" + frame(f),
      .row = "GLOBAL T *from = w + (batch * (f.o / f.groups) * M + m) * K2;",
      .column = "i32 image = n / (f.h * f.w), iy = n / f.w % f.h + f.pad_h, ix = n % f.w + f.pad_w; "
                "GLOBAL T *from = g + (i64)(image * f.o + batch * (f.o / f.groups)) * f.oh * f.ow;",
      .a = "from[term.front]",
      .b = "at_output(from + term.offset, f, iy - term.down, ix - term.right)",
      .store = "{ i32 size = f.h * f.w; dx[((i64)(n / size) * f.c + batch * M + m) * size + n % size] = sum; }",
      .head = head(f) + kTerm + R"(FUNCTION T at_output(GLOBAL T *g, Frame f, i32 y, i32 x) {
  if (y < 0 || x < 0 || y % f.stride_h != 0 || x % f.stride_w != 0) return 0;
  y /= f.stride_h;
  x /= f.stride_w;
  return y < f.oh && x < f.ow ? g[y * f.ow + x] : (T)0;
}
)",
      .term = "term.front = k / K2 * M * K2 + k % K2; term.offset = k / K2 * f.oh * f.ow; term.down = k % K2 / KW * "
              "f.step_h; term.right = k % KW * f.step_w;"};
  return run_gemm(context, dx.dtype, text, launch, f.groups, f.c / f.groups, int64_t{f.n} * f.h * f.w,
                  int64_t{f.o / f.groups} * f.kh * f.kw);
}

// [O/g, N oH oW] @ [N oH oW, C/g kH kW], cut along N into partial sums, because the result is small and the sums are long.
Status conv2dBackwardWeight(const Context& context, const Call& call) {
  const View &g = call.in[0], &x = call.in[1], &dw = call.out[0];
  if (!floating_program(context, dw.dtype) || !fits(call.in) || !fits(call.out)) return Status::kNoKernel;
  const Frame f(x, dw, g, call.attr);
  const Dense grad(context, g), from(context, x);
  if (grad.status() != Status::kOk) return grad.status();
  if (from.status() != Status::kOk) return from.status();
  const int32_t parts = std::min(f.n, 32), each = parts == 0 ? 0 : (f.n + parts - 1) / parts;
  const Temporary partial(context, static_cast<size_t>(std::max(parts, 1) * dw.numel) * element_size(dw.dtype));
  if (partial.data() == nullptr) return Status::kOutOfMemory;
  Launch launch;
  launch.buffer(partial.data()).buffer(grad.data()).buffer(from.data()).value(f.n).value(each);
  const GemmText text{
      .parameters = "BUFFER(T, dw), BUFFER(T, g), BUFFER(T, x), i32 images, i32 each",
      .places = "PLACE(T, dw); PLACE(T, g); PLACE(T, x);" + frame(f),
      .row = "i32 part = batch / f.groups, group = batch % f.groups, size = f.oh * f.ow; GLOBAL T *from = g + "
             "((i64)part * "
             "each * f.o + group * M + m) * size;",
      .column =
          "i32 part = batch / f.groups, group = batch % f.groups, size = f.oh * f.ow; i32 ky = n % K2 / KW * f.step_h "
          "- "
          "f.pad_h, kx = n % KW * f.step_w - f.pad_w, first = ky * f.w + kx; GLOBAL T *from = x + ((i64)part * each * "
          "f.c + group * (f.c / "
          "f.groups) + n / K2) * f.h * f.w;",
      .a = "(term.front >= 0 ? from[term.front] : (T)0)",
      .b = "(term.front >= 0 && (u32)(ky + term.down) < (u32)f.h && (u32)(kx + term.right) < (u32)f.w ? "
           "from[first + term.offset] : (T)0)",
      .store = "dw[((i64)batch * M + m) * N + n] = sum;",
      .head = head(f) + kTerm,
      // Behind the last image there is nothing.
      .term =
          "i32 size = f.oh * f.ow, image = k / size; term.down = k % size / f.ow * f.stride_h; term.right = k % f.ow "
          "* f.stride_w; term.front = (i32)(batch / f.groups) * each + image < f.n ? image * f.o * size + k % size : "
          "-1; term.offset = image * f.c * f.h * f.w + term.down * f.w + term.right;"};
  if (const Status status = run_gemm(context, dw.dtype, text, launch, int64_t{parts} * f.groups, f.o / f.groups,
                                     int64_t{f.c / f.groups} * f.kh * f.kw, int64_t{each} * f.oh * f.ow);
      status != Status::kOk)
    return status;
  Launch add;
  add.buffer(dw.data).buffer(partial.data()).value(int64_t{parts}).value(dw.numel);
  const LineText sum{.parameters = "BUFFER(T, dw), BUFFER(T, partial), i64 parts, i64 n",
                     .places = "PLACE(T, dw); PLACE(T, partial);",
                     .body = "  T sum = 0;\n  FOR(i, parts) sum += partial[i * n + line];\n  FOLD(sum, ADD)\n"
                             "  dw[line] = sum;\n"};
  return run_lines(context, dw.dtype, sum, add, dw.numel, parts);
}

namespace {

const std::string kWindow =
    "typedef struct { i32 h, w, oh, ow, kh, kw, stride_h, stride_w, pad_h, pad_w, step_h, step_w; } Window;\n";
struct Window {
  int32_t h, w, oh, ow, kh, kw, stride_h, stride_w, pad_h, pad_w, step_h = 1, step_w = 1;
  Window(const View& x, const View& y, std::span<const double> attr, bool dilated) {
    const auto of = [](auto value) { return static_cast<int32_t>(value); };
    h = of(x.sizes[2]), w = of(x.sizes[3]), oh = of(y.sizes[2]), ow = of(y.sizes[3]);
    kh = of(attr[0]), kw = of(attr[1]), stride_h = of(attr[2]), stride_w = of(attr[3]), pad_h = of(attr[4]),
    pad_w = of(attr[5]);
    if (dilated) step_h = of(attr[6]), step_w = of(attr[7]);
  }
};

} // namespace

Status maxPool2d(const Context& context, const Call& call) {
  const View &x = call.in[0], &y = call.out[0];
  if (!floating_program(context, y.dtype)) return Status::kNoKernel;
  const Dense from(context, x);
  if (from.status() != Status::kOk) return from.status();
  Launch launch;
  launch.buffer(y.data).buffer(call.out[1].data).buffer(from.data()).value(Window(x, y, call.attr, true));
  const LineText text{.parameters = "BUFFER(T, y), BUFFER(i64, indices), BUFFER(T, x), Window f",
                      .places = "PLACE(T, y); PLACE(i64, indices); PLACE(T, x);",
                      .body = R"(  i32 oy = line / f.ow % f.oh, ox = line % f.ow;
  i64 base = line / (f.oh * f.ow) * f.h * f.w, best = -1;
  T most = -(T)INF;
  for (i32 ky = 0; ky < f.kh; ++ky)
    for (i32 kx = 0; kx < f.kw; ++kx) {
      i32 iy = oy * f.stride_h - f.pad_h + ky * f.step_h, ix = ox * f.stride_w - f.pad_w + kx * f.step_w;
      if ((u32)iy >= (u32)f.h || (u32)ix >= (u32)f.w) continue;
      T value = x[base + iy * f.w + ix];
      if (best >= 0 && !(value > most) && value == value) continue;
      most = value;
      best = iy * f.w + ix;
    }
  y[line] = most;
  indices[line] = best;
)",
                      .head = kWindow};
  return run_lines(context, y.dtype, text, launch, y.numel, 1);
}

// One thread adds up a whole plane, so that windows that share an element need no atomics.
Status maxPool2dBackward(const Context& context, const Call& call) {
  const View &g = call.in[0], &dx = call.out[0];
  if (!floating_program(context, dx.dtype)) return Status::kNoKernel;
  const Dense from(context, g), indices(context, call.in[1]);
  if (from.status() != Status::kOk) return from.status();
  if (indices.status() != Status::kOk) return indices.status();
  const int64_t plane = dx.sizes[2] * dx.sizes[3], outputs = g.sizes[2] * g.sizes[3];
  Launch launch;
  launch.buffer(dx.data).buffer(from.data()).buffer(indices.data()).value(plane).value(outputs);
  const LineText text{.parameters = "BUFFER(T, dx), BUFFER(T, g), BUFFER(i64, indices), i64 plane, i64 outputs",
                      .places = "PLACE(T, dx); PLACE(T, g); PLACE(i64, indices);",
                      .body = "  for (i64 i = 0; i < plane; ++i) dx[line * plane + i] = 0;\n"
                              "  for (i64 i = 0; i < outputs; ++i)\n"
                              "    dx[line * plane + indices[line * outputs + i]] += g[line * outputs + i];\n"};
  return run_lines(context, dx.dtype, text, launch, plane == 0 ? 0 : dx.numel / plane, 1);
}

namespace {

// What a window's sum is divided by: its elements, with or without the padding, or a number given.
const std::string kDivisor = kWindow + R"(FUNCTION T divisor(Window f, i32 oy, i32 ox, i32 padded, T given) {
  i32 top = oy * f.stride_h - f.pad_h, left = ox * f.stride_w - f.pad_w;
  i32 bottom = min(top + f.kh, f.h + f.pad_h), right = min(left + f.kw, f.w + f.pad_w);
  if (given != 0) return given;
  if (padded) return (bottom - top) * (right - left);
  return (min(bottom, f.h) - max(top, 0)) * (min(right, f.w) - max(left, 0));
}
)";

Status average(const Context& context, const Call& call, const View& x, const View& y, const LineText& text) {
  const View &from = call.in[0], &to = call.out[0];
  if (!floating_program(context, to.dtype)) return Status::kNoKernel;
  const Dense in(context, from);
  if (in.status() != Status::kOk) return in.status();
  Launch launch;
  launch.buffer(to.data).buffer(in.data()).value(Window(x, y, call.attr, false));
  launch.value(static_cast<int32_t>(call.integer(6))).number(call.attr[7], to.dtype);
  return run_lines(context, to.dtype, text, launch, to.numel, 1);
}

} // namespace

Status avgPool2d(const Context& context, const Call& call) {
  return average(context, call, call.in[0], call.out[0],
                 {.parameters = "BUFFER(T, y), BUFFER(T, x), Window f, i32 padded, T given",
                  .places = "PLACE(T, y); PLACE(T, x);",
                  .body = R"(  i32 oy = line / f.ow % f.oh, ox = line % f.ow;
  i64 base = line / (f.oh * f.ow) * f.h * f.w;
  T sum = 0;
  for (i32 ky = 0; ky < f.kh; ++ky)
    for (i32 kx = 0; kx < f.kw; ++kx) {
      i32 iy = oy * f.stride_h - f.pad_h + ky, ix = ox * f.stride_w - f.pad_w + kx;
      if ((u32)iy < (u32)f.h && (u32)ix < (u32)f.w) sum += x[base + iy * f.w + ix];
    }
  y[line] = sum / divisor(f, oy, ox, padded, given);
)",
                  .head = kDivisor});
}

Status avgPool2dBackward(const Context& context, const Call& call) {
  return average(context, call, call.out[0], call.in[0],
                 {.parameters = "BUFFER(T, dx), BUFFER(T, g), Window f, i32 padded, T given",
                  .places = "PLACE(T, dx); PLACE(T, g);",
                  .body = R"(  i32 iy = line / f.w % f.h + f.pad_h, ix = line % f.w + f.pad_w;
  i64 base = line / (f.h * f.w) * f.oh * f.ow;
  T sum = 0;
  for (i32 oy = max(0, (iy - f.kh) / f.stride_h); oy < f.oh && oy * f.stride_h <= iy; ++oy)
    for (i32 ox = max(0, (ix - f.kw) / f.stride_w); ox < f.ow && ox * f.stride_w <= ix; ++ox)
      if (iy - oy * f.stride_h < f.kh && ix - ox * f.stride_w < f.kw)
        sum += g[base + oy * f.ow + ox] / divisor(f, oy, ox, padded, given);
  dx[line] = sum;
)",
                  .head = kDivisor});
}

} // namespace cg::programs
