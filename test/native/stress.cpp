// What the threads of a process share, used by several at once: the pool with
// its cancel words, the host's memory, a device's, its programs. Built with
// ThreadSanitizer (thread_tests) it shows races; with the others, what races
// would break.
#include "check.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/cancel.h"
#include "core/handles.h"
#include "core/parallel.h"
#include "core/shape.h"
#include "device/memory.h"
#include "kernels/programs/program_cache.h"

namespace cg::test {
namespace {

constexpr int kThreads = 4;

// Numbers that look random, the same in every run.
struct Dice {
  uint32_t state;
  uint32_t operator()(uint32_t below) { return (state = state * 1664525u + 1013904223u) / 65536u % below; }
};

// body(thread) on several threads at once, while `beside` runs again and again
// on this one.
template <class Body, class Beside> void together(const Body& body, const Beside& beside) {
  std::atomic<int> left{kThreads};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] {
      body(thread);
      --left;
    });
  while (left > 0) {
    beside();
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
}

View vector_of(int64_t size) {
  View shape;
  shape.rank = 1;
  shape.sizes[0] = size;
  make_contiguous(shape);
  return shape;
}

// A device whose memory is the host's and whose programs are their texts.
cg_driver driver_of_texts() {
  cg_driver driver{};
  driver.version = CG_DRIVER_VERSION;
  driver.bytes = sizeof driver;
  driver.capabilities = {"texts:0", "texts", "opencl", 1 << 28, 1 << 26, 64, 1};
  driver.allocate = [](void*, uint64_t bytes, cg_address* address) {
    *address = reinterpret_cast<cg_address>(std::malloc(bytes));
    return *address == 0 ? -1 : 0;
  };
  driver.release = [](void*, cg_address address) {
    std::free(reinterpret_cast<void*>(address));
    return 0;
  };
  driver.compile = [](void* self, const char* text, const char*, cg_program** program, char* log, uint64_t bytes) {
    if (std::string_view(text).ends_with("bad")) {
      std::snprintf(log, bytes, "a bad text");
      return -5;
    }
    auto& texts = *static_cast<std::vector<std::unique_ptr<std::string>>*>(self);
    texts.push_back(std::make_unique<std::string>(text));
    *program = reinterpret_cast<cg_program*>(texts.back().get());
    return 0;
  };
  return driver;
}

} // namespace

TEST("tensors of several threads keep what was written to them, while the "
     "memory that they share is measured and given back") {
  const uint64_t live = host_allocator().figures().live;
  std::atomic<int> wrong{0};
  const auto body = [&](int thread) {
    Collector collector;
    Handles handles(collector);
    Dice dice{static_cast<uint32_t>(thread) + 1};
    struct Kept {
      Handle handle;
      int32_t value;
    };
    std::vector<Kept> kept;
    for (int round = 0; round < 3000; ++round) {
      const int64_t size = round % 50 == 0 ? 40000 : dice(900) + 1; // large blocks are mappings,
                                                                    // small ones are cut from slabs
      cg::Tensor* tensor = handles.make(vector_of(size), DType::kInt32, 0, host_allocator());
      kept.push_back({tensor->handle, static_cast<int32_t>(dice(1 << 16))});
      tensor->view.as<int32_t>()[0] = tensor->view.as<int32_t>()[size - 1] = kept.back().value;
      if (dice(4) == 0) kept.push_back({handles.share(*tensor, tensor->view)->handle, kept.back().value});
      while (kept.size() > 40) {
        const size_t i = dice(40);
        const cg::Tensor* old = handles.find(kept[i].handle);
        const auto* data = old->view.as<int32_t>();
        wrong += data[0] != kept[i].value || data[old->view.numel - 1] != kept[i].value;
        handles.release(kept[i].handle);
        kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
  };
  together(body, [] {
    host_allocator().reset_peak();
    host_allocator().empty_cache();
  });
  CHECK(wrong == 0 && host_allocator().figures().live == live);
}

TEST("regions of several threads stop by their own cancel words, while the "
     "pool changes its size") {
  const int before = thread_count();
  std::atomic<int32_t> words[kThreads]{};
  std::atomic<int> wrong{0}, stopped{0};
  const auto body = [&](int thread) {
    set_cancel_word(&words[thread]);
    std::vector<int64_t> squares(2000); // plain memory: chunks of one region may not overlap, and the
                                        // caller sees them all
    for (int round = 0; round < 300; ++round) {
      words[thread] = 0;
      std::fill(squares.begin(), squares.end(), -1);
      const Status status = parallel_for(0, 2000, 16, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) squares[static_cast<size_t>(i)] = i * i;
        if (round % 3 == 0 && begin == 160) words[thread] = 1;
      });
      if (status == Status::kCancelled) ++stopped;
      if (round % 3 != 0)
        for (int64_t i = 0; i < 2000; ++i) wrong += squares[static_cast<size_t>(i)] != i * i;
    }
    set_cancel_word(nullptr);
  };
  int size = 1;
  together(body, [&] { set_thread_count(size++ % 4 + 1); });
  set_thread_count(before);
  CHECK(wrong == 0 && stopped > 0);
}

TEST("the memory of a device serves several threads, and no stretch is given "
     "out twice") {
  const cg_driver driver = driver_of_texts();
  std::atomic<int> wrong{0};
  {
    Streams streams(driver);
    DeviceMemory memory(driver, streams);
    const auto body = [&](int thread) {
      Dice dice{static_cast<uint32_t>(thread) + 17};
      std::vector<Block> kept;
      for (int round = 0; round < 2000; ++round) {
        const Block block = memory.allocate(dice(1 << 16) + 1);
        if (block.data == nullptr) continue;
        *static_cast<int*>(block.data) = thread;
        kept.push_back(block);
        wrong += !memory.owns(block.data);
        if (kept.size() < 20) continue;
        const size_t i = dice(20);
        wrong += *static_cast<int*>(kept[i].data) != thread;
        memory.deallocate(kept[i]);
        kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(i));
      }
      for (const Block& block : kept) memory.deallocate(block);
    };
    together(body, [&] {
      memory.figures();
      memory.stretches();
      memory.empty_cache();
    });
    CHECK(memory.figures().live == 0);
    memory.empty_cache();
  }
  CHECK(wrong == 0);
}

TEST("a program is compiled once, whoever asks for it first, and a failure "
     "says why") {
  std::vector<std::unique_ptr<std::string>> texts;
  cg_driver driver = driver_of_texts();
  driver.self = &texts;
  programs::ProgramCache cache(driver);
  std::atomic<int> wrong{0};
  const auto body = [&](int thread) {
    Dice dice{static_cast<uint32_t>(thread) + 5};
    for (int round = 0; round < 2000; ++round) {
      const std::string text = "kernel " + std::to_string(dice(50));
      const auto* program = reinterpret_cast<const std::string*>(cache.find(text));
      wrong += program == nullptr || !program->ends_with(text);
      if (round % 100 == 0) wrong += cache.find("bad") != nullptr || programs::compile_log() != "a bad text";
    }
  };
  together(body, [] { programs::compile_log(); });
  CHECK(wrong == 0 && texts.size() == 50 && cache.compiled() == 50);
}

} // namespace cg::test
