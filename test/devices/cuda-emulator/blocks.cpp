// Runs a kernel on the processor.
#include "blocks.h"

#include <csetjmp>
#include <csignal>
#include <memory>
#include <vector>

#include <sys/mman.h>
#include <ucontext.h>

namespace emulator {
namespace {

constexpr size_t kStack = 128 << 10;

enum class State { kReady, kAtBarrier, kOver };

// A thread of a block. The first entry makes a stack; from then on jumps, which cost no system call, go to and fro.
struct Fiber {
  ucontext_t start;
  jmp_buf here;
  void* stack = nullptr;
  bool entered = false;
  State state = State::kReady;
};

const Kernel* kernel;
void** arguments;
std::vector<std::unique_ptr<Fiber>> fibers;
Fiber* current;
jmp_buf scheduler;
sigjmp_buf fault;
bool inside = false;
struct sigaction earlier;

void to_scheduler(State state) {
  current->state = state;
  if (_setjmp(current->here) == 0) _longjmp(scheduler, 1);
}

void barrier() { to_scheduler(State::kAtBarrier); }

void body() {
  for (;;) {
    kernel->run(arguments);
    to_scheduler(State::kOver);
  }
}

void resume(Fiber& fiber) {
  current = &fiber;
  if (_setjmp(scheduler) != 0) return;
  if (fiber.entered) _longjmp(fiber.here, 1);
  fiber.entered = true;
  if (fiber.stack == nullptr)
    fiber.stack = mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  getcontext(&fiber.start);
  fiber.start.uc_stack.ss_sp = fiber.stack;
  fiber.start.uc_stack.ss_size = kStack;
  makecontext(&fiber.start, body, 0);
  setcontext(&fiber.start);
}

void on_fault(int signal, siginfo_t* info, void* context) {
  if (inside) siglongjmp(fault, 1);
  if ((earlier.sa_flags & SA_SIGINFO) != 0) return earlier.sa_sigaction(signal, info, context);
  if (earlier.sa_handler != SIG_DFL && earlier.sa_handler != SIG_IGN) return earlier.sa_handler(signal);
  std::signal(signal, SIG_DFL); // it happens again, and ends the process
}

void watch_faults() {
  static const bool once = [] {
    struct sigaction action{};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    return sigaction(SIGSEGV, &action, &earlier) == 0;
  }();
  static_cast<void>(once);
}

// All threads that reach a barrier wait there for the others; a thread that ended before is missed.
Outcome run_block(uint32_t threads, uint64_t& seed) {
  for (uint32_t t = 0; t < threads; ++t) fibers[t]->state = State::kReady;
  for (;;) {
    seed = seed * 6364136223846793005 + 1442695040888963407;
    const auto first = static_cast<uint32_t>(seed >> 33) % threads;
    const bool backwards = (seed >> 32 & 1) != 0;
    uint32_t waiting = 0, over = 0;
    for (uint32_t i = 0; i < threads; ++i) {
      const uint32_t t = (first + (backwards ? threads - i : i)) % threads;
      kernel->machine->thread = {t, 0, 0};
      resume(*fibers[t]);
      (fibers[t]->state == State::kOver ? over : waiting) += 1;
    }
    if (over == threads) return Outcome::kDone;
    if (over != 0) {
      for (auto& fiber : fibers) fiber->entered = false; // those that wait start anew
      return Outcome::kBarrierMissed;
    }
  }
}

} // namespace

Outcome run_blocks(const Kernel& what, void** parameters, const uint32_t grid[3], const uint32_t block[3],
                   uint64_t seed) {
  watch_faults();
  kernel = &what;
  arguments = parameters;
  what.machine->barrier = barrier;
  const uint32_t threads = block[0];
  while (what.barriers && fibers.size() < threads) fibers.push_back(std::make_unique<Fiber>());
  volatile Outcome outcome = Outcome::kDone; // it outlives the jump
  inside = true;
  if (sigsetjmp(fault, 1) != 0) {
    for (auto& fiber : fibers) fiber->entered = false;
    outcome = Outcome::kIllegalAddress;
  } else {
    uint64_t order = seed;
    for (uint32_t x = 0; x < grid[0] && outcome == Outcome::kDone; ++x) {
      what.machine->block = {x, 0, 0};
      if (what.barriers) {
        outcome = run_block(threads, order);
        continue;
      }
      for (uint32_t t = 0; t < threads; ++t) {
        what.machine->thread = {t, 0, 0};
        what.run(parameters);
      }
    }
  }
  inside = false;
  return outcome;
}

} // namespace emulator
