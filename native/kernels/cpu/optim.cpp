// Optimizer steps, fused: one pass over each parameter and its state, and one parallel region over all parameters.
#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "core/view.h"
#include "core/walk.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/visit.h"

namespace cg::cpu::CG_ISA {
namespace {

constexpr int64_t kGrain = 16'384;

// Calls update(at, strides, n, dtype) for runs of elements of all parameters: at[0] is the gradient, at[1] the
// parameter, then its states; strides in bytes. The parameters are one list of elements, cut into chunks, so that many
// small ones cost one region.
template <int N, class Update> Status for_runs(const Call& call, const Update& update) {
  const size_t count = call.in.size();
  Scratch starts((count + 1) * sizeof(int64_t));
  if (!starts.ok()) return Status::kOutOfMemory;
  int64_t* start = starts.as<int64_t>(); // start[i]: elements before parameter i
  start[0] = 0;
  for (size_t i = 0; i < count; ++i) {
    start[i + 1] = start[i] + call.out[i].numel;
    const DType dtype = call.out[i].dtype;
    for (int k = 1; k < N; ++k)
      if (call.out[(k - 1) * count + i].dtype != dtype) return fail(Status::kUnsupportedDType);
    if (call.in[i].dtype != dtype || (dtype != DType::kFloat32 && dtype != DType::kFloat64))
      return fail(Status::kUnsupportedDType);
  }
  return parallel_for(0, start[count], kGrain, [&](int64_t begin, int64_t end) {
    size_t i = static_cast<size_t>(std::upper_bound(start, start + count + 1, begin) - start) - 1;
    for (; i < count && start[i] < end; ++i) {
      if (start[i] == start[i + 1]) continue;
      std::array<const View*, N> views;
      views[0] = &call.in[i];
      for (int k = 1; k < N; ++k) views[k] = &call.out[(k - 1) * count + i];
      const Walk<N> walk(views);
      const int64_t first = std::max(begin, start[i]) - start[i], last = std::min(end, start[i + 1]) - start[i];
      Cursor<N> cursor(walk, first);
      for (int64_t at = first; at < last;) {
        const int64_t n = std::min(cursor.left_in_run(), last - at);
        char* data[N];
        for (int k = 0; k < N; ++k) data[k] = cursor.at(k);
        update(data, walk.inner_strides(), n, call.out[i].dtype);
        cursor.advance(n);
        at += n;
      }
    }
  });
}

// Calls fn(g, p, states...) with references to n elements; contiguous ones in a loop that vectorises.
template <class T, size_t N, class Fn>
CG_INLINE void each(char* const (&at)[N], const std::array<int64_t, N>& strides, int64_t n, const Fn& fn) {
  const auto element = [&](size_t k, int64_t i, int64_t stride) -> T& {
    return *reinterpret_cast<T*>(at[k] + i * stride);
  };
  const auto run = [&]<size_t... K>(std::index_sequence<K...>, const auto& stride_of) __attribute__((always_inline)) {
    CG_SIMD for (int64_t i = 0; i < n; ++i) fn(element(K, i, stride_of(K))...);
  };
  constexpr auto kOperands = std::make_index_sequence<N>();
  const bool contiguous = std::all_of(strides.begin(), strides.end(), [](int64_t s) { return s == sizeof(T); });
  if (contiguous || n == 1)
    run(kOperands, [](size_t) { return static_cast<int64_t>(sizeof(T)); });
  else
    run(kOperands, [&](size_t k) { return strides[k]; });
}

template <class Fn> CG_INLINE void visit_floating(DType dtype, const Fn& fn) {
  if (dtype == DType::kFloat32)
    fn.template operator()<float>();
  else
    fn.template operator()<double>();
}

struct Sgd {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize, first;

  // p -= lr * direction, direction = g + momentum * m (Nesterov) or m, m = momentum * m + (1 - dampening) * g.
  template <class T> CG_INLINE void step(const T& gradient, T& p, T* m) const {
    T g = maximize ? -gradient : gradient;
    g = weight_decay != 0 ? g + static_cast<T>(weight_decay) * p : g;
    if (m != nullptr) {
      *m = first ? g : static_cast<T>(momentum) * *m + static_cast<T>(1 - dampening) * g;
      g = nesterov ? g + static_cast<T>(momentum) * *m : *m;
    }
    p -= static_cast<T>(lr) * g;
  }
};

struct Adam {
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled, maximize;
  double step_size, root_correction; // lr / (1 - beta1^t), sqrt(1 - beta2^t)

  template <class T> CG_INLINE void step(const T& gradient, T& p, T& m, T& v, T* most) const {
    T g = maximize ? -gradient : gradient;
    if (decoupled)
      p *= static_cast<T>(1 - lr * weight_decay);
    else
      g = weight_decay != 0 ? g + static_cast<T>(weight_decay) * p : g;
    m += (g - m) * static_cast<T>(1 - beta1);
    v = v * static_cast<T>(beta2) + g * g * static_cast<T>(1 - beta2);
    if (most != nullptr) *most = v > *most ? v : *most;
    const T root = std::sqrt(most != nullptr ? *most : v) / static_cast<T>(root_correction);
    p -= static_cast<T>(step_size) * (m / (root + static_cast<T>(eps)));
  }
};

} // namespace

Status sgdStep(const Call& call) {
  const int64_t flags = call.integer(6);
  const Sgd sgd{call.attr[0],         call.attr[1],         call.attr[2],    call.attr[3],
                call.integer(4) != 0, call.integer(5) != 0, (flags & 2) != 0};
  if ((flags & 1) == 0)
    return for_runs<2>(call, [&](char* const(&at)[2], const auto& strides, int64_t n, DType dtype) {
      visit_floating(
          dtype, [&]<class T>() { each<T>(at, strides, n, [&](const T& g, T& p) { sgd.step<T>(g, p, nullptr); }); });
    });
  return for_runs<3>(call, [&](char* const(&at)[3], const auto& strides, int64_t n, DType dtype) {
    visit_floating(dtype,
                   [&]<class T>() { each<T>(at, strides, n, [&](const T& g, T& p, T& m) { sgd.step<T>(g, p, &m); }); });
  });
}

Status adamStep(const Call& call) {
  const double step = call.attr[6];
  const Adam adam{call.attr[0],
                  call.attr[1],
                  call.attr[2],
                  call.attr[3],
                  call.attr[4],
                  call.integer(5) != 0,
                  call.integer(8) != 0,
                  call.attr[0] / (1 - std::pow(call.attr[1], step)),
                  std::sqrt(1 - std::pow(call.attr[2], step))};
  if (call.integer(7) == 0)
    return for_runs<4>(call, [&](char* const(&at)[4], const auto& strides, int64_t n, DType dtype) {
      visit_floating(dtype, [&]<class T>() {
        each<T>(at, strides, n, [&](const T& g, T& p, T& m, T& v) { adam.step<T>(g, p, m, v, nullptr); });
      });
    });
  return for_runs<5>(call, [&](char* const(&at)[5], const auto& strides, int64_t n, DType dtype) {
    visit_floating(dtype, [&]<class T>() {
      each<T>(at, strides, n, [&](const T& g, T& p, T& m, T& v, T& most) { adam.step<T>(g, p, m, v, &most); });
    });
  });
}

} // namespace cg::cpu::CG_ISA
