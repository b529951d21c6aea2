// Where kernels of a device say that an index was out of range.
#include "kernels/programs/index_errors.h"

namespace cg::programs {

void* IndexErrors::open() {
  std::lock_guard guard(lock_);
  if (words_.data == nullptr) {
    words_ = memory_.allocate(3 * sizeof(int64_t));
    if (words_.data == nullptr || clear() != Status::kOk) return nullptr;
  }
  pending_ = true;
  return words_.data;
}

Status IndexErrors::check() {
  std::lock_guard guard(lock_);
  if (!pending_) return Status::kOk;
  pending_ = false;
  int64_t words[3];
  if (const Status status = staging_.download(words, words_.data, sizeof words); status != Status::kOk) return status;
  if (words[0] == 0) return Status::kOk;
  if (const Status status = clear(); status != Status::kOk) return status;
  return fail(Status::kIndexOutOfRange, static_cast<double>(words[1]), static_cast<double>(words[2]));
}

// Reading them back makes sure that the words are there before the kernels of any stream.
Status IndexErrors::clear() {
  int64_t words[3] = {0, 0, 0};
  const Status status = staging_.upload(words_.data, words, sizeof words);
  return status == Status::kOk ? staging_.download(words, words_.data, sizeof words) : status;
}

} // namespace cg::programs
