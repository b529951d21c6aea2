// Kernels whose text a person wrote.
#include "kernels/programs/own.h"

#include <algorithm>

namespace cg::programs {
namespace {

struct Sizes { int64_t size[kMaxRank] = {}; };

// Halves have no type in C: whoever calls converts them.
bool has_type(const Context& context, DType dtype) {
  if (dtype == DType::kFloat16 || dtype == DType::kBFloat16 || is_complex(dtype)) return false;
  return dtype != DType::kFloat64 || context.float64();
}

} // namespace

Status own_text(const Context& context, const std::string& text, std::string_view kinds, const Call& call) {
  const View& out = call.out[0];
  if (!has_type(context, out.dtype)) return Status::kNoKernel;
  std::string types = std::string("typedef ") + storage_name(out.dtype) + " T;\n";
  types += "typedef struct { i64 size[" + std::to_string(kMaxRank) + "]; } Sizes;\n";
  Launch launch;
  launch.buffer(out.data);
  for (size_t k = 0; k < call.in.size(); ++k) {
    const View& in = call.in[k];
    if (!has_type(context, in.dtype) || !in.contiguous()) return Status::kNoKernel;
    types += std::string("typedef ") + storage_name(in.dtype) + " T" + std::to_string(k) + ";\n";
    Sizes sizes;
    std::copy_n(in.sizes, in.rank, sizes.size);
    launch.buffer(in.data).value(sizes);
  }
  launch.value(out.numel);
  for (size_t k = 0; k < kinds.size(); ++k) launch.number(call.attr[k], kinds[k] == 'i' ? DType::kInt64 : out.dtype);
  return launch.run(context, types + helpers(text, out.dtype) + text, out.numel);
}

} // namespace cg::programs
