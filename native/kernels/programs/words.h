// Philox words in the texts, as native/kernels/philox.h.
#pragma once
#include <string>

namespace cg::programs {

// The type Stream (PhiloxStream) and philox(stream, block): the four words of a block.
inline const std::string kPhilox = R"(
typedef struct { u32 key[2]; u32 offset[2]; } Stream;
typedef struct { u32 w[4]; } Words;
FUNCTION Words philox(Stream stream, i64 block) {
  u32 c0 = (u32)block, c1 = (u32)((u64)block >> 32), c2 = stream.offset[0], c3 = stream.offset[1];
  u32 k0 = stream.key[0], k1 = stream.key[1];
  Words words;
  for (i32 round = 0; round < 10; ++round) {
    u32 high0 = MULHI(0xD2511F53u, c0), low0 = 0xD2511F53u * c0;
    u32 high1 = MULHI(0xCD9E8D57u, c2), low1 = 0xCD9E8D57u * c2;
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  words.w[0] = c0;
  words.w[1] = c1;
  words.w[2] = c2;
  words.w[3] = c3;
  return words;
}
)";

} // namespace cg::programs
