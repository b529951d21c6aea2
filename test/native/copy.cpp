// Copies: every pair of types, layouts, transposes, repeats.
#include "check.h"
#include "structured.h"

#include <cmath>
#include <limits>

#include "kernels/cpu/copy.h"

namespace cg::test {

TEST("small whole numbers survive every pair of types") {
  const float values[] = {0, 1, 2, 100};
  Tensor<float> source = tensor<float>({4}, {0, 1, 2, 100});
  for (int first = 0; first < kDTypes; ++first) {
    for (int second = 0; second < kDTypes; ++second) {
      alignas(64) char a[64], b[64];
      Tensor<float> back({4});
      View via = source.view(), then = source.view();
      via.data = a;
      via.dtype = static_cast<DType>(first);
      then.data = b;
      then.dtype = static_cast<DType>(second);
      CHECK(cpu::copy(via, source.view()) == Status::kOk && cpu::copy(then, via) == Status::kOk);
      CHECK(cpu::copy(back.view(), then) == Status::kOk);
      const bool truth = first == 0 || second == 0;
      for (int i = 0; i < 4; ++i) CHECK(back.at(i) == (truth ? values[i] != 0 : values[i]));
    }
  }
}

TEST("bfloat16 and float16 round half to even and keep what is not finite") {
  const float infinity = std::numeric_limits<float>::infinity();
  Tensor<float> source = tensor<float>({6}, {1 + 0x1p-8, 1 + 3 * 0x1p-8, -infinity, std::nan(""), 1e38, 0}), back({6});
  uint16_t bits[6];
  View narrow = source.view();
  narrow.data = bits;
  narrow.dtype = DType::kBFloat16;
  cpu::copy(narrow, source.view());
  cpu::copy(back.view(), narrow);
  CHECK(back.at(0) == 1 && back.at(1) == 1 + 0x1p-6f && back.at(2) == -infinity && std::isnan(back.at(3)) &&
        bits[4] == 0x7e96);
  source.at(0) = 1 + 0x1p-11f;
  source.at(1) = 0x1p-24f;
  source.at(4) = 70000;
  narrow.dtype = DType::kFloat16;
  cpu::copy(narrow, source.view());
  cpu::copy(back.view(), narrow);
  CHECK(back.at(0) == 1 && back.at(1) == 0x1p-24f && back.at(2) == -infinity && std::isnan(back.at(3)) &&
        back.at(4) == infinity);
}

TEST("copies between layouts keep every element, tiles and edges alike") {
  const std::vector<std::vector<int64_t>> shapes = {{},         {0, 3},         {1},       {7}, {64, 64}, {65, 130},
                                                    {3, 17, 9}, {2, 3, 40, 33}, {300, 200}};
  for (const auto& sizes : shapes) {
    for (Layout from : kLayouts) {
      for (Layout to : kLayouts) {
        Tensor<int32_t> source(sizes, from), target(sizes, to);
        Tensor<double> wide(sizes, to);
        source.fill([](int64_t i) { return i; });
        CHECK(cpu::copy(target.view(), source.view()) == Status::kOk &&
              cpu::copy(wide.view(), source.view()) == Status::kOk);
        bool same = true;
        for (int64_t i = 0; i < source.numel(); ++i)
          same = same && target.at(i) == i && wide.at(i) == static_cast<double>(i);
        CHECK(same);
      }
    }
  }
}

TEST("a transposed copy serves every element size") {
  Tensor<uint8_t> a({40, 50}, Layout::kReversed), b({40, 50});
  a.fill([](int64_t i) { return i % 251; });
  cpu::copy(b.view(), a.view());
  Tensor<double> c({40, 50}, Layout::kReversed), d({40, 50});
  c.fill([](int64_t i) { return i; });
  cpu::copy(d.view(), c.view());
  bool same = true;
  for (int64_t i = 0; i < 2000; ++i) same = same && b.at(i) == i % 251 && d.at(i) == static_cast<double>(i);
  CHECK(same);
}

TEST("a row, a column and a scalar are repeated over the target") {
  Tensor<float> row = tensor<float>({3}, {1, 2, 3}), column = tensor<float>({2, 1}, {10, 20}), scalar({}),
                target({2, 3});
  cpu::copy(target.view(), row.view());
  CHECK(target.equals({1, 2, 3, 1, 2, 3}));
  cpu::copy(target.view(), column.view());
  CHECK(target.equals({10, 10, 10, 20, 20, 20}));
  scalar.at(0) = 5;
  cpu::copy(target.view(), scalar.view());
  CHECK(target.equals({5, 5, 5, 5, 5, 5}));
}

TEST("outputs larger than the cache are copied whole") {
  constexpr int64_t kMany = (40 << 20) / 4 + 5;
  Tensor<int32_t> source({kMany}), target({kMany});
  source.fill([](int64_t i) { return i; });
  cpu::copy(target.view(), source.view());
  bool same = true;
  for (int64_t i = 0; i < kMany; ++i) same = same && target.view().as<int32_t>()[i] == i;
  CHECK(same);
}

} // namespace cg::test
