// Random numbers: the published Philox words, the same bits on all threads and instruction sets, the distributions.
#include "check.h"
#include "structured.h"

#include <cmath>

#include "core/parallel.h"
#include "kernels/philox.h"

namespace cg::cpu::baseline {
Status uniform(const Call& call);
Status randint(const Call& call);
} // namespace cg::cpu::baseline

namespace cg::test {
namespace {

constexpr int64_t kMany = 100003;

template <class T> double mean_of(Tensor<T>& x) {
  double sum = 0;
  for (int64_t i = 0; i < x.numel(); ++i) sum += static_cast<double>(x.at(i));
  return sum / static_cast<double>(x.numel());
}

template <class T> bool same(Tensor<T>& a, Tensor<T>& b) {
  for (int64_t i = 0; i < a.numel(); ++i)
    if (a.at(i) != b.at(i)) return false;
  return true;
}

} // namespace

TEST("Philox gives the words of its authors' test vectors") {
  uint32_t words[4];
  philox_block({{0, 0}, {0, 0}}, 0, words);
  CHECK(words[0] == 0x6627e8d5 && words[1] == 0xe169c58d && words[2] == 0xbc57ac4c && words[3] == 0x9b00dbd8);
  philox_block({{0xa4093822, 0x299f31d0}, {0x13198a2e, 0x03707344}}, 0x85a308d3243f6a88, words);
  CHECK(words[0] == 0xd16cfe09 && words[1] == 0x94fdcceb && words[2] == 0x5001e420 && words[3] == 0x24126ea1);
}

TEST("uniform numbers are Philox words, the same on every thread count and instruction set") {
  Tensor<float> a({kMany}), b({kMany}), c({kMany});
  const std::vector<double> attr = {17, 3, 5, 0, 1};
  const int threads = thread_count();
  set_thread_count(1);
  CHECK(run("uniform", {}, {a.view()}, attr) == Status::kOk);
  set_thread_count(4);
  run("uniform", {}, {b.view()}, attr);
  const View view = c.view();
  cpu::baseline::uniform({{}, {&view, 1}, attr});
  set_thread_count(threads);
  CHECK(same(a, b) && same(a, c));
  uint32_t words[4];
  philox_block({{17, 3}, {5, 0}}, 12, words);
  for (int64_t i = 0; i < 4; ++i) CHECK(a.at(48 + i) == static_cast<float>(words[i] >> 8) * 0x1p-24f);
}

TEST("integers are the same on every instruction set and cover their range evenly") {
  Tensor<int64_t> a({kMany}), b({kMany});
  const std::vector<double> attr = {1, 2, 3, -2, 3};
  run("randint", {}, {a.view()}, attr);
  const View view = b.view();
  cpu::baseline::randint({{}, {&view, 1}, attr});
  CHECK(same(a, b));
  double counts[5] = {};
  for (int64_t i = 0; i < kMany; ++i) ++counts[a.at(i) + 2];
  for (double count : counts) CHECK(std::abs(count / kMany - 0.2) < 0.005);
}

TEST("another offset draws other numbers") {
  Tensor<double> a({100}), b({100});
  run("uniform", {}, {a.view()}, {1, 2, 3, 0, 1});
  run("uniform", {}, {b.view()}, {1, 2, 4, 0, 1});
  for (int64_t i = 0; i < 100; ++i) CHECK(a.at(i) != b.at(i));
}

TEST("uniform stays below its open end") {
  Tensor<float> x({kMany});
  run("uniform", {}, {x.view()}, {1, 2, 3, 1e6, 1e6 + 0.125});
  for (int64_t i = 0; i < kMany; ++i) CHECK(x.at(i) >= 1e6f && x.at(i) < 1e6f + 0.125f);
}

TEST("normal has the moments of the normal distribution, odd counts included") {
  Tensor<float> x({kMany});
  Tensor<double> y({kMany});
  run("normal", {}, {x.view()}, {1, 2, 3, 5, 2});
  run("normal", {}, {y.view()}, {1, 2, 3, 5, 2});
  const auto check = [](auto& z) {
    double moments[3] = {};
    for (int64_t i = 0; i < z.numel(); ++i)
      for (int k = 0; k < 3; ++k)
        moments[k] += std::pow((static_cast<double>(z.at(i)) - 5) / 2, k + 2) / static_cast<double>(z.numel());
    // Four standard errors of 1e5 draws.
    CHECK(std::abs(mean_of(z) - 5) < 0.03 && std::abs(moments[0] - 1) < 0.02 && std::abs(moments[1]) < 0.05);
    CHECK(std::abs(moments[2] - 3) < 0.13);
  };
  check(x);
  check(y);
  CHECK(std::isfinite(x.at(kMany - 1)) && std::isfinite(y.at(kMany - 1)));
}

TEST("bernoulli never happens at 0, always at 1, and follows a tensor of probabilities") {
  Tensor<bool> x({kMany});
  for (double p : {0.0, 0.25, 1.0}) {
    run("bernoulli", {}, {x.view()}, {1, 2, 3, p, 0});
    CHECK(std::abs(mean_of(x) - p) <= (p == 0.25 ? 0.006 : 0));
  }
  Tensor<float> p({kMany}, Layout::kStepped), y({kMany});
  p.fill([](int64_t i) { return i % 2; });
  run("bernoulli", {p.view()}, {y.view()}, {1, 2, 3, 0, 1});
  CHECK(same(p, y));
}

TEST("dropout scales what it keeps, and its mask says which") {
  Tensor<float> x({100, 1000}, Layout::kReversed), y({100, 1000});
  Tensor<bool> kept({100, 1000});
  x.fill([](int64_t i) { return i + 1; });
  run("dropout", {x.view()}, {y.view(), kept.view()}, {1, 2, 3, 0.25});
  bool right = true;
  for (int64_t i = 0; i < x.numel(); ++i)
    right = right && y.at(i) == (kept.at(i) ? x.at(i) * static_cast<float>(1 / 0.75) : 0);
  CHECK(right && std::abs(mean_of(kept) - 0.75) < 0.006);
  run("dropout", {x.view()}, {y.view(), kept.view()}, {1, 2, 3, 1});
  CHECK(mean_of(y) == 0 && mean_of(kept) == 0);
}

TEST("randperm is a permutation") {
  Tensor<int64_t> x({5000});
  run("randperm", {}, {x.view()}, {1, 2, 3});
  std::vector<bool> seen(5000);
  for (int64_t i = 0; i < 5000; ++i) seen[static_cast<size_t>(x.at(i))] = true;
  CHECK(std::count(seen.begin(), seen.end(), true) == 5000 && x.at(0) != 0);
}

TEST("multinomial follows its weights and does not repeat without replacement") {
  Tensor<float> weights = tensor<float>({1, 4}, {1, 0, 2, 5});
  Tensor<int64_t> many({1, kMany}), few({1, 3});
  run("multinomial", {weights.view()}, {many.view()}, {1, 2, 3, 1});
  double counts[4] = {};
  for (int64_t i = 0; i < kMany; ++i) ++counts[many.at(i)];
  for (int64_t i = 0; i < 4; ++i) CHECK(std::abs(counts[i] / kMany - weights.at(i) / 8) < 0.007);
  run("multinomial", {weights.view()}, {few.view()}, {1, 2, 3, 0});
  CHECK(few.at(0) + few.at(1) + few.at(2) == 5 && few.at(0) != few.at(1) && few.at(1) != few.at(2) &&
        few.at(0) != few.at(2));
}

} // namespace cg::test
