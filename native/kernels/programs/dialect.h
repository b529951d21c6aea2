// The dialects that kernel texts are written in: one C text with a few words that each dialect spells in its own way.
#pragma once
#include <string>
#include <string_view>

#include "core/dtype.h"

namespace cg::programs {

// nullptr for a dialect we do not write. The prelude spells: KERNEL, FUNCTION, GLOBAL, LOCAL, CONSTANT, BUFFER(T, x), PLACE(T, x),
// BARRIER, GROUP_ID, THREAD_ID, ITEM (the thread's number in the launch), MULHI, MAD (a b + c, as one step where that is fast), AS_F32, AS_U32, the types i8 to f64, and Wide: f64
// where the device has it, else f32.
const char* prelude(std::string_view dialect);

// Threads of a group in every launch.
constexpr uint32_t kGroup = 64;

// How elements of a dtype lie in memory, and the text that reads one (`value` becomes the expression) and writes one.
const char* storage_name(DType dtype);
// The unsigned type of an element that is moved, not read; empty for the widest.
std::string word(DType dtype);
std::string read_text(DType dtype, DType as, const std::string& value);
std::string write_text(DType dtype, DType from, const std::string& value);
// The type that an operation on `dtype` computes in.
const char* compute_name(DType dtype);

// functions.cpp: the functions of the .def expressions that the dialects lack, as far as `text` uses them. `type` is float, int or bool.
std::string helpers(std::string_view text, DType type);

std::string define(const std::string& name, const std::string& value);

bool has_word(std::string_view text, std::string_view word);

} // namespace cg::programs
