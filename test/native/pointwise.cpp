// Pointwise launches: layouts, broadcasting, conversion, writing in place, and the arithmetic of integers and bool.
#include "check.h"
#include "structured.h"

#include <cmath>
#include <limits>

#include "kernels/cpu/pointwise.h"

namespace cg::test {
namespace {

int op(Family family, std::string_view name) {
  const auto all = rows(family);
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i].name == name) return static_cast<int>(i);
  return -1;
}

Status apply(Family family, std::string_view name, std::vector<View> inputs, const View& out, DType dtype,
             double p0 = 0, double p1 = 0) {
  std::vector<const View*> in;
  for (const View& input : inputs) in.push_back(&input);
  return cpu::pointwise({.family = family, .op = op(family, name), .dtype = dtype, .p = {p0, p1}, .in = in}, out);
}
Status unary(std::string_view name, const View& a, const View& out, DType dtype) {
  return apply(Family::kUnary, name, {a}, out, dtype);
}
Status binary(std::string_view name, const View& a, const View& b, const View& out, DType dtype) {
  return apply(Family::kBinary, name, {a, b}, out, dtype);
}

// op(a, b) element by element for integers of type T.
template <class T> std::vector<double> integers(std::string_view name, std::vector<double> a, std::vector<double> b) {
  const auto n = static_cast<int64_t>(a.size());
  Tensor<T> x = tensor<T>({n}, a), y = tensor<T>({n}, b), z({n});
  CHECK(binary(name, x.view(), y.view(), z.view(), DTypeOf<T>::value) == Status::kOk);
  std::vector<double> found;
  for (int64_t i = 0; i < n; ++i) found.push_back(static_cast<double>(z.at(i)));
  return found;
}
using List = std::vector<double>;

} // namespace

TEST("an addition reads and writes every layout, at sizes around the block and the grain") {
  for (const auto& sizes :
       std::vector<std::vector<int64_t>>{{}, {0}, {5}, {1023}, {1025}, {33, 35}, {7, 3, 200}, {130, 129}, {3, 20000}}) {
    for (Layout first : kLayouts) {
      for (Layout second : kLayouts) {
        for (Layout target : kLayouts) {
          Tensor<float> a(sizes, first), b(sizes, second), y(sizes, target);
          a.fill([](int64_t i) { return i; });
          b.fill([](int64_t i) { return 2 * i; });
          CHECK(binary("add", a.view(), b.view(), y.view(), DType::kFloat32) == Status::kOk);
          bool right = true;
          for (int64_t i = 0; i < y.numel(); ++i) right = right && y.at(i) == static_cast<float>(3 * i);
          CHECK(right);
        }
      }
    }
  }
}

TEST("inputs broadcast against each other") {
  Tensor<float> row = tensor<float>({3}, {1, 2, 3}), column = tensor<float>({2, 1}, {10, 20}), y({2, 3});
  CHECK(binary("add", row.view(), column.view(), y.view(), DType::kFloat32) == Status::kOk);
  CHECK(y.equals({11, 12, 13, 21, 22, 23}));
  Tensor<float> many({300, 70}), line({70}), result({300, 70});
  many.fill([](int64_t i) { return i; });
  line.fill([](int64_t i) { return i; });
  CHECK(binary("sub", many.view(), line.view(), result.view(), DType::kFloat32) == Status::kOk);
  bool right = true;
  for (int64_t i = 0; i < result.numel(); ++i) right = right && result.at(i) == static_cast<float>(i / 70 * 70);
  CHECK(right);
}

TEST("inputs and results of other types are converted") {
  Tensor<int64_t> a = tensor<int64_t>({3}, {1, 2, 3});
  Tensor<bool> b = tensor<bool>({3}, {1, 0, 1}), smaller({3});
  Tensor<double> y({3});
  CHECK(binary("mul", a.view(), b.view(), y.view(), DType::kFloat32) == Status::kOk && y.equals({1, 0, 3}));
  CHECK(binary("lt", a.view(), y.view(), smaller.view(), DType::kFloat64) == Status::kOk && smaller.equals({0, 0, 0}));
  CHECK(binary("lt", y.view(), a.view(), y.view(), DType::kFloat64) == Status::kOk && y.equals({0, 1, 0}));
}

