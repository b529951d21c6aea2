// Pointwise rows, copies and fills as programs: the expressions of native/kernels/*.def in a loop over elements.
#include "kernels/programs/pointwise.h"

#include "core/shape.h"
#include "core/walk.h"
#include "kernels/adapt.h"
#include "kernels/programs/complex.h"

namespace cg::programs {
namespace {

constexpr int kMostDims = 8; // of a strided launch, after merging
constexpr int kMostOperands = 1 + kMostInputs;
constexpr const char* kNames[kMostOperands] = {"out", "in0", "in1", "in2"};

// Sizes and strides of a strided launch, as the text declares them.
struct Layout {
  int64_t rank;
  int64_t size[kMostDims];
  int64_t stride[kMostOperands][kMostDims];
};

// The dtype that the row computes in; false when it has no meaning for it.
bool compute_dtype(const Row& row, DType& dtype) {
  const std::string_view types = row.types;
  if (types == "FLOATING" || types == "TRIGONOMETRIC" || types == "GAMMA") return is_floating(dtype);
  const bool whole = types == "INTEGRAL" || types == "ANY";
  if (types == "INTEGRAL" && is_floating(dtype)) return false;
  if (dtype == DType::kBool && !whole) dtype = DType::kInt32;
  return true;
}

bool has_text(const Context& context, DType dtype) {
  return dtype < DType::kComplex64 && (dtype != DType::kFloat64 || context.float64());
}

const char* parameters_of(const Row& row) {
  if (row.condition_first) return "u8 a, T b, T c";
  return row.inputs == 1 ? "T x" : row.inputs == 2 ? "T a, T b" : "T a, T b, T c";
}

// The kernel around `value`, an expression in the elements v0, v1 and v2 of types `wanted`. `parameters` follow the count.
std::string kernel_text(Addressing addressing, std::span<const Operand> operands, std::span<const DType> wanted,
                        const std::string& value, DType made, const std::string& parameters) {
  std::string head, body;
  for (size_t k = 0; k < operands.size(); ++k) {
    const std::string type = storage_name(operands[k].dtype), name = kNames[k];
    if (operands[k].by_value) {
      head += std::string(compute_name(wanted[k - 1])) + " " + name + ", ";
      continue;
    }
    head += "BUFFER(" + type + ", " + name + "), ";
    body += "  PLACE(" + type + ", " + name + ");\n";
  }
  const bool strided = addressing == Addressing::kStrided;
  head += strided ? "Layout layout, i64 n" : "i64 n";
  body += "  i64 i = ITEM;\n  if (i >= n) return;\n";
  if (strided) {
    body += "  i64 left = i";
    for (size_t k = 0; k < operands.size(); ++k) body += std::string(", at_") + kNames[k] + " = 0";
    body += ";\n  for (i64 d = layout.rank - 1; d >= 0; --d) {\n    i64 index = left % layout.size[d];\n"
            "    left /= layout.size[d];\n";
    for (size_t k = 0; k < operands.size(); ++k)
      body += std::string("    at_") + kNames[k] + " += index * layout.stride[" + std::to_string(k) + "][d];\n";
    body += "  }\n";
  }
  const auto element = [&](size_t k) {
    const std::string name = kNames[k];
    return name + (strided ? "[at_" + name + "]" : operands[k].repeated ? "[0]" : "[i]");
  };
  for (size_t k = 1; k < operands.size(); ++k) {
    const std::string read = operands[k].by_value ? kNames[k] : read_text(operands[k].dtype, wanted[k - 1], element(k));
    body += std::string("  ") + compute_name(wanted[k - 1]) + " v" + std::to_string(k - 1) + " = " + read + ";\n";
  }
  body += "  " + element(0) + " = " + write_text(operands[0].dtype, made, value) + ";\n";
  const std::string layout = "#define DIMS " + std::to_string(kMostDims) +
                             "\ntypedef struct { i64 rank; i64 size[DIMS]; i64 stride[" +
                             std::to_string(kMostOperands) + "][DIMS]; } Layout;\n";
  return (strided ? layout : "") + "KERNEL run(" + head + parameters + ") {\n" + body + "}\n";
}

// How a launch over `out` and `in` finds its elements: contiguous or repeated operands, or a layout of merged dims.
struct Plan {
  Addressing addressing = Addressing::kDense;
  Layout layout{};
  Operand operands[kMostOperands]{};
  bool fits = true;

