// Kernels whose text a person wrote.
#pragma once
#include <string>
#include <string_view>

#include "kernels/programs/context.h"

namespace cg::programs {

// `text` is a whole kernel in the words of the dialects, one thread for each element of the output. It has the types T (of the output),
// T0, T1, ... (of the inputs) and Sizes. Its arguments: the output, then of each input its memory and its Sizes, the number of elements,
// and the call's attributes: of each `kinds` has an `i` (i64) or a `T`. kNoKernel for dtypes without a text.
Status own_text(const Context& context, const std::string& text, std::string_view kinds, const Call& call);

} // namespace cg::programs
