// The vector functions of the instruction set in use against the C library in
// higher precision.
#include "check.h"
#include "structured.h"

#include <cmath>
#include <limits>

#include "kernels/cpu/pointwise.h"

namespace cg::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

using Reference = long double (*)(long double);
struct Function {
  const char* name;
  Reference reference;
  float low, high;
  double ulps; // of float32
};

long double sigmoid(long double x) { return 1 / (1 + std::exp(-x)); }
long double rsqrt(long double x) { return 1 / std::sqrt(x); }
long double silu(long double x) { return x * sigmoid(x); }
long double softplus(long double x) { return (x < 0 ? 0 : x) + std::log1p(std::exp(-std::abs(x))); }
long double log_sigmoid(long double x) { return (x > 0 ? 0 : x) - std::log1p(std::exp(-std::abs(x))); }

const Function kFunctions[] = {
    {"exp", std::exp, -104, 89, 1.1},        {"exp2", std::exp2, -151, 129, 1.5},
    {"expm1", std::expm1, -20, 89, 0.6},     {"log", std::log, 0, 1e38f, 1},
    {"log2", std::log2, 0, 1e38f, 0.6},      {"log10", std::log10, 0, 1e38f, 0.6},
    {"log1p", std::log1p, -1, 1e30f, 2},     {"sin", std::sin, -1e6f, 1e6f, 0.6},
    {"cos", std::cos, -1e6f, 1e6f, 0.6},     {"tan", std::tan, -1e6f, 1e6f, 0.6},
    {"asin", std::asin, -1, 1, 2.2},         {"acos", std::acos, -1, 1, 2},
    {"atan", std::atan, -1e6f, 1e6f, 2},     {"sinh", std::sinh, -89, 89, 0.6},
    {"cosh", std::cosh, -89, 89, 0.6},       {"tanh", std::tanh, -10, 10, 2},
    {"asinh", std::asinh, -1e6f, 1e6f, 0.6}, {"acosh", std::acosh, 1, 1e6f, 0.6},
    {"atanh", std::atanh, -1, 1, 0.6},       {"erf", std::erf, -4, 4, 2},
    {"erfc", std::erfc, -5, 9, 3},           {"sigmoid", sigmoid, -80, 80, 2},
    {"rsqrt", rsqrt, 0, 1e38f, 1.6},         {"lgamma", std::lgamma, 0, 3e38f, 1},
    {"softplus", softplus, -80, 80, 4},      {"logSigmoid", log_sigmoid, -80, 80, 4},
};

void apply(Family family, std::string_view name, std::vector<View> inputs, const View& out,
           DType dtype = DType::kFloat32) {
  std::vector<const View*> in;
  for (const View& input : inputs) in.push_back(&input);
  for (size_t i = 0; const Row& row : rows(family)) {
    if (row.name == name)
      CHECK(cpu::pointwise({.family = family, .op = static_cast<int>(i), .dtype = dtype, .in = in}, out) ==
            Status::kOk);
    ++i;
  }
}

// The distance in units of the last place of float32.
double distance(float found, long double exact) {
  const auto rounded = static_cast<float>(exact);
  if (std::isnan(rounded) || std::isinf(rounded))
    return std::isnan(found) == std::isnan(rounded) && (std::isnan(found) || found == rounded) ? 0 : 1e9;
  const long double unit = static_cast<long double>(std::nextafter(std::abs(rounded), kInfinity)) - std::abs(rounded);
  return static_cast<double>(std::abs(found - exact) / unit);
}

// Evenly in value, and evenly in exponent, which finds small and subnormal
// arguments.
std::vector<float> arguments(const Function& function) {
  std::vector<float> found;
  for (int i = 0; i <= 20000; ++i)
    found.push_back(function.low + (function.high - function.low) * static_cast<float>(i) / 20000);
  for (int i = 0; i <= 20000; ++i)
    for (float sign : {-1.0f, 1.0f}) {
      const float x = sign * std::exp2(-149 + 277 * static_cast<float>(i) / 20000);
      if (x >= function.low && x <= function.high) found.push_back(x);
    }
  return found;
}

} // namespace