TEST("half precision rounds once per operation") {
  Tensor<float> wide = tensor<float>({2}, {1, 0x1p-9}), back({2});
  uint16_t memory[2];
  View narrow = wide.view();
  narrow.data = memory;
  narrow.dtype = DType::kBFloat16;
  cpu::copy(narrow, wide.view());
  View second = narrow;
  second.rank = 0;
  second.numel = 1;
  second.data = memory + 1;
  CHECK(binary("add", narrow, second, narrow, DType::kBFloat16) == Status::kOk);
  cpu::copy(back.view(), narrow);
  CHECK(back.at(0) == 1 && back.at(1) == 0x1p-8f);
}

TEST("a result may replace an input, also a shifted or transposed view of it") {
  Tensor<float> memory({3001});
  memory.fill([](int64_t i) { return i; });
  View all = memory.view(), from = all, to = all;
  from.sizes[0] = to.sizes[0] = from.numel = to.numel = 3000;
  to.data = all.as<float>() + 1;
  CHECK(binary("add", to, from, to, DType::kFloat32) == Status::kOk);
  bool right = true;
  for (int64_t i = 0; i < 3000; ++i) right = right && memory.at(i + 1) == static_cast<float>(2 * i + 1);
  CHECK(right);

  Tensor<float> matrix({40, 40});
  matrix.fill([](int64_t i) { return i; });
  View transposed = matrix.view();
  std::swap(transposed.strides[0], transposed.strides[1]);
  CHECK(binary("add", matrix.view(), transposed, matrix.view(), DType::kFloat32) == Status::kOk);
  right = true;
  for (int64_t i = 0; i < 40; ++i)
    for (int64_t j = 0; j < 40; ++j) right = right && matrix.at(40 * i + j) == static_cast<float>(41 * (i + j));
  CHECK(right);

  View element = matrix.view();
  element.rank = 0;
  element.numel = 1;
  matrix.fill([](int64_t) { return 2; });
  CHECK(binary("mul", matrix.view(), element, matrix.view(), DType::kFloat32) == Status::kOk);
  CHECK(matrix.at(0) == 4 && matrix.at(1) == 4 && matrix.at(1599) == 4);
}

TEST("integer division rounds as asked and survives zero and the smallest number") {
  const List a = {7, -7, 7, -7, 5, INT32_MIN, INT32_MIN}, b = {2, 2, -2, -2, 0, -1, 1};
  CHECK((integers<int32_t>("divFloor", a, b) == List{3, -4, -4, 3, 0, INT32_MIN, INT32_MIN}));
  CHECK((integers<int32_t>("divTrunc", a, b) == List{3, -3, -3, 3, 0, INT32_MIN, INT32_MIN}));
  CHECK((integers<int64_t>("remainder", a, b) == List{1, 1, -1, -1, 0, 0, 0}));
  CHECK((integers<int64_t>("fmod", a, b) == List{1, -1, 1, -1, 0, 0, 0}));
  const auto least = static_cast<double>(INT64_MIN);
  CHECK((integers<int64_t>("divTrunc", {least}, {-1}) == List{least}));
}

TEST("narrow integers wrap to their width") {
  CHECK((integers<uint8_t>("add", {250}, {10}) == List{4}));
  CHECK((integers<uint8_t>("sub", {1}, {2}) == List{255}));
  CHECK((integers<int8_t>("mul", {100}, {2}) == List{-56}));
  CHECK((integers<int16_t>("add", {32767}, {1}) == List{-32768}));
  CHECK((integers<int32_t>("add", {INT32_MAX}, {1}) == List{INT32_MIN}));
}

TEST("integer powers, shifts and bits") {
  CHECK((integers<int32_t>("pow", {3, 2, -2, 2, 1, -1, -1, 0}, {4, 31, 3, -1, -5, -3, -2, 0}) ==
         List{81, INT32_MIN, -8, 0, 1, -1, 1, 1}));
  CHECK((integers<int32_t>("leftShift", {1, 1, 1, -1}, {4, 32, -1, 1}) == List{16, 0, 0, -2}));
  CHECK((integers<int32_t>("rightShift", {16, -16, -1, 5}, {2, 2, 40, -1}) == List{4, -4, -1, 0}));
  CHECK((integers<int64_t>("bitwiseXor", {6}, {3}) == List{5}));
}

