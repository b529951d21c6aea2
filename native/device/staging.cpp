// Copies through a ring of pinned pieces.
#include "device/staging.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace cg {
namespace {

constexpr size_t kAligned = 64;

Status checked(int32_t status) { return status == 0 ? Status::kOk : fail(static_cast<Status>(status)); }
uint64_t address_of(const void* data) { return reinterpret_cast<uint64_t>(data); }

} // namespace

// Room for a copy of the current stream. A piece that is full is used again when the streams that copy from it have come so far.
Status Staging::take(size_t bytes, char*& place) {
  if (pieces_[at_].used + bytes > kPiece) {
    Piece& full = pieces_[at_];
    for (uint64_t mask = full.streams; mask != 0; mask &= mask - 1) {
      cg_event* event = nullptr;
      if (const int32_t status = streams_.record(std::countr_zero(mask), &event); status != 0) return checked(status);
      full.events.push_back(event);
    }
    full.streams = 0;
    Piece& next = pieces_[(at_ + 1) % kPieces];
    while (!next.events.empty()) {
      if (const Status status = streams_.wait(next.events.back()); status != Status::kOk) return status;
      driver_.forget(driver_.self, next.events.back());
      next.events.pop_back();
    }
    next.used = 0;
    at_ = (at_ + 1) % kPieces;
  }
  Piece& piece = pieces_[at_];
  if (piece.memory == nullptr) {
    void* memory = nullptr;
    if (const int32_t status = driver_.allocate_host(driver_.self, kPiece, &memory); status != 0)
      return checked(status);
    piece.memory = static_cast<char*>(memory);
  }
  place = piece.memory + piece.used;
  piece.used += (bytes + kAligned - 1) / kAligned * kAligned;
  piece.streams |= uint64_t{1} << streams_.current();
  return Status::kOk;
}

Status Staging::upload(void* to, const void* host, size_t bytes) {
  if (driver_.send == nullptr) return checked(driver_.upload(driver_.self, address_of(to), host, bytes));
  std::lock_guard guard(lock_);
  for (size_t at = 0; at < bytes; at += kPiece) {
    const size_t part = std::min(kPiece, bytes - at);
    char* place = nullptr;
    if (const Status status = take(part, place); status != Status::kOk) return status;
    std::memcpy(place, static_cast<const char*>(host) + at, part);
    if (const int32_t status = driver_.send(driver_.self, address_of(to) + at, place, part); status != 0)
      return checked(status);
  }
  return Status::kOk;
}

// While one piece is copied to its place, the device fills the next.
Status Staging::download(void* host, const void* from, size_t bytes) {
  if (driver_.fetch == nullptr) return checked(driver_.download(driver_.self, host, address_of(from), bytes));
  std::lock_guard guard(lock_);
  const char* filled = nullptr;
  size_t filled_at = 0, filled_bytes = 0;
  cg_event* event = nullptr;
  const auto empty = [&] {
    if (filled == nullptr) return Status::kOk;
    const Status status = streams_.wait(event);
    driver_.forget(driver_.self, event);
    if (status == Status::kOk) std::memcpy(static_cast<char*>(host) + filled_at, filled, filled_bytes);
    filled = nullptr;
    return status;
  };
  for (size_t at = 0; at < bytes; at += kPiece) {
    const size_t part = std::min(kPiece, bytes - at);
    char* place = nullptr;
    cg_event* next = nullptr;
    Status status = take(part, place);
    if (status == Status::kOk) status = checked(driver_.fetch(driver_.self, place, address_of(from) + at, part));
    if (status == Status::kOk) status = checked(driver_.record(driver_.self, &next));
    const Status emptied = empty();
    if (status != Status::kOk) return status;
    event = next;
    filled = place;
    filled_at = at;
    filled_bytes = part;
    if (emptied != Status::kOk) return driver_.forget(driver_.self, event), emptied;
  }
  return empty();
}

} // namespace cg