TEST("float functions are within their units of the last place") {
  for (const Function& function : kFunctions) {
    const std::vector<float> x = arguments(function);
    Tensor<float> in({static_cast<int64_t>(x.size())}), out({static_cast<int64_t>(x.size())});
    in.fill([&](int64_t i) { return x[static_cast<size_t>(i)]; });
    apply(Family::kUnary, function.name, {in.view()}, out.view());
    double worst = 0;
    float where = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double error = distance(out.at(static_cast<int64_t>(i)), function.reference(x[i]));
      if (error > worst) {
        worst = error;
        where = x[i];
      }
    }
    if (worst > function.ulps) std::printf("%s(%g): %g ulp\n", function.name, where, worst);
    CHECK(worst <= function.ulps);
  }
}

TEST("silu and gelu with their slopes are as close as their terms, wherever a "
     "run ends") {
  constexpr int64_t kCount = 1003;
  Tensor<float> x({kCount}), g({kCount}), y({kCount});
  x.fill([](int64_t i) { return 0.03 * static_cast<double>(i - 500); });
  g.fill([](int64_t) { return 2; });
  const auto normal = [](long double x) { return std::exp(-0.5L * x * x) * 0.398942280401432677939946L; };
  const auto below = [](long double x) { return 0.5L * std::erfc(-x * 0.707106781186547524400844L); };
  const auto close = [&](const auto& exact) {
    for (int64_t i = 0; i < kCount; ++i) {
      const long double value = exact(static_cast<long double>(x.at(i)));
      CHECK(std::abs(y.at(i) - value) <= 4e-7L * (1 + std::abs(value)));
    }
  };
  apply(Family::kUnary, "silu", {x.view()}, y.view());
  close(silu);
  apply(Family::kUnary, "gelu", {x.view()}, y.view());
  close([&](long double x) { return x * below(x); });
  apply(Family::kBinary, "siluBackward", {g.view(), x.view()}, y.view());
  close([&](long double x) { return 2 * sigmoid(x) * (1 + x * (1 - sigmoid(x))); });
  apply(Family::kBinary, "geluBackward", {g.view(), x.view()}, y.view());
  close([&](long double x) { return 2 * (below(x) + x * normal(x)); });
  Tensor<float> special = tensor<float>({3}, {std::nan(""), 0, 1e30}), found({3});
  for (const char* name : {"silu", "gelu"}) {
    apply(Family::kUnary, name, {special.view()}, found.view());
    CHECK(std::isnan(found.at(0)) && found.at(1) == 0 && found.at(2) == special.at(2));
  }
}

TEST("lgamma of numbers below 0 is as close as its zeros allow, infinite at "
     "integers") {
  constexpr int64_t kCount = 20'000;
  Tensor<float> in({kCount}), out({kCount});
  in.fill([](int64_t i) { return -0.0017f * static_cast<float>(i); });
  apply(Family::kUnary, "lgamma", {in.view()}, out.view());
  for (int64_t i = 0; i < kCount; ++i) {
    const long double exact = std::lgamma(static_cast<long double>(in.at(i)));
    if (std::isinf(exact))
      CHECK(out.at(i) == kInfinity);
    else
      CHECK(std::abs(out.at(i) - exact) <= 1e-7L * (1 + std::abs(exact)));
  }
  Tensor<float> whole = tensor<float>({4}, {-1, -2, -70, -0.0}), found({4});
  apply(Family::kUnary, "lgamma", {whole.view()}, found.view());
  for (int64_t i = 0; i < 4; ++i) CHECK(found.at(i) == kInfinity);
}

TEST("float functions answer zeros, infinities and NaN as the C library does") {
  const float special[] = {0.0f,  -0.0f, 1, -1, kInfinity, -kInfinity, std::nanf(""), std::numeric_limits<float>::max(),
                           1e-45f};
  Tensor<float> in({9}), out({9});
  in.fill([&](int64_t i) { return special[i]; });
  for (const Function& function : kFunctions) {
    apply(Family::kUnary, function.name, {in.view()}, out.view());
    for (int i = 0; i < 9; ++i) {
      const auto exact = static_cast<float>(function.reference(special[i]));
      const bool right =
          distance(out.at(i), exact) <= 2.5 && (exact != 0 || std::signbit(exact) == std::signbit(out.at(i)));
      if (!right) std::printf("%s(%g) = %g, not %g\n", function.name, special[i], out.at(i), exact);
      CHECK(right);
    }
  }
}

