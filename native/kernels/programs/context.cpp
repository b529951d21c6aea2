// Puts launches together.
#include "kernels/programs/context.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/shape.h"

namespace cg::programs {
namespace {

template <class T> T saturate(double value) {
  if (std::isnan(value)) return 0;
  if (value >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
  if (value <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
  return static_cast<T>(value);
}

} // namespace

Launch& Launch::number(double value, DType dtype) {
  switch (dtype) {
  case DType::kBool: return this->value(static_cast<uint8_t>(value != 0));
  case DType::kInt64: return this->value(saturate<int64_t>(value));
  case DType::kFloat16:
  case DType::kBFloat16:
  case DType::kFloat32: return this->value(static_cast<float>(value));
  case DType::kFloat64: return this->value(value);
  default: return this->value(saturate<int32_t>(value));
  }
}

const char* Launch::keep(std::span<const char> bytes) {
  const size_t aligned = (bytes.size() + 15) / 16 * 16;
  if (room_ == nullptr) room_ = std::make_unique<char[]>(kRoom);
  char* at = room_.get() + used_;
  if (used_ + aligned > kRoom)
    at = larger_.emplace_back(std::make_unique<char[]>(bytes.size())).get();
  else
    used_ += aligned;
  std::copy(bytes.begin(), bytes.end(), at);
  return at;
}

Status Launch::run(const Context& context, const std::string& text, int64_t items) const {
  return run_groups(context, text, (items + kGroup - 1) / kGroup);
}

Status Launch::run(const Context& context, cg_program* program, int64_t items) const {
  return run_groups(context, program, (items + kGroup - 1) / kGroup);
}

Status Launch::run_groups(const Context& context, const std::string& text, int64_t groups) const {
  return groups == 0 ? Status::kOk : run_groups(context, context.programs.find(text), groups);
}

Status Launch::run_groups(const Context& context, cg_program* program, int64_t groups) const {
  if (groups == 0) return Status::kOk;
  if (groups > std::numeric_limits<int32_t>::max()) return fail(Status::kInvalid);
  if (program == nullptr) return fail(Status::kNotCompiled);
  const uint32_t counts[3] = {static_cast<uint32_t>(groups), 1, 1}, group[3] = {kGroup, 1, 1};
  const int32_t status = context.driver.launch(context.driver.self, program, arguments_.data(),
                                               static_cast<uint32_t>(arguments_.size()), counts, group);
  return status == 0 ? Status::kOk : fail(static_cast<Status>(status));
}

Dense::Dense(const Context& context, const View& view) : data_(view.data) {
  if (view.contiguous() || view.numel == 0) return;
  copy_.emplace(context, static_cast<size_t>(view.numel) * element_size(view.dtype));
  data_ = copy_->data();
  if (data_ == nullptr) {
    status_ = Status::kOutOfMemory;
    return;
  }
  View dense = view;
  dense.data = copy_->data();
  make_contiguous(dense);
  status_ = context.copy(dense, view);
}

} // namespace cg::programs