TEST("bool adds by or, multiplies by and") {
  const List a = {0, 0, 1, 1}, b = {0, 1, 0, 1};
  CHECK((integers<bool>("add", a, b) == List{0, 1, 1, 1}));
  CHECK((integers<bool>("mul", a, b) == List{0, 0, 0, 1}));
  CHECK((integers<bool>("bitwiseXor", a, b) == List{0, 1, 1, 0}));
  CHECK((integers<bool>("maximum", a, b) == List{0, 1, 1, 1}));
  CHECK((integers<bool>("lt", a, b) == List{0, 1, 0, 0}));
  Tensor<bool> x = tensor<bool>({2}, {0, 1}), y({2});
  CHECK(unary("bitwiseNot", x.view(), y.view(), DType::kBool) == Status::kOk && y.equals({1, 0}));
}

TEST("NaN wins in maximum, loses in fmax, and is unequal to itself") {
  const double nan = std::nan("");
  Tensor<float> a = tensor<float>({3}, {nan, 1, 2}), b = tensor<float>({3}, {1, nan, 3}), y({3});
  Tensor<bool> p({3});
  binary("maximum", a.view(), b.view(), y.view(), DType::kFloat32);
  CHECK(std::isnan(y.at(0)) && std::isnan(y.at(1)) && y.at(2) == 3);
  binary("fmax", a.view(), b.view(), y.view(), DType::kFloat32);
  CHECK(y.equals({1, 1, 3}));
  binary("eq", a.view(), a.view(), p.view(), DType::kFloat32);
  CHECK(p.equals({0, 1, 1}));
  unary("relu", a.view(), y.view(), DType::kFloat32);
  CHECK(std::isnan(y.at(0)) && y.at(1) == 1);
}

TEST("remainder has the sign of the divisor, fmod of the dividend, and floor division is exact") {
  Tensor<double> a = tensor<double>({4}, {5.5, -5.5, 5.5, 1}), b = tensor<double>({4}, {2, 2, -2, 0.1}), y({4});
  binary("remainder", a.view(), b.view(), y.view(), DType::kFloat64);
  CHECK(y.at(0) == 1.5 && y.at(1) == 0.5 && y.at(2) == -0.5);
  binary("fmod", a.view(), b.view(), y.view(), DType::kFloat64);
  CHECK(y.at(1) == -1.5 && y.at(2) == 1.5);
  binary("divFloor", a.view(), b.view(), y.view(), DType::kFloat64);
  CHECK(y.equals({2, -3, -3, 9})); // 0.1 is a little more than a tenth
}

TEST("where reads its condition as bool whatever the type of the rest") {
  Tensor<float> condition = tensor<float>({3}, {0, 0.5, -1}), a = tensor<float>({3}, {1, 2, 3}), zero({}), y({3});
  CHECK(apply(Family::kTernary, "where", {condition.view(), a.view(), zero.view()}, y.view(), DType::kFloat32) ==
        Status::kOk);
  CHECK(y.equals({0, 2, 3}));
}

TEST("attributes saturate for integers, so that an infinite bound is none") {
  const double infinity = std::numeric_limits<double>::infinity();
  Tensor<int64_t> x = tensor<int64_t>({3}, {-5, 0, 5}), y({3});
  x.at(2) = INT64_MAX;
  CHECK(apply(Family::kUnaryAttr, "clamp", {x.view()}, y.view(), DType::kInt64, -1, infinity) == Status::kOk);
  CHECK(y.at(0) == -1 && y.at(1) == 0 && y.at(2) == INT64_MAX);
}

TEST("a row without a meaning for the type is refused") {
  Tensor<float> x({3}), y({3});
  CHECK(unary("bitwiseNot", x.view(), y.view(), DType::kFloat32) == Status::kUnsupportedDType);
  CHECK(unary("sin", x.view(), y.view(), DType::kInt32) == Status::kUnsupportedDType);
}

TEST("results past the cache are written whole") {
  constexpr int64_t kMany = (40 << 20) / 4 + 3;
  Tensor<float> a({kMany}), y({kMany});
  a.fill([](int64_t i) { return i % 1000; });
  binary("add", a.view(), a.view(), y.view(), DType::kFloat32);
  bool right = true;
  for (int64_t i = 0; i < kMany; ++i) right = right && y.view().as<float>()[i] == static_cast<float>(i % 1000 * 2);
  CHECK(right);
}

} // namespace cg::test