TEST("sin and cos of huge arguments are exact too") {
  Tensor<float> in = tensor<float>({3}, {1e10, 3e38, -2e20}), out({3});
  const struct {
    const char* name;
    Reference reference;
  } functions[] = {{"sin", std::sin}, {"cos", std::cos}, {"tan", std::tan}};
  for (const auto& [name, reference] : functions) {
    apply(Family::kUnary, name, {in.view()}, out.view());
    for (int i = 0; i < 3; ++i) CHECK(distance(out.at(i), reference(in.at(i))) <= 1);
  }
}

TEST("double exp, log, tanh and sigmoid are within two units of the last "
     "place") {
  constexpr int64_t kMany = 20001;
  Tensor<double> in({kMany}), out({kMany});
  const struct {
    const char* name;
    Reference reference;
    double low, high;
  } functions[] = {{"exp", std::exp, -700, 709},
                   {"log", std::log, 1e-3, 1e6},
                   {"tanh", std::tanh, -20, 20},
                   {"sigmoid", sigmoid, -40, 40}};
  for (const auto& [name, reference, low, high] : functions) {
    in.fill([low = low, high = high](int64_t i) { return low + (high - low) * static_cast<double>(i) / (kMany - 1); });
    apply(Family::kUnary, name, {in.view()}, out.view(), DType::kFloat64);
    double worst = 0;
    for (int64_t i = 0; i < kMany; ++i) {
      const long double exact = reference(in.at(i));
      worst = std::max(worst, static_cast<double>(std::abs((out.at(i) - exact) / exact)) /
                                  std::numeric_limits<double>::epsilon());
    }
    CHECK(worst <= 2.3);
  }
}

TEST("pow follows the C library, special values and all") {
  const float values[] = {0.0f, -0.0f, 1,     -1,     0.5f,   2,           -2,        3,          -3,
                          2.5f, -2.5f, 1e20f, -1e20f, 1e-30f, 16777217.0f, kInfinity, -kInfinity, std::nanf("")};
  for (float base : values) {
    for (float exponent : values) {
      Tensor<float> a = tensor<float>({1}, {base}), b = tensor<float>({1}, {exponent}), y({1});
      apply(Family::kBinary, "pow", {a.view(), b.view()}, y.view());
      const float exact = std::pow(base, exponent);
      const bool right =
          distance(y.at(0), exact) <= 1 && (std::isnan(exact) || std::signbit(exact) == std::signbit(y.at(0)));
      if (!right) std::printf("pow(%g, %g) = %g, not %g\n", base, exponent, y.at(0), exact);
      CHECK(right);
    }
  }
}

TEST("digamma and erfinv hold their identities") {
  Tensor<double> x = tensor<double>({5}, {0.3, 1.7, 6, -0.4, -3.3}),
                 next = tensor<double>({5}, {1.3, 2.7, 7, 0.6, -2.3}), y({5}), z({5});
  apply(Family::kUnary, "digamma", {x.view()}, y.view(), DType::kFloat64);
  apply(Family::kUnary, "digamma", {next.view()}, z.view(), DType::kFloat64);
  for (int i = 0; i < 5; ++i) CHECK(std::abs(z.at(i) - y.at(i) - 1 / x.at(i)) < 1e-13);
  Tensor<double> p = tensor<double>({5}, {0, 0.1, -0.69, 0.75, -0.999999}), q({5});
  apply(Family::kUnary, "erfinv", {p.view()}, q.view(), DType::kFloat64);
  for (int i = 0; i < 5; ++i) CHECK(std::abs(std::erf(q.at(i)) - p.at(i)) < 1e-15);
}

} // namespace cg::test
