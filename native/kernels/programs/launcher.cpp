// Launches on a device that compiles texts.
#include "kernels/programs/launcher.h"

#include <deque>

#include "kernels/programs/host_copy.h"
#include "kernels/programs/own.h"
#include "kernels/programs/pointwise.h"
#include "kernels/programs/structured.h"

namespace cg::programs {
namespace {

std::atomic<int32_t> fallback_total{0};
std::atomic<bool> fallbacks_allowed{true};

// A text that the device's compiler refuses is a kernel that the device lacks; compile_log() says why.
bool lacks_program(Status status) { return status == Status::kNoKernel || status == Status::kNotCompiled; }

uint64_t address_of(const void* data) { return reinterpret_cast<uint64_t>(data); }

} // namespace

int32_t total_fallbacks() { return fallback_total.load(std::memory_order_relaxed); }
void allow_fallbacks(bool allowed) { fallbacks_allowed.store(allowed, std::memory_order_relaxed); }

Status DeviceLauncher::pointwise(const Pointwise& call, const View& out) {
  const Row& row = rows(call.family)[static_cast<size_t>(call.op)];
  for (const View* view : call.in) used(*view);
  used(out);
  if (writes_texts())
    if (const Status status = programs::pointwise(context_, row, call, out); !lacks_program(status)) return status;
  std::vector<View> in;
  for (const View* view : call.in) in.push_back(*view);
  return on_host(row.name, in, {&out, 1}, [&](std::span<const View> from, std::span<const View> to) {
    Pointwise moved = call;
    const View* pointers[kMostInputs];
    for (size_t k = 0; k < from.size(); ++k) pointers[k] = &from[k];
    moved.in = {pointers, from.size()};
    return host_.pointwise(moved, to[0]);
  });
}

Status DeviceLauncher::row(const Row& row, const Pointwise& call, const View& out) {
  for (const View* view : call.in) used(*view);
  used(out);
  return writes_texts() ? programs::pointwise(context_, row, call, out) : Status::kNoKernel;
}

Status DeviceLauncher::text(const std::string& text, std::string_view kinds, const Call& call) {
  for (const View& view : call.in) used(view);
  used(call.out[0]);
  return writes_texts() ? own_text(context_, text, kinds, call) : Status::kNoKernel;
}

Status DeviceLauncher::structured(int kernel, const Call& call) {
  for (const View& view : call.in) used(view);
  for (const View& view : call.out) used(view);
  if (writes_texts())
    if (const Status status = programs::structured(context_, kernel, call); !lacks_program(status)) return status;
  return on_host(structured_names()[static_cast<size_t>(kernel)], call.in, call.out,
                 [&](std::span<const View> from, std::span<const View> to) {
                   return host_.structured(kernel, {from, to, call.attr});
                 });
}

Status DeviceLauncher::copy(const View& dst, const View& src) {
  if (dst.numel == 0) return Status::kOk;
  used(dst);
  used(src);
  if (writes_texts())
    if (const Status status = context_.copy(dst, src); !lacks_program(status)) return status;
  return on_host("copy", {&src, 1}, {&dst, 1},
                 [&](std::span<const View> from, std::span<const View> to) { return host_.copy(to[0], from[0]); });
}

Status DeviceLauncher::upload(void* dst, const void* host, size_t bytes) {
  if (streams_.several()) memory_.used(dst);
  return staging_.upload(dst, host, bytes);
}

// The wait comes first: it says which index was wrong, and lets an interrupt through.
Status DeviceLauncher::download(void* host, const void* src, size_t bytes) {
  if (bytes == 0) return Status::kOk;
  if (streams_.several()) memory_.used(src);
  if (const Status status = wait(); status != Status::kOk) return status;
  return staging_.download(host, src, bytes);
}

Status DeviceLauncher::send(void* dst, const void* host, size_t bytes) {
  if (streams_.several()) memory_.used(dst);
  pinned_.used(host);
  const int32_t status = driver_.send(driver_.self, address_of(dst), host, bytes);
  return status == 0 ? Status::kOk : fail(static_cast<Status>(status));
}

Status DeviceLauncher::fetch(void* host, const void* src, size_t bytes) {
  if (streams_.several()) memory_.used(src);
  pinned_.used(host);
  const int32_t status = driver_.fetch(driver_.self, host, address_of(src), bytes);
  return status == 0 ? Status::kOk : fail(static_cast<Status>(status));
}

Status DeviceLauncher::synchronize(int32_t wanted) {
  for (int32_t stream = 0; stream < streams_.count(); ++stream)
    if (wanted == kAllStreams || wanted == stream)
      if (const Status status = streams_.drain(stream); status != Status::kOk) return status;
  return errors_.check();
}

Status DeviceLauncher::wait() { return synchronize(streams_.current()); }

Status DeviceLauncher::note_fallback(const std::string& kernel) {
  if (!fallbacks_allowed.load(std::memory_order_relaxed)) return fail(Status::kNoKernel);
  ++fallback_total;
  std::lock_guard guard(lock_);
  ++fallbacks_[kernel];
  return Status::kOk;
}

std::vector<Fallback> DeviceLauncher::fallbacks() {
  std::lock_guard guard(lock_);
  std::vector<Fallback> all;
  for (const auto& [kernel, count] : fallbacks_) all.push_back({kernel, count});
  return all;
}

// Brings the views to the host, runs there, and brings what was written back.
template <class Run>
Status DeviceLauncher::on_host(const std::string& kernel, std::span<const View> in, std::span<const View> out,
                               const Run& run) {
  if (const Status status = note_fallback(kernel); status != Status::kOk) return status;
  std::deque<HostCopy> copies;
  std::vector<View> from, to;
  for (const auto& [views, moved] : {std::pair{in, &from}, std::pair{out, &to}})
    for (const View& view : views) {
      moved->push_back(view);
      if (!memory_.owns(view.data)) continue;
      HostCopy& copy = copies.emplace_back(view);
      if (!copy.ok()) return fail(Status::kOutOfMemory);
      // Outputs too: what lies between the elements of a strided one must stay.
      if (const Status status = download(copy.data(), copy.origin(), copy.bytes()); status != Status::kOk)
        return status;
      moved->back().data = copy.first();
    }
  if (const Status status = run(from, to); status != Status::kOk) return status;
  for (size_t i = 0; i < out.size(); ++i) {
    HostCopy& copy = copies[copies.size() - out.size() + i];
    if (const Status status = upload(copy.origin(), copy.data(), copy.bytes()); status != Status::kOk) return status;
  }
  return Status::kOk;
}

} // namespace cg::programs
