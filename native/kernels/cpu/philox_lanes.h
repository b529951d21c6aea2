// Philox, one block a 64-bit lane: the same words as philox_block, a whole register at a time.
#pragma once
#include <immintrin.h>

#include "kernels/cpu/isa.h"
#include "kernels/philox.h"

namespace cg::cpu::CG_ISA {

#if defined(__AVX512F__)
constexpr int64_t kBlocks = 8;
#elif defined(__AVX2__)
constexpr int64_t kBlocks = 4;
#else
constexpr int64_t kBlocks = 2;
#endif
using Lanes = uint64_t __attribute__((vector_size(8 * kBlocks)));
using TwoWords = uint64_t __attribute__((may_alias));

// The product of the low halves. g++ 12 does not find this instruction in a loop of 64-bit products.
CG_INLINE Lanes multiply(Lanes a, uint64_t b) {
#if defined(__AVX512F__)
  // All lanes taken: the plain form warns of its own undefined value.
  return reinterpret_cast<Lanes>(
      _mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(a), _mm512_set1_epi64(static_cast<int64_t>(b))));
#elif defined(__AVX2__)
  return reinterpret_cast<Lanes>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(a), _mm256_set1_epi64x(static_cast<int64_t>(b))));
#else
  return reinterpret_cast<Lanes>(_mm_mul_epu32(reinterpret_cast<__m128i>(a), _mm_set1_epi64x(static_cast<int64_t>(b))));
#endif
}

// Writes the words of blocks first, first + 1, ... `blocks` is rounded up to a multiple of kBlocks.
CG_INLINE void philox_lanes(const PhiloxStream& stream, uint64_t first, int64_t blocks, uint32_t* words) {
  constexpr uint64_t kLow = 0xffffffff;
  Lanes counter{};
  for (int64_t l = 0; l < kBlocks; ++l) counter[l] = first + static_cast<uint64_t>(l);
  for (int64_t b = 0; b < blocks; b += kBlocks, counter += kBlocks, words += 4 * kBlocks) {
    // The high halves hold leftovers; products and the final mask ignore them.
    Lanes c0 = counter, c1 = counter >> 32, c2 = Lanes{} + stream.offset[0], c3 = Lanes{} + stream.offset[1];
    uint32_t k0 = stream.key[0], k1 = stream.key[1];
    for (int round = 0; round < kPhiloxRounds; ++round) {
      const Lanes p0 = multiply(c0, kPhiloxMultiply0), p1 = multiply(c2, kPhiloxMultiply1);
      c0 = (p1 >> 32) ^ c1 ^ k0;
      c1 = p1;
      c2 = (p0 >> 32) ^ c3 ^ k1;
      c3 = p0;
      k0 += kPhiloxKeyStep0;
      k1 += kPhiloxKeyStep1;
    }
    const Lanes front = (c0 & kLow) | c1 << 32, back = (c2 & kLow) | c3 << 32;
    TwoWords* to = reinterpret_cast<TwoWords*>(words);
    for (int64_t l = 0; l < kBlocks; ++l) {
      to[2 * l] = front[l];
      to[2 * l + 1] = back[l];
    }
  }
}

} // namespace cg::cpu::CG_ISA
