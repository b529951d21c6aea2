// Optimizer steps: one launch a parameter, over it and its state.
#include <cmath>

#include "kernels/programs/families.h"
#include "kernels/programs/lines.h"

namespace cg::programs {
namespace {

// Runs `body`, which reads g[i] and changes p[i] and the states, for each of the parameters. Numbers are T a0, a1, ...
Status step(const Context& context, const Call& call, size_t states, std::span<const double> numbers,
            const std::string& body) {
  const size_t count = call.in.size();
  for (size_t i = 0; i < count; ++i) {
    const DType dtype = call.out[i].dtype;
    if (!floating_program(context, dtype)) return Status::kNoKernel;
    for (size_t s = 0; s <= states; ++s)
      if (call.out[s * count + i].dtype != dtype || !call.out[s * count + i].contiguous()) return Status::kNoKernel;
    if (call.in[i].dtype != dtype) return Status::kNoKernel;
  }
  for (size_t i = 0; i < count; ++i) {
    const View& p = call.out[i];
    const Dense g(context, call.in[i]);
    if (g.status() != Status::kOk) return g.status();
    Launch launch;
    launch.buffer(g.data());
    std::string parameters = "BUFFER(T, g)", places = "PLACE(T, g);";
    const char* names[] = {"p", "m", "v", "most"};
    for (size_t s = 0; s <= states; ++s) {
      launch.buffer(call.out[s * count + i].data);
      parameters += std::string(", BUFFER(T, ") + names[s] + ")";
      places += std::string(" PLACE(T, ") + names[s] + ");";
    }
    for (size_t k = 0; k < numbers.size(); ++k) {
      launch.number(numbers[k], p.dtype);
      parameters += ", T a" + std::to_string(k);
    }
    const LineText text{.parameters = parameters, .places = places, .body = "  i64 i = line;\n" + body};
    if (const Status status = run_lines(context, p.dtype, text, launch, p.numel, 1); status != Status::kOk)
      return status;
  }
  return Status::kOk;
}

} // namespace

Status sgdStep(const Context& context, const Call& call) {
  const int64_t flags = call.integer(6);
  const bool buffers = (flags & 1) != 0, first = (flags & 2) != 0, nesterov = call.integer(4) != 0;
  const std::string sign = call.integer(5) != 0 ? "-" : "";
  const double numbers[] = {call.attr[0], call.attr[1], 1 - call.attr[2], call.attr[3]};
  std::string body = "  T d = " + sign + "g[i];\n  if (a3 != 0) d += a3 * p[i];\n";
  if (buffers) {
    body += first ? "  m[i] = d;\n" : "  m[i] = a1 * m[i] + a2 * d;\n";
    body += nesterov ? "  d += a1 * m[i];\n" : "  d = m[i];\n";
  }
  return step(context, call, buffers ? 1 : 0, numbers, body + "  p[i] -= a0 * d;\n");
}

Status adamStep(const Context& context, const Call& call) {
  const double lr = call.attr[0], beta1 = call.attr[1], beta2 = call.attr[2], decay = call.attr[4], t = call.attr[6];
  const bool decoupled = call.integer(5) != 0, amsgrad = call.integer(7) != 0;
  const std::string sign = call.integer(8) != 0 ? "-" : "";
  const double numbers[] = {
      lr / (1 - std::pow(beta1, t)),     std::sqrt(1 - std::pow(beta2, t)), 1 - beta1, beta2, 1 - beta2, call.attr[3],
      decoupled ? 1 - lr * decay : decay};
  std::string body = "  T d = " + sign + "g[i];\n";
  body += decoupled ? "  p[i] *= a6;\n" : "  if (a6 != 0) d += a6 * p[i];\n";
  body += "  m[i] += (d - m[i]) * a2;\n  v[i] = v[i] * a3 + d * d * a4;\n";
  if (amsgrad) body += "  most[i] = v[i] > most[i] ? v[i] : most[i];\n";
  body += std::string("  p[i] -= a0 * (m[i] / (sqrt(") + (amsgrad ? "most" : "v") + "[i]) / a1 + a5));\n";
  return step(context, call, amsgrad ? 3 : 2, numbers, body);
}

} // namespace cg::programs
