// Optimizer steps against their formulas, over many parameters of several layouts and sizes.
#include "check.h"
#include "structured.h"

#include <cmath>
#include <memory>

namespace cg::test {
namespace {

bool near(double a, double b) { return std::abs(a - b) <= 1e-12 * (1 + std::abs(b)); }

// A gradient, a parameter and up to three states of one size.
struct Parameter {
  Tensor<double> g, p, m, v, most;

  Parameter(std::vector<int64_t> sizes, Layout layout)
      : g(sizes, layout), p(sizes), m(sizes, layout), v(sizes), most(sizes) {
    g.fill([](int64_t i) { return std::sin(static_cast<double>(i)); });
    p.fill([](int64_t i) { return std::cos(static_cast<double>(i)); });
    m.fill([](int64_t i) { return 0.1 * static_cast<double>(i % 3); });
    v.fill([](int64_t i) { return 0.2 * static_cast<double>(i % 5); });
    most.fill([](int64_t i) { return 0.3 * static_cast<double>(i % 2); });
  }
};

std::vector<Parameter> parameters() {
  std::vector<Parameter> list;
  for (Layout layout : kLayouts)
    for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{3, 4}, {}, {0}, {150, 200}, {7}})
      list.emplace_back(sizes, layout);
  return list;
}

std::vector<View> views(std::vector<Parameter>& list, std::initializer_list<Tensor<double> Parameter::*> members) {
  std::vector<View> all;
  for (auto member : members)
    for (Parameter& parameter : list) all.push_back((parameter.*member).view());
  return all;
}

} // namespace

TEST("sgdStep follows its formula with momentum, Nesterov's and without") {
  const double lr = 0.1, momentum = 0.9, dampening = 0.2, decay = 0.01;
  for (int buffers : {0, 1})
    for (int nesterov : {0, 1})
      for (int first : {0, 1}) {
        std::vector<Parameter> list = parameters(), before = list;
        auto out = buffers != 0 ? views(list, {&Parameter::p, &Parameter::m}) : views(list, {&Parameter::p});
        CHECK(run("sgdStep", views(list, {&Parameter::g}), out,
                  {lr, momentum, dampening, decay, static_cast<double>(nesterov), 1,
                   static_cast<double>(buffers + 2 * first)}) == Status::kOk);
        for (size_t k = 0; k < list.size(); ++k)
          for (int64_t i = 0; i < list[k].p.numel(); ++i) {
            const double g = -before[k].g.at(i) + decay * before[k].p.at(i); // maximize
            const double m = first != 0 ? g : momentum * before[k].m.at(i) + (1 - dampening) * g;
            const double step = buffers == 0 ? g : nesterov != 0 ? g + momentum * m : m;
            CHECK(near(list[k].p.at(i), before[k].p.at(i) - lr * step));
            if (buffers != 0) CHECK(near(list[k].m.at(i), m));
          }
      }
}

TEST("adamStep follows Adam, AdamW and AMSGrad") {
  const double lr = 0.1, beta1 = 0.9, beta2 = 0.99, eps = 1e-6, decay = 0.01, t = 3;
  for (int decoupled : {0, 1})
    for (int amsgrad : {0, 1}) {
      std::vector<Parameter> list = parameters(), before = list;
      auto out = views(list, {&Parameter::p, &Parameter::m, &Parameter::v});
      if (amsgrad != 0)
        for (const View& view : views(list, {&Parameter::most})) out.push_back(view);
      CHECK(run("adamStep", views(list, {&Parameter::g}), out,
                {lr, beta1, beta2, eps, decay, static_cast<double>(decoupled), t, static_cast<double>(amsgrad), 0}) ==
            Status::kOk);
      for (size_t k = 0; k < list.size(); ++k)
        for (int64_t i = 0; i < list[k].p.numel(); ++i) {
          const double p = before[k].p.at(i) * (decoupled != 0 ? 1 - lr * decay : 1);
          const double g = before[k].g.at(i) + (decoupled != 0 ? 0 : decay * p);
          const double m = beta1 * before[k].m.at(i) + (1 - beta1) * g,
                       v = beta2 * before[k].v.at(i) + (1 - beta2) * g * g;
          const double most = amsgrad != 0 ? std::max(v, before[k].most.at(i)) : v;
          const double root = std::sqrt(most / (1 - std::pow(beta2, t))) + eps;
          CHECK(near(list[k].p.at(i), p - lr / (1 - std::pow(beta1, t)) * m / root));
          CHECK(near(list[k].m.at(i), m) && near(list[k].v.at(i), v));
          if (amsgrad != 0) CHECK(near(list[k].most.at(i), most));
        }
    }
}

TEST("an optimizer refuses a gradient of another dtype than its parameter") {
  Tensor<float> g({2});
  Tensor<double> p({2});
  CHECK(run("sgdStep", {g.view()}, {p.view()}, {0.1, 0, 0, 0, 0, 0, 0}) == Status::kUnsupportedDType);
}

} // namespace cg::test
