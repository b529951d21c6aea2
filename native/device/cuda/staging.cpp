// Pinned host memory: the driver copies from it while the host goes on, which it cannot do from any other memory.
#include "device/cuda/staging.h"

#include <algorithm>
#include <cstring>

namespace cg::cuda {
namespace {

constexpr size_t kPiece = size_t{4} << 20;

} // namespace

// The piece whose turn it is, when the copy that used it last is over.
int Staging::take(Piece*& piece) {
  piece = &pieces_[next_];
  next_ = 1 - next_;
  if (piece->memory == nullptr) {
    void* memory = nullptr;
    if (const int error = api_.MemHostAlloc(&memory, kPiece, 0); error != kSuccess) return error;
    piece->memory = static_cast<char*>(memory);
    return api_.EventCreate(&piece->free, 0);
  }
  return piece->used ? api_.EventSynchronize(piece->free) : kSuccess;
}

int Staging::give(Piece& piece) {
  piece.used = true;
  return api_.EventRecord(piece.free, stream_);
}

int Staging::upload(Address to, const char* host, size_t bytes) {
  for (size_t at = 0; at < bytes; at += kPiece) {
    const size_t part = std::min(kPiece, bytes - at);
    Piece* piece = nullptr;
    if (const int error = take(piece); error != kSuccess) return error;
    std::memcpy(piece->memory, host + at, part);
    if (const int error = api_.MemcpyHtoDAsync(to + at, piece->memory, part, stream_); error != kSuccess) return error;
    if (const int error = give(*piece); error != kSuccess) return error;
  }
  return kSuccess;
}

// While one piece is copied to its place, the device fills the other.
int Staging::download(char* host, Address from, size_t bytes) {
  Piece* filled = nullptr;
  size_t filled_at = 0, filled_bytes = 0;
  const auto empty = [&]() -> int {
    if (filled == nullptr) return kSuccess;
    const int error = api_.EventSynchronize(filled->free);
    if (error == kSuccess) std::memcpy(host + filled_at, filled->memory, filled_bytes);
    return error;
  };
  for (size_t at = 0; at < bytes; at += kPiece) {
    const size_t part = std::min(kPiece, bytes - at);
    Piece* piece = nullptr;
    if (const int error = take(piece); error != kSuccess) return error;
    if (const int error = api_.MemcpyDtoHAsync(piece->memory, from + at, part, stream_); error != kSuccess)
      return error;
    if (const int error = give(*piece); error != kSuccess) return error;
    if (const int error = empty(); error != kSuccess) return error;
    filled = piece;
    filled_at = at;
    filled_bytes = part;
  }
  return empty();
}

} // namespace cg::cuda
