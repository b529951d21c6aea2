// A test is a sentence and a body; CHECK reports what does not hold and goes on.
#pragma once
#include <cstdio>

namespace cg::test {

struct Case {
  const char* sentence;
  void (*body)();
  Case* next;

  Case(const char* text, void (*run)());
  static Case*& first();
};

// Counts one check; prints `expression` with its place when it does not hold.
void check(bool holds, const char* expression, const char* file, int line);

} // namespace cg::test

#define CG_JOIN(a, b) a##b
#define CG_NAME(a, b) CG_JOIN(a, b)
#define TEST(sentence)                                                                                                 \
  static void CG_NAME(test_body_, __LINE__)();                                                                         \
  static ::cg::test::Case CG_NAME(test_case_, __LINE__)(sentence, CG_NAME(test_body_, __LINE__));                      \
  static void CG_NAME(test_body_, __LINE__)()
#define CHECK(...) ::cg::test::check(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
