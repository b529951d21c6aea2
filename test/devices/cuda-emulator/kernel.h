// What CUDA C knows by itself, for a C++ compiler: it stands before every text that the emulator compiles.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernel_type.h"

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(n)

namespace emulator {

template <unsigned... I> struct Indices {};
template <unsigned N, unsigned... I> struct Count : Count<N - 1, N - 1, I...> {};
template <unsigned... I> struct Count<0, I...> { using type = Indices<I...>; };

template <class F> struct Signature;
template <class... A> struct Signature<void(A...)> {
  static constexpr unsigned count = sizeof...(A);
  static const unsigned sizes[count];
  template <void (*kRun)(A...)> static void run(void** parameters) {
    call<kRun>(parameters, typename Count<count>::type());
  }
  template <void (*kRun)(A...), unsigned... I> static void call(void** parameters, Indices<I...>) {
    kRun(*static_cast<A*>(parameters[I])...);
  }
};
template <class... A> const unsigned Signature<void(A...)>::sizes[] = {sizeof(A)...};

} // namespace emulator

static emulator::Machine emulated_machine;
#define threadIdx emulated_machine.thread
#define blockIdx emulated_machine.block

static inline void __syncthreads() { emulated_machine.barrier(); }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((uint64_t)a * b >> 32); }
static inline float __uint_as_float(unsigned bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
static inline unsigned __float_as_uint(float value) {
  unsigned bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
static inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
template <class T> static inline T min(T a, T b) { return b < a ? b : a; }
template <class T> static inline T max(T a, T b) { return a < b ? b : a; }

// `name` is how the driver finds the kernel `function`.
#define EMULATED_KERNEL(name, function, has_barriers)                                                                  \
  extern "C" __attribute__((visibility("default"))) const emulator::Kernel name = {                                    \
      emulator::Signature<decltype(function)>::count, emulator::Signature<decltype(function)>::sizes,                  \
      &emulator::Signature<decltype(function)>::run<&function>, &emulated_machine, has_barriers};
