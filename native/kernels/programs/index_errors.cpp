// Where kernels of a device say that an index was out of range.
#include "kernels/programs/index_errors.h"

namespace cg::programs {
namespace {
constexpr int64_t kNone[3] = {0, 0, 0};
}

void* IndexErrors::open() {
  std::lock_guard guard(lock_);
  if (words_.data == nullptr) {
    words_ = memory_.allocate(sizeof kNone);
    if (words_.data == nullptr) return nullptr;
    driver_.upload(driver_.self, reinterpret_cast<uint64_t>(words_.data), kNone, sizeof kNone);
  }
  pending_ = true;
  return words_.data;
}

Status IndexErrors::check() {
  std::lock_guard guard(lock_);
  if (!pending_) return Status::kOk;
  pending_ = false;
  int64_t words[3];
  const auto address = reinterpret_cast<uint64_t>(words_.data);
  if (const int32_t status = driver_.download(driver_.self, words, address, sizeof words); status != 0)
    return fail(static_cast<Status>(status));
  if (words[0] == 0) return Status::kOk;
  driver_.upload(driver_.self, address, kNone, sizeof kNone);
  return fail(Status::kIndexOutOfRange, static_cast<double>(words[1]), static_cast<double>(words[2]));
}

} // namespace cg::programs
