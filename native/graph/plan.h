// A trace made ready to run again in one call: dead steps gone, pointwise chains fused, memory laid out.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "graph/trace.h"

namespace cg::graph {

// What a run is given: a view of a buffer, laid out as here.
struct Argument {
  int buffer;
  View view;
};

class Plan {
public:
  // `results` are what every run makes anew. Buffers that are neither arguments nor captured are the plan's own.
  Plan(const Trace& trace, Launcher& target, std::vector<Step> steps, std::vector<Argument> arguments,
       std::vector<Operand> results);
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  size_t arguments() const { return arguments_.size(); }
  size_t results() const { return results_.size(); }
  // How many of the numbers that Trace::expect_fresh announced a run reads.
  size_t fresh_numbers() const { return fresh_numbers_; }

  // True when the arguments are laid out, and share memory, as the trace's did.
  bool fits(std::span<Tensor* const> arguments) const;
  // Arguments must fit. `made` receives a new tensor for each result; nothing when the status is not kOk.
  Status run(std::span<Tensor* const> arguments, std::span<const double> fresh, std::span<Tensor*> made);

  // What a run does, a line a launch, and how much memory it plans with.
  std::string text() const;

private:
  struct Launch {
    Step step;
    std::vector<View> in, out;
    std::vector<const View*> in_pointers;
  };
  // Where a view's first element is, once a run knows its buffers.
  struct Place {
    View* view;
    int buffer;
    int64_t offset;
  };
  static constexpr int64_t kNowhere = -1;

  void prepare(Step step);
  bool make_results(std::span<Tensor* const> arguments, std::span<Tensor*> made);
  Tensor* owner_of(int buffer, std::span<Tensor* const> arguments) const;
  int64_t bytes_of(int buffer) const { return static_cast<int64_t>(buffers_[static_cast<size_t>(buffer)].bytes); }
  Status launch(Launch& launch, std::span<const double> fresh);

  Handles& handles_;
  Launcher& target_;
  std::vector<Buffer> buffers_;
  std::vector<Argument> arguments_;
  std::vector<Operand> results_;
  std::vector<std::unique_ptr<Launch>> launches_; // their views stay where they are
  std::vector<Place> places_;
  std::vector<int> written_;     // arguments and captured buffers that a run changes
  std::vector<int64_t> planned_; // a buffer's place in the arena, or kNowhere
  size_t arena_bytes_ = 0;
  size_t fresh_numbers_ = 0;
  std::vector<char*> base_; // of each buffer, in this run
};

} // namespace cg::graph
