// Complex numbers on devices: pairs of reals in memory, a struct in the texts.
#include "kernels/programs/complex.h"

#include <algorithm>

#include "core/shape.h"
#include "kernels/programs/families.h"
#include "kernels/programs/lines.h"

namespace cg::programs {
namespace {

// As native/kernels/cpu/complex_math.h. T is the type of the computation, S that of the parts in memory.
// T is the type of the computation, S that of the parts in memory.
constexpr const char* kTypes = "typedef struct { S re, im; } Stored;\ntypedef struct { T re, im; } C;\n";

// As native/kernels/cpu/complex_math.h; a function may use those above it.
struct Function {
  const char* name;
  const char* text;
};
constexpr Function kFunctions[] = {
    {"c_of", R"(FUNCTION C c_of(T re, T im) { C z; z.re = re; z.im = im; return z; }
)"},
    {"c_load", R"(FUNCTION C c_load(Stored x) { return c_of((T)x.re, (T)x.im); }
)"},
    {"c_store", R"(FUNCTION Stored c_store(C z) { Stored x; x.re = (S)z.re; x.im = (S)z.im; return x; }
)"},
    {"c_neg", R"(FUNCTION C c_neg(C x) { return c_of(-x.re, -x.im); }
)"},
    {"c_times", R"(FUNCTION C c_times(T s, C x) { return c_of(s * x.re, s * x.im); }
)"},
    {"c_add", R"(FUNCTION C c_add(C a, C b) { return c_of(a.re + b.re, a.im + b.im); }
)"},
    {"c_sub", R"(FUNCTION C c_sub(C a, C b) { return c_of(a.re - b.re, a.im - b.im); }
)"},
    {"c_mul", R"(FUNCTION C c_mul(C a, C b) { return c_of(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re); }
)"},
    {"c_div", R"(FUNCTION C c_div(C a, C b) {
  T re = fabs(b.re), im = fabs(b.im), ratio, scale;
  if (re == 0 && im == 0) return c_of(a.re / re, a.im / im);
  if (re >= im) {
    ratio = b.im / b.re;
    scale = 1 / (b.re + b.im * ratio);
    return c_of((a.re + a.im * ratio) * scale, (a.im - a.re * ratio) * scale);
  }
  ratio = b.re / b.im;
  scale = 1 / (b.re * ratio + b.im);
  return c_of((a.re * ratio + a.im) * scale, (a.im * ratio - a.re) * scale);
}
)"},
    {"c_same", R"(FUNCTION i32 c_same(C a, C b) { return a.re == b.re && a.im == b.im; }
)"},
    {"c_true", R"(FUNCTION i32 c_true(C x) { return x.re != 0 || x.im != 0; }
)"},
    {"c_sgn", R"(FUNCTION C c_sgn(C x) {
  T modulus = hypot(x.re, x.im);
  return modulus == 0 ? c_of(0, 0) : c_of(x.re / modulus, x.im / modulus);
}
)"},
    {"c_sqrt", R"(FUNCTION C c_sqrt(C x) {
  T root;
  if (x.re == 0 && x.im == 0) return c_of(0, x.im);
  if (fabs(x.im) == (T)INF) return c_of((T)INF, x.im);
  root = sqrt((fabs(x.re) + hypot(x.re, x.im)) / 2);
  return x.re >= 0 ? c_of(root, x.im / (2 * root)) : c_of(fabs(x.im) / (2 * root), copysign(root, x.im));
}
)"},
    {"c_exp", R"(FUNCTION C c_exp(C x) {
  T grown = exp(x.re);
  return x.im == 0 ? c_of(grown, x.im) : c_of(grown * cos(x.im), grown * sin(x.im));
}
)"},
    {"c_log", R"(FUNCTION C c_log(C x) { return c_of(log(hypot(x.re, x.im)), atan2(x.im, x.re)); }
)"},
    {"c_expm1", R"(FUNCTION C c_expm1(C x) {
  T half_sine = sin(x.im / 2), grown = expm1(x.re);
  return c_of(grown * cos(x.im) - 2 * half_sine * half_sine, (grown + 1) * sin(x.im));
}
)"},
    {"c_log1p", R"(FUNCTION C c_log1p(C z) {
  T x = z.re, y = z.im;
  if (fabs(x) > (T)0.5 || fabs(y) > (T)0.5) return c_log(c_of(1 + x, y));
  return c_of((T)0.5 * log1p(x * (2 + x) + y * y), atan2(y, 1 + x));
}
)"},
    {"c_sin", R"(FUNCTION C c_sin(C x) { return c_of(sin(x.re) * cosh(x.im), cos(x.re) * sinh(x.im)); }
)"},
    {"c_cos", R"(FUNCTION C c_cos(C x) { return c_of(cos(x.re) * cosh(x.im), -(sin(x.re) * sinh(x.im))); }
)"},
    {"c_sinh", R"(FUNCTION C c_sinh(C x) { return c_of(sinh(x.re) * cos(x.im), cosh(x.re) * sin(x.im)); }
)"},
    {"c_cosh", R"(FUNCTION C c_cosh(C x) { return c_of(cosh(x.re) * cos(x.im), sinh(x.re) * sin(x.im)); }
)"},
    {"c_tanh", R"(FUNCTION C c_tanh(C x) {
  T scale;
  if (fabs(x.re) > 20) return c_of(copysign((T)1, x.re), 4 * sin(x.im) * cos(x.im) * exp(-2 * fabs(x.re)));
  scale = 1 / (cosh(2 * x.re) + cos(2 * x.im));
  return c_of(sinh(2 * x.re) * scale, sin(2 * x.im) * scale);
}
)"},
    {"c_tan", R"(FUNCTION C c_tan(C x) {
  C turned = c_tanh(c_of(-x.im, x.re));
  return c_of(turned.im, -turned.re);
}
)"},
    {"c_sigmoid", R"(FUNCTION C c_sigmoid(C x) { return c_div(c_of(1, 0), c_add(c_of(1, 0), c_exp(c_neg(x)))); }
)"},
    {"c_pow", R"(FUNCTION C c_pow(C a, C b) {
  if (!c_true(a) && b.im == 0) return c_of(pow((T)0, b.re), 0);
  return c_exp(c_mul(b, c_log(a)));
}
)"},
    {"c_lerp", R"(FUNCTION C c_lerp(C a, C b, C c) {
  C way = c_sub(b, a);
  return c.re * c.re + c.im * c.im < (T)0.25 ? c_add(a, c_mul(c, way)) : c_sub(b, c_mul(way, c_sub(c_of(1, 0), c)));
}
)"},
};

