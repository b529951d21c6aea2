// Copies between views: broadcasting, conversion of the element type, transposes.
#pragma once
#include "core/view.h"

namespace cg::cpu {

// dst[i] = D(src[i]) for n elements; strides in bytes, src stride 0 repeats one element.
using Convert = void (*)(void* dst, int64_t dst_stride, const void* src, int64_t src_stride, int64_t n);

// The conversion from `src` to `dst` in the instruction set in use.
Convert convert(DType dst, DType src);

// Broadcasts and converts `src` into `dst`. The two must not overlap unless they are the same view.
Status copy(const View& dst, const View& src);

// Writes to memory that is not read again soon, past the caches. `dst` is 64-byte aligned.
void stream(void* dst, const void* src, size_t bytes);

} // namespace cg::cpu
