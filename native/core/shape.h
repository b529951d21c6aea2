// Arithmetic on sizes and strides: the results are views, no element moves.
#pragma once
#include <span>

#include "core/status.h"
#include "core/view.h"

namespace cg {

// Gives `view` row-major strides for its sizes, and its numel.
void make_contiguous(View& view);

// The common shape of `inputs` under broadcasting, into rank, sizes and numel of `shape`; checked by the caller.
void broadcast_shape(std::span<const View* const> inputs, View& shape);

// `view` seen with the sizes of `shape`: broadcast dims get stride 0, leading dims are added.
View expand(const View& view, const View& shape);

// `view` with `sizes` (of the same numel); false when that needs a copy. The rule is PyTorch's computeStride.
bool reshape(const View& view, std::span<const int64_t> sizes, View& result);

bool same_shape(const View& a, const View& b);

// True when writing through `out` in order could change elements of `in` that are read later.
bool overlaps(const View& out, const View& in);

// kOverlap when elements of `out` share memory (detail 0 is 1), or when a dense `out` shares some of its memory with
// a dense input that is not the same view (detail 0 is 2): PyTorch refuses to write there.
Status writable(const View& out, std::span<const View* const> in);

} // namespace cg