// Only those that `text` needs: compilers are slow.
std::string functions_of(const std::string& text) {
  std::string all = text, used;
  for (const Function* each = std::end(kFunctions); each-- != std::begin(kFunctions);)
    if (has_word(all, each->name)) {
      all += each->text;
      used = each->text + used;
    }
  return kTypes + used;
}

enum Kind { kArithmetic, kFunction, kTruth, kChoice }; // as complex.def calls them

struct Meaning {
  Family family;
  const char* name;
  Kind kind;
  const char* text;
};

constexpr Meaning kMeanings[] = {
    {Family::kUnary, "neg", kArithmetic, "c_neg(x)"},
    {Family::kUnary, "positive", kArithmetic, "x"},
    {Family::kUnary, "conj", kArithmetic, "c_of(x.re, -x.im)"},
    {Family::kUnary, "square", kArithmetic, "c_mul(x, x)"},
    {Family::kUnary, "reciprocal", kArithmetic, "c_div(c_of(1, 0), x)"},
    {Family::kUnary, "sgn", kFunction, "c_sgn(x)"},
    {Family::kUnary, "sqrt", kFunction, "c_sqrt(x)"},
    {Family::kUnary, "rsqrt", kFunction, "c_div(c_of(1, 0), c_sqrt(x))"},
    {Family::kUnary, "exp", kFunction, "c_exp(x)"},
    {Family::kUnary, "exp2", kFunction, "c_exp(c_times((T)0.69314718055994530942, x))"},
    {Family::kUnary, "expm1", kFunction, "c_expm1(x)"},
    {Family::kUnary, "log", kFunction, "c_log(x)"},
    {Family::kUnary, "log2", kFunction, "c_times((T)1.44269504088896340736, c_log(x))"},
    {Family::kUnary, "log10", kFunction, "c_times((T)0.43429448190325182765, c_log(x))"},
    {Family::kUnary, "log1p", kFunction, "c_log1p(x)"},
    {Family::kUnary, "sin", kFunction, "c_sin(x)"},
    {Family::kUnary, "cos", kFunction, "c_cos(x)"},
    {Family::kUnary, "tan", kFunction, "c_tan(x)"},
    {Family::kUnary, "sinh", kFunction, "c_sinh(x)"},
    {Family::kUnary, "cosh", kFunction, "c_cosh(x)"},
    {Family::kUnary, "tanh", kFunction, "c_tanh(x)"},
    {Family::kUnary, "sigmoid", kFunction, "c_sigmoid(x)"},
    {Family::kUnary, "silu", kFunction, "c_mul(x, c_sigmoid(x))"},
    {Family::kUnary, "logicalNot", kTruth, "!c_true(x)"},
    {Family::kUnary, "isnan", kTruth, "x.re != x.re || x.im != x.im"},
    {Family::kUnary, "isinf", kTruth, "is_infinite(x.re) || is_infinite(x.im)"},
    {Family::kUnary, "isfinite", kTruth, "is_finite(x.re) && is_finite(x.im)"},
    {Family::kBinary, "add", kArithmetic, "c_add(a, b)"},
    {Family::kBinary, "sub", kArithmetic, "c_sub(a, b)"},
    {Family::kBinary, "mul", kArithmetic, "c_mul(a, b)"},
    {Family::kBinary, "div", kArithmetic, "c_div(a, b)"},
    {Family::kBinary, "pow", kFunction, "c_pow(a, b)"},
    {Family::kBinary, "eq", kTruth, "c_same(a, b)"},
    {Family::kBinary, "ne", kTruth, "!c_same(a, b)"},
    {Family::kBinary, "logicalAnd", kTruth, "c_true(a) && c_true(b)"},
    {Family::kBinary, "logicalOr", kTruth, "c_true(a) || c_true(b)"},
    {Family::kBinary, "logicalXor", kTruth, "c_true(a) != c_true(b)"},
    {Family::kBinary, "sigmoidBackward", kArithmetic, "c_mul(a, c_mul(b, c_sub(c_of(1, 0), b)))"},
    {Family::kBinary, "tanhBackward", kArithmetic, "c_mul(a, c_sub(c_of(1, 0), c_mul(b, b)))"},
    {Family::kTernary, "where", kChoice, "a ? b : c"},
    {Family::kTernary, "addcmul", kArithmetic, "c_add(a, c_times(p0, c_mul(b, c)))"},
    {Family::kTernary, "addcdiv", kArithmetic, "c_add(a, c_div(c_times(p0, b), c))"},
    {Family::kTernary, "lerp", kArithmetic, "c_lerp(a, b, c)"},
};

