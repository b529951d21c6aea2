// Runs every test whose sentence contains the argument (all without one): native_tests [words].
#include "check.h"

#include <cstring>

namespace cg::test {
namespace {

int checks = 0, failures = 0;

} // namespace

Case*& Case::first() {
  static Case* list = nullptr;
  return list;
}

Case::Case(const char* text, void (*run)()) : sentence(text), body(run), next(first()) { first() = this; }

void check(bool holds, const char* expression, const char* file, int line) {
  ++checks;
  if (holds) return;
  constexpr int kMostReported = 50;
  if (++failures <= kMostReported) std::printf("%s:%d: does not hold: %s\n", file, line, expression);
}

} // namespace cg::test

int main(int count, char** arguments) {
  using namespace cg::test;
  int tests = 0, failed = 0;
  for (const Case* test = Case::first(); test != nullptr; test = test->next) {
    if (count > 1 && std::strstr(test->sentence, arguments[1]) == nullptr) continue;
    const int before = failures;
    test->body();
    ++tests;
    if (failures == before) continue;
    ++failed;
    std::printf("FAILED %s\n", test->sentence);
  }
  std::printf("%d checks\n%d passed, %d failed\n", checks, tests - failed, failed);
  return failed != 0 || tests == 0 ? 1 : 0;
}