  Plan(const View& out, std::span<const View> in, const bool* by_value) {
    bool dense = out.contiguous();
    operands[0].dtype = out.dtype;
    for (size_t k = 0; k < in.size(); ++k) {
      operands[k + 1] = {in[k].dtype, in[k].numel == 1 && out.numel != 1, by_value[k]};
      dense &= in[k].numel == 1 || (in[k].numel == out.numel && in[k].contiguous());
    }
    if (dense) return;
    addressing = Addressing::kStrided;
    View views[kMostOperands] = {out, out, out, out};
    for (size_t k = 0; k < in.size(); ++k) views[k + 1] = expand(in[k], out);
    const Walk<kMostOperands> walk({&views[0], &views[1], &views[2], &views[3]});
    fits = walk.rank <= kMostDims;
    layout.rank = walk.rank;
    for (int d = 0; fits && d < walk.rank; ++d) {
      layout.size[d] = walk.sizes[d];
      for (size_t k = 0; k <= in.size(); ++k)
        layout.stride[k][d] = walk.strides[d][k] / static_cast<int64_t>(element_size(views[k].dtype));
    }
    for (Operand& operand : operands) operand.repeated = false;
  }
};

// The elements of equal dtypes as integers that can be moved without looking at them; false for the widest.
bool as_words(View& view) {
  if (view.dtype == DType::kComplex64) view.dtype = DType::kInt64;
  if (view.dtype == DType::kFloat16 || view.dtype == DType::kBFloat16) view.dtype = DType::kInt16;
  return view.dtype != DType::kComplex128;
}

// The one element of a host view, converted, in the bytes that a launch passes.
struct Number {
  alignas(16) char bytes[16];
  DType dtype;
  Number(const Context& context, const View& scalar, DType as) : dtype(as) {
    View to;
    to.data = bytes;
    to.dtype = as;
    context.host.copy(to, scalar);
  }
  std::span<const char> span() const { return {bytes, element_size(dtype)}; }
};

Status fill(const Context& context, const View& dst, const View& scalar) {
  const Number number(context, scalar, dst.dtype);
  View to = dst;
  if (!as_words(to) || !has_text(context, to.dtype)) return Status::kNoKernel;
  const bool none[1] = {false};
  const Plan plan(to, {}, none);
  if (!plan.fits) return Status::kNoKernel;
  const std::string type = storage_name(to.dtype);
  const std::string text =
      kernel_text(plan.addressing, {plan.operands, 1}, {}, "value", to.dtype, ", " + type + " value");
  Launch launch;
  launch.buffer(to.data);
  if (plan.addressing == Addressing::kStrided) launch.value(plan.layout);
  return launch.value(to.numel).raw(number.span()).run(context, text, to.numel);
}

// All that a text depends on, in so few bytes that a short string holds them; `what` is the row, or the function that writes the text.
std::string key_of(const void* what, DType dtype, Addressing addressing, std::span<const Operand> operands) {
  std::string key(reinterpret_cast<const char*>(&what), sizeof what);
  key += static_cast<char>(dtype);
  key += static_cast<char>(addressing);
  for (const Operand& operand : operands)
    key +=
        static_cast<char>(static_cast<int>(operand.dtype) | (operand.repeated ? 32 : 0) | (operand.by_value ? 64 : 0));
  return key;
}

} // namespace

std::string pointwise_text(const Row& row, DType dtype, Addressing addressing, std::span<const Operand> operands) {
  if (!compute_dtype(row, dtype)) return "";
  DType wanted[kMostInputs] = {dtype, dtype, dtype};
  if (row.condition_first) wanted[0] = DType::kBool;
  const std::string arguments = row.inputs == 1 ? "v0" : row.inputs == 2 ? "v0, v1" : "v0, v1, v2";
  const std::string function = std::string("FUNCTION ") + (row.predicate ? "u8" : "T") + " row(" + parameters_of(row) +
                               ", T p0, T p1) { return " + row.text + "; }\n";
  const std::string kernel = kernel_text(addressing, operands, wanted, "row(" + arguments + ", p0, p1)",
                                         row.predicate ? DType::kBool : dtype, ", T p0, T p1");
  return std::string("typedef ") + compute_name(dtype) + " T;\n" + helpers(function + kernel, dtype) + function +
         kernel;
}

Status pointwise(const Context& context, const Row& row, const Pointwise& call, const View& out) {
  if (is_complex(call.dtype)) return complex_pointwise(context, row, call, out);
  DType dtype = call.dtype;
  if (!compute_dtype(row, dtype) || !has_text(context, dtype) || !has_text(context, out.dtype))
    return Status::kNoKernel;
  if (out.numel == 0) return Status::kOk;

  View in[kMostInputs];
  bool by_value[kMostInputs] = {};
  std::optional<Temporary> moved[kMostInputs];
  const size_t inputs = call.in.size();
  for (size_t k = 0; k < inputs; ++k) {
    in[k] = *call.in[k];
    if (!has_text(context, in[k].dtype)) return Status::kNoKernel;
    by_value[k] = !context.memory.owns(in[k].data);
    if (by_value[k] || !overlaps(out, in[k])) continue;
    // The output would overwrite it too early.
    moved[k].emplace(context, static_cast<size_t>(in[k].numel) * element_size(in[k].dtype));
    in[k].data = moved[k]->data();
    if (in[k].data == nullptr) return Status::kOutOfMemory;
    make_contiguous(in[k]);
    if (const Status status = context.copy(in[k], *call.in[k]); status != Status::kOk) return status;
  }
  const Plan plan(out, {in, inputs}, by_value);
  if (!plan.fits) return Status::kNoKernel;

  Launch launch;
  launch.buffer(out.data);
  for (size_t k = 0; k < inputs; ++k) {
    if (by_value[k])
      launch.raw(Number(context, in[k], wider(dtype)).span());
    else
      launch.buffer(in[k].data);
  }
  if (plan.addressing == Addressing::kStrided) launch.value(plan.layout);
  launch.value(out.numel).number(call.p[0], dtype).number(call.p[1], dtype);
  const std::span<const Operand> operands{plan.operands, inputs + 1};
  const auto write = [&] { return pointwise_text(row, dtype, plan.addressing, operands); };
  return launch.run(context, context.programs.find(key_of(&row, dtype, plan.addressing, operands), write), out.numel);
}

Status Context::copy(const View& dst, const View& src) const {
  if (dst.numel == 0) return Status::kOk;
  if (!memory.owns(src.data)) {
    if (dst.dtype != DType::kComplex128) return fill(*this, dst, src);
    const Number number(*this, src, dst.dtype);
    View scalar = src;
    scalar.data = const_cast<char*>(number.bytes);
    scalar.dtype = dst.dtype;
    return copy_parts(*this, dst, scalar);
  }
  View to = dst, from = src;
  const bool same = to.dtype == from.dtype;
  if (same && dst.contiguous() && src.contiguous() && dst.numel == src.numel) {
    const auto bytes = static_cast<uint64_t>(dst.numel) * element_size(dst.dtype);
    const int32_t status =
        driver.copy(driver.self, reinterpret_cast<uint64_t>(dst.data), reinterpret_cast<uint64_t>(src.data), bytes);
    return status == 0 ? Status::kOk : fail(static_cast<Status>(status));
  }
  if (is_complex(to.dtype) || is_complex(from.dtype)) {
    if (!same || !as_words(to) || !as_words(from)) return copy_parts(*this, dst, src);
  } else if (same) {
    as_words(to);
    as_words(from);
  }
  if (!has_text(*this, to.dtype) || !has_text(*this, from.dtype)) return Status::kNoKernel;
  const bool none[1] = {false};
  const Plan plan(to, {&from, 1}, none);
  if (!plan.fits) return Status::kNoKernel;
  const DType through = is_floating(to.dtype) && !is_floating(from.dtype) ? to.dtype : from.dtype;
  const std::span<const Operand> operands{plan.operands, 2};
  const auto write = [&] {
    const std::string kernel = kernel_text(plan.addressing, operands, {&through, 1}, "v0", through, "");
    return helpers(kernel, through) + kernel;
  };
  static constexpr char kCopy = 0;
  Launch launch;
  launch.buffer(to.data).buffer(from.data);
  if (plan.addressing == Addressing::kStrided) launch.value(plan.layout);
  return launch.value(to.numel).run(*this, programs.find(key_of(&kCopy, through, plan.addressing, operands), write),
                                    to.numel);
}

} // namespace cg::programs