const Meaning* meaning_of(Family family, std::string_view name) {
  for (const Meaning& meaning : kMeanings)
    if (meaning.family == family && meaning.name == name) return &meaning;
  return nullptr;
}

// One part of a complex view.
View part_of(const View& x, int part) {
  View real = x;
  real.dtype = real_part(x.dtype);
  real.data = x.as<char>() + part * static_cast<int64_t>(element_size(real.dtype));
  for (int d = 0; d < x.rank; ++d) real.strides[d] *= 2;
  return real;
}

// The shape of `like` in memory of its own.
View dense_like(const View& like, DType dtype, const Temporary& memory) {
  View dense = like;
  dense.dtype = dtype;
  dense.data = memory.data();
  make_contiguous(dense);
  return dense;
}

size_t bytes_of(const View& view, DType dtype) { return static_cast<size_t>(view.numel) * element_size(dtype); }

// The kernel of a meaning; a step of 0 repeats the one element of an input.
std::string text_of(const Meaning& meaning, size_t inputs, DType real, DType computed) {
  constexpr const char* kUnaryNames[] = {"x"};
  constexpr const char* kNames[] = {"a", "b", "c"};
  const char* const* names = inputs == 1 ? kUnaryNames : kNames;
  const bool truth = meaning.kind == kTruth;
  std::string head = truth ? "BUFFER(u8, out)" : "BUFFER(Stored, out)", body;
  body += truth ? "  PLACE(u8, out);\n" : "  PLACE(Stored, out);\n";
  body += "  i64 i = ITEM;\n  if (i >= n) return;\n";
  for (size_t k = 0; k < inputs; ++k) {
    const std::string in = "in" + std::to_string(k);
    const bool condition = meaning.kind == kChoice && k == 0;
    const std::string type = condition ? "u8" : "Stored", element = in + "[i * step" + std::to_string(k) + "]";
    head += ", BUFFER(" + type + ", " + in + "), i64 step" + std::to_string(k);
    body += "  PLACE(" + type + ", " + in + ");\n";
    body += condition ? std::string("  u8 ") + names[k] + " = " + element + ";\n"
                      : std::string("  C ") + names[k] + " = c_load(" + element + ");\n";
  }
  body += std::string("  out[i] = ") + (truth ? "(u8)(" : "c_store(") + meaning.text + ");\n";
  const std::string kernel = "KERNEL run(" + head + ", i64 n, T p0) {\n" + body + "}\n";
  return std::string("typedef ") + storage_name(real) + " S;\ntypedef " + storage_name(computed) + " T;\n" +
         helpers(kernel, computed) + functions_of(kernel) + kernel;
}

