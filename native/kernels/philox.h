// Philox4x32-10: a counter in, four random words out (Salmon, Moraes, Dror, Shaw, SC 2011).
#pragma once
#include <cstdint>

namespace cg {

constexpr uint32_t kPhiloxMultiply0 = 0xD2511F53, kPhiloxMultiply1 = 0xCD9E8D57;
constexpr uint32_t kPhiloxKeyStep0 = 0x9E3779B9, kPhiloxKeyStep1 = 0xBB67AE85; // golden ratio, sqrt(3) - 1
constexpr int kPhiloxRounds = 10;

// One launch draws from its own stream of words: word w is word w % 4 of the block with counter (w / 4, offset).
struct PhiloxStream {
  uint32_t key[2];
  uint32_t offset[2];
};

// From a launch's attributes seedLo, seedHi, offset.
inline PhiloxStream philox_stream(const double* attr) {
  const uint64_t offset = static_cast<uint64_t>(attr[2]);
  return {{static_cast<uint32_t>(attr[0]), static_cast<uint32_t>(attr[1])},
          {static_cast<uint32_t>(offset), static_cast<uint32_t>(offset >> 32)}};
}

// The four words of one block.
inline void philox_block(const PhiloxStream& stream, uint64_t block, uint32_t words[4]) {
  uint32_t c0 = static_cast<uint32_t>(block), c1 = static_cast<uint32_t>(block >> 32);
  uint32_t c2 = stream.offset[0], c3 = stream.offset[1], k0 = stream.key[0], k1 = stream.key[1];
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const uint64_t p0 = uint64_t{kPhiloxMultiply0} * c0, p1 = uint64_t{kPhiloxMultiply1} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += kPhiloxKeyStep0;
    k1 += kPhiloxKeyStep1;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

// The words of `blocks` consecutive blocks.
inline void philox_words(const PhiloxStream& stream, uint64_t first, int64_t blocks, uint32_t* words) {
  for (int64_t b = 0; b < blocks; ++b) philox_block(stream, first + static_cast<uint64_t>(b), words + 4 * b);
}

} // namespace cg
