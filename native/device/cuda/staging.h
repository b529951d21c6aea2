// Pinned host memory through which copies between host and device go, a piece at a time.
#pragma once
#include <cstddef>

#include "device/cuda/api.h"

namespace cg::cuda {

class Staging {
public:
  Staging(const Api& api, StreamHandle* stream) : api_(api), stream_(stream) {}

  // The host's bytes are read when it returns; they may arrive later.
  int upload(Address to, const char* host, size_t bytes);
  // The bytes are there when it returns.
  int download(char* host, Address from, size_t bytes);

private:
  struct Piece {
    char* memory = nullptr;
    EventHandle* free = nullptr; // over when the copy from or to it is
    bool used = false;
  };
  int take(Piece*& piece);
  int give(Piece& piece);

  const Api& api_;
  StreamHandle* stream_;
  Piece pieces_[2];
  int next_ = 0;
};

} // namespace cg::cuda