bool has_parts(const Context& context, DType dtype) { return dtype == DType::kComplex64 || context.float64(); }

} // namespace

Status complex_pointwise(const Context& context, const Row& row, const Pointwise& call, const View& out) {
  const Meaning* meaning = meaning_of(call.family, row.name);
  if (meaning == nullptr || !has_parts(context, call.dtype)) return Status::kNoKernel;
  if (out.numel == 0) return Status::kOk;
  const DType real = real_part(call.dtype);
  // Functions in float64 where the device has it, rounded once, as on the CPU.
  const DType computed = meaning->kind == kFunction && context.float64() ? DType::kFloat64 : real;
  const DType made = meaning->kind == kTruth ? DType::kBool : call.dtype;
  const size_t inputs = call.in.size();

  std::optional<Temporary> result, moved[kMostInputs];
  View to = out;
  if (out.dtype != made || !out.contiguous()) {
    result.emplace(context, bytes_of(out, made));
    to = dense_like(out, made, *result);
    if (to.data == nullptr) return Status::kOutOfMemory;
  }
  Launch launch;
  launch.buffer(to.data);
  for (size_t k = 0; k < inputs; ++k) {
    View in = *call.in[k];
    const DType wanted = meaning->kind == kChoice && k == 0 ? DType::kBool : call.dtype;
    const bool repeated = in.numel == 1, there = context.memory.owns(in.data) && in.dtype == wanted;
    const bool dense = repeated || (in.contiguous() && in.numel == out.numel);
    if (!there || !dense || overlaps(to, in)) {
      const View& like = repeated ? in : out;
      moved[k].emplace(context, bytes_of(like, wanted));
      const View copied = dense_like(like, wanted, *moved[k]);
      if (copied.data == nullptr) return Status::kOutOfMemory;
      if (const Status status = context.copy(copied, in); status != Status::kOk) return status;
      in = copied;
    }
    launch.buffer(in.data).value(int64_t{repeated ? 0 : 1});
  }
  launch.value(out.numel).number(call.p[0], computed);
  if (const Status status = launch.run(context, text_of(*meaning, inputs, real, computed), out.numel);
      status != Status::kOk)
    return status;
  return result ? context.copy(out, to) : Status::kOk;
}

Status copy_parts(const Context& context, const View& dst, const View& src) {
  const bool complex = is_complex(src.dtype);
  // Truth asks for both parts.
  if (!is_complex(dst.dtype)) return dst.dtype == DType::kBool ? Status::kNoKernel : context.copy(dst, part_of(src, 0));
  double zero = 0;
  View nothing;
  nothing.data = &zero;
  nothing.dtype = DType::kFloat64;
  for (const int part : {0, 1}) {
    const View from = complex ? part_of(src, part) : part == 0 ? src : nothing;
    if (const Status status = context.copy(part_of(dst, part), from); status != Status::kOk) return status;
  }
  return Status::kOk;
}

Status complex_matmul(const Context& context, const Call& call) {
  const View &a = call.in[0], &b = call.in[1], &y = call.out[0];
  if (a.dtype != y.dtype || b.dtype != y.dtype || !has_parts(context, y.dtype)) return Status::kNoKernel;
  const DType real = real_part(y.dtype);
  std::optional<Temporary> memory[4];
  Launch launch;
  launch.buffer(y.data);
  // Of real and imaginary parts: re re, im im, re im, im re.
  constexpr int kParts[4][2] = {{0, 0}, {1, 1}, {0, 1}, {1, 0}};
  for (int k = 0; k < 4; ++k) {
    memory[k].emplace(context, bytes_of(y, real));
    const View product = dense_like(y, real, *memory[k]);
    if (product.data == nullptr) return Status::kOutOfMemory;
    const View in[] = {part_of(a, kParts[k][0]), part_of(b, kParts[k][1])};
    if (const Status status = matmul(context, {in, {&product, 1}, {}}); status != Status::kOk) return status;
    launch.buffer(product.data);
  }
  launch.value(y.numel);
  return launch.run(context, std::string("typedef ") + storage_name(real) + R"( T;
KERNEL run(BUFFER(T, y), BUFFER(T, a), BUFFER(T, b), BUFFER(T, c), BUFFER(T, d), i64 n) {
  PLACE(T, y); PLACE(T, a); PLACE(T, b); PLACE(T, c); PLACE(T, d);
  i64 i = ITEM;
  if (i >= n) return;
  y[2 * i] = a[i] - b[i];
  y[2 * i + 1] = c[i] + d[i];
}
)",
                    y.numel);
}

} // namespace cg::programs
