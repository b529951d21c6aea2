// Records launches while they run.
#include "graph/trace.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace cg::graph {

Trace::Trace(Handles& handles, Launcher& target, std::span<Tensor* const> arguments)
    : handles_(handles), target_(target) {
  for (const Tensor* tensor : arguments) {
    arguments_.push_back(tensor->view);
    const auto* block = static_cast<const char*>(tensor->storage->block.data);
    if (!by_block_.contains(block))
      add(Origin::kArgument, *tensor, tensor->view.as<char>());
    else
      buffers_.push_back({Origin::kArgument, tensor->storage->bytes, Buffer::kNone, tensor->view.as<char>(), block});
  }
}

Trace::~Trace() {
  for (const Buffer& buffer : buffers_)
    if (buffer.keeper != Buffer::kNone) handles_.release(buffer.keeper);
}

void Trace::made(const Tensor& tensor) {
  if (tensor.storage->device != 0) refuse("it uses a device other than the CPU");
  add(Origin::kMade, tensor, static_cast<char*>(tensor.storage->block.data));
}

void Trace::expect_fresh(size_t first, size_t count) {
  expected_.push_back({first, fresh_numbers_, count});
  fresh_numbers_ += count;
}

int Trace::add(Origin origin, const Tensor& tensor, char* data) {
  const Tensor* keeper = handles_.share(tensor, tensor.view);
  if (keeper == nullptr) refuse("it makes more tensors than there are handles");
  const auto* block = static_cast<const char*>(tensor.storage->block.data);
  if (meets_another(block, tensor.storage->bytes)) refuse("two of its tensors lie on the same JavaScript memory");
  const int index = static_cast<int>(buffers_.size());
  buffers_.push_back({origin, tensor.storage->bytes, keeper == nullptr ? Buffer::kNone : keeper->handle, data, block});
  by_block_[block] = index;
  return index;
}

bool Trace::meets_another(const char* block, size_t bytes) const {
  const auto meets = [&](auto entry) {
    return overlap(block, bytes, entry->first, buffers_[static_cast<size_t>(entry->second)].bytes);
  };
  const auto next = by_block_.lower_bound(block);
  return (next != by_block_.end() && meets(next)) || (next != by_block_.begin() && meets(std::prev(next)));
}

// The bytes from the first to the last element of a view.
static std::span<const char> extent(const View& view) {
  int64_t last = 1;
  for (int d = 0; d < view.rank; ++d) last += (view.sizes[d] - 1) * view.strides[d];
  return {view.as<const char>(), static_cast<size_t>(last) * element_size(view.dtype)};
}

// Another run's argument promises no more memory than its own elements.
bool Trace::within_arguments(const View& view) const {
  const std::span<const char> inner = extent(view);
  return std::any_of(arguments_.begin(), arguments_.end(), [&](const View& argument) {
    const std::span<const char> outer = argument.numel > 0 ? extent(argument) : std::span<const char>{};
    return inner.data() >= outer.data() && inner.data() + inner.size() <= outer.data() + outer.size();
  });
}

// The buffer whose memory `data` points into; a storage that is seen for the first time is captured. -1: no tensor's memory.
int Trace::buffer_of(const void* data) {
  const auto* at = static_cast<const char*>(data);
  auto next = by_block_.upper_bound(at);
  if (next != by_block_.begin()) {
    const auto [block, index] = *--next;
    if (at < block + std::max<size_t>(buffers_[static_cast<size_t>(index)].bytes, 1)) return index;
  }
  const Tensor* owner = handles_.owner_of(data);
  if (owner == nullptr) return -1;
  return add(Origin::kCaptured, *owner, static_cast<char*>(owner->storage->block.data));
}

Operand Trace::operand(const View& view) {
  Operand operand;
  operand.view = view;
  operand.view.data = nullptr;
  if (view.numel == 0) return operand;
  operand.buffer = buffer_of(view.data);
  if (operand.buffer >= 0) {
    const Buffer& buffer = buffers_[static_cast<size_t>(operand.buffer)];
    operand.offset = view.as<char>() - buffer.data;
    if (buffer.origin == Origin::kArgument && !within_arguments(view))
      refuse("it uses memory around an argument that is a view");
  } else if (view.numel == 1) {
    std::memcpy(operand.number, view.data, element_size(view.dtype));
  } else {
    refuse("it reads memory that belongs to no tensor");
  }
  return operand;
}

Step& Trace::push(StepKind kind) {
  steps_.emplace_back();
  steps_.back().kind = kind;
  return steps_.back();
}

Status Trace::pointwise(const Pointwise& call, const View& out) {
  const Status status = target_.pointwise(call, out);
  if (status != Status::kOk || out.numel == 0) return status;
  Step& step = push(StepKind::kPointwise);
  step.family = call.family;
  step.op = call.op;
  step.dtype = call.dtype;
  std::copy_n(call.p, 2, step.p);
  for (const View* in : call.in) step.in.push_back(operand(*in));
  step.out.push_back(operand(out));
  return status;
}

Status Trace::structured(int kernel, const Call& call) {
  const Status status = target_.structured(kernel, call);
  if (status != Status::kOk) return status;
  Step& step = push(StepKind::kStructured);
  step.op = kernel;
  for (const View& in : call.in) step.in.push_back(operand(in));
  for (const View& out : call.out) step.out.push_back(operand(out));
  step.attributes.assign(call.attr.begin(), call.attr.end());
  step.fresh = std::exchange(expected_, {});
  return status;
}

Status Trace::copy(const View& dst, const View& src) {
  const Status status = target_.copy(dst, src);
  if (status != Status::kOk || dst.numel == 0) return status;
  Step& step = push(StepKind::kCopy);
  step.in.push_back(operand(src));
  step.out.push_back(operand(dst));
  return status;
}

Status Trace::upload(void* dst, const void* host, size_t bytes) {
  const Status status = target_.upload(dst, host, bytes);
  if (status != Status::kOk || bytes == 0) return status;
  View view;
  view.data = dst;
  view.dtype = DType::kUInt8;
  view.rank = 1;
  view.numel = view.sizes[0] = static_cast<int64_t>(bytes);
  view.strides[0] = 1;
  Step& step = push(StepKind::kUpload);
  step.out.push_back(operand(view));
  step.bytes.assign(static_cast<const char*>(host), static_cast<const char*>(host) + bytes);
  return status;
}

Status Trace::download(void* host, const void* src, size_t bytes) {
  refuse("it reads the value of a tensor");
  return target_.download(host, src, bytes);
}

} // namespace cg::graph
