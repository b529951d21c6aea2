// Records launches while they run: each as a step on numbered buffers, from which a plan (plan.h) is made.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/handles.h"
#include "device/device.h"
#include "kernels/cpu/chain.h"

namespace cg::graph {

enum class Origin {
  kArgument, // given anew to every run
  kCaptured, // there before the trace; runs use the same memory
  kMade,     // made during the trace: memory of the plan, or a result
};

// The memory of one storage.
struct Buffer {
  static constexpr Handle kNone = -1;
  Origin origin;
  size_t bytes;
  Handle keeper = kNone; // holds the storage as long as the trace, or for a captured one the plan, lives
  char* data;            // during the trace; offsets count from here
  const char* block;     // the start of the storage, during the trace
};

// A view as a step uses it: of a buffer, or of a number that the step brings along.
struct Operand {
  static constexpr int kNumber = -1;
  View view;
  int buffer = kNumber;
  int64_t offset = 0; // bytes from the buffer's data to the view's first element
  alignas(16) char number[16] = {};
};

enum class StepKind { kPointwise, kStructured, kCopy, kUpload, kChain, kReducedChain, kRows };

struct RowGroup;

struct Step {
  StepKind kind;
  Family family = Family::kUnary; // kPointwise
  int op = 0;                     // the row: of the family, or of structured.def (kStructured, kReducedChain)
  DType dtype = DType::kBool;     // kPointwise: of the computation
  double p[2] = {0, 0};
  std::vector<Operand> in, out;
  std::vector<double> attributes; // kStructured
  std::vector<char> bytes;        // kUpload
  cpu::Chain chain;               // kChain, kReducedChain
  int fed = 0; // kReducedChain: the value that is reduced, and its shape; the last outputs are the kernel's
  View fed_view;
  std::shared_ptr<const RowGroup> rows; // kRows
  // Attributes from `first` on that every run is given anew, and where in the list of all such numbers they start.
  struct Fresh { size_t first, from, count; };
  std::vector<Fresh> fresh;
};

// True when two storages have bytes in common: both lie in one JavaScript buffer.
inline bool overlap(const char* a, size_t a_bytes, const char* b, size_t b_bytes) {
  return a_bytes > 0 && b_bytes > 0 && a < b + b_bytes && b < a + a_bytes;
}

class Trace final : public Launcher {
public:
  // `arguments` are the tensors that every run brings; the launches go on to `target`.
  Trace(Handles& handles, Launcher& target, std::span<Tensor* const> arguments);
  ~Trace() override;
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  // A tensor with memory of its own was made.
  void made(const Tensor& tensor);
  // The next structured launch takes `count` attributes from `first` on anew in every run.
  void expect_fresh(size_t first, size_t count);
  // The trace cannot become a plan.
  void refuse(const char* why) {
    if (refusal_.empty()) refusal_ = why;
  }

  // Where a view of this run is; sees a storage for the first time as captured.
  Operand operand(const View& view);
  // What is launched from here on belongs to the second part: the backward pass of what was launched before.
  void split() { split_ = steps_.size(); }

  Status pointwise(const Pointwise& call, const View& out) override;
  Status structured(int kernel, const Call& call) override;
  Status copy(const View& dst, const View& src) override;
  Status upload(void* dst, const void* host, size_t bytes) override;
  Status download(void* host, const void* src, size_t bytes) override;
  Status synchronize(int32_t stream) override { return target_.synchronize(stream); }

  Handles& handles() const { return handles_; }
  const std::string& refusal() const { return refusal_; }
  const std::vector<Step>& steps() const { return steps_; }
  size_t split_at() const { return split_ < steps_.size() ? split_ : steps_.size(); }
  const std::vector<Buffer>& buffers() const { return buffers_; }
  const std::vector<View>& arguments() const { return arguments_; }
  size_t fresh_numbers() const { return fresh_numbers_; }

private:
  bool within_arguments(const View& view) const;
  int buffer_of(const void* data);
  int add(Origin origin, const Tensor& tensor, char* data);
  bool meets_another(const char* block, size_t bytes) const;
  Step& push(StepKind kind);

  Handles& handles_;
  Launcher& target_;
  std::vector<View> arguments_;
  std::vector<Buffer> buffers_;
  std::map<const char*, int> by_block_; // the start of a storage's block -> buffer
  std::vector<Step> steps_;
  size_t split_ = SIZE_MAX;
  std::vector<Step::Fresh> expected_;
  size_t fresh_numbers_ = 0;
  std::string refusal_;
};

} // namespace cg::graph
