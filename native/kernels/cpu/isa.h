// Opens the namespace of the instruction set that a kernel file is compiled for: cg::cpu::baseline, avx2 or avx512.
#pragma once

#ifndef CG_ISA
#error "compile this file once per instruction set, with CG_ISA (CELLGRAD_ISA_SOURCES in native/CMakeLists.txt)"
#endif

// Loops over arrays that are either the same or do not overlap.
#define CG_SIMD _Pragma("GCC ivdep")
#define CG_INLINE [[gnu::always_inline]] inline
