// Copies between a device and any memory of the host, through a ring of pinned pieces: the host goes on while the device copies.
#pragma once
#include <cstddef>
#include <mutex>
#include <vector>

#include "device/streams.h"

namespace cg {

class Staging {
public:
  Staging(const cg_driver& driver, Streams& streams) : driver_(driver), streams_(streams) {}

  // On the current stream. The host's bytes are read when it returns; they may arrive later.
  Status upload(void* to, const void* host, size_t bytes);
  // The bytes are there when it returns.
  Status download(void* host, const void* from, size_t bytes);

private:
  struct Piece {
    char* memory = nullptr;
    size_t used = 0;
    uint64_t streams = 0;          // that copy from or to it, a bit each
    std::vector<cg_event*> events; // over when it can be filled again
  };
  Status take(size_t bytes, char*& place);

  static constexpr size_t kPieces = 4, kPiece = size_t{4} << 20;
  const cg_driver& driver_;
  Streams& streams_;
  std::mutex lock_;
  Piece pieces_[kPieces];
  size_t at_ = 0;
};

} // namespace cg
