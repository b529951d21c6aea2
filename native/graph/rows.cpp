// Finds steps that share rows, and runs them tile by tile.
#include "graph/rows.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "core/parallel.h"
#include "core/shape.h"
#include "graph/passes.h"
#include "kernels/devices.h"

namespace cg::graph {
namespace {

constexpr int64_t kTileBytes = 256 << 10; // of all operands of a tile: half of a small L2 cache
constexpr int64_t kWidestRow = 64 << 10;  // bytes of one operand's row
constexpr size_t kMostMembers = 32;

// Kernels that compute each row from that row alone, and how a step of one says what its rows are.
struct RowKernel {
  std::string_view name;
  enum { kMask, kDim, kFeatures, kMatrix } rows_by;
  size_t sliced; // inputs that have rows; later ones are used whole
};
constexpr RowKernel kRowKernels[] = {
    {"sum", RowKernel::kMask, 1},
    {"prod", RowKernel::kMask, 1},
    {"mean", RowKernel::kMask, 1},
    {"amax", RowKernel::kMask, 1},
    {"amin", RowKernel::kMask, 1},
    {"any", RowKernel::kMask, 1},
    {"all", RowKernel::kMask, 1},
    {"countNonzero", RowKernel::kMask, 1},
    {"logsumexp", RowKernel::kMask, 1},
    {"varMean", RowKernel::kMask, 1},
    {"vectorNorm", RowKernel::kMask, 1},
    {"argmax", RowKernel::kDim, 1},
    {"argmin", RowKernel::kDim, 1},
    {"maxDim", RowKernel::kDim, 1},
    {"minDim", RowKernel::kDim, 1},
    {"softmax", RowKernel::kDim, 1},
    {"logSoftmax", RowKernel::kDim, 1},
    {"softmaxBackward", RowKernel::kDim, 2},
    {"logSoftmaxBackward", RowKernel::kDim, 2},
    {"layerNorm", RowKernel::kFeatures, 1},
    {"nllLoss", RowKernel::kMatrix, 2},
    {"crossEntropy", RowKernel::kMatrix, 2},
    {"crossEntropyBackward", RowKernel::kMatrix, 3},
};

const RowKernel* row_kernel(const Step& step) {
  if (step.kind != StepKind::kStructured || !step.fresh.empty()) return nullptr;
  const std::string_view name = structured_names()[static_cast<size_t>(step.op)];
  const auto* found = std::ranges::find(kRowKernels, name, &RowKernel::name);
  return found == std::end(kRowKernels) ? nullptr : found;
}

// How many rows a step of a row kernel has; 0: it does not go along the last dims, or reads them with gaps.
int64_t rows_of(const RowKernel& kernel, const Step& step) {
  const View& x = step.in[0].view;
  if (x.numel == 0) return 0;
  const auto first = static_cast<int64_t>(step.attributes.empty() ? 0 : step.attributes[0]);
  int64_t length = 1;
  switch (kernel.rows_by) {
  case RowKernel::kMask: {
    int d = x.rank - 1;
    for (; d >= 0 && (first >> d & 1) != 0; --d) {
      if (x.sizes[d] != 1 && x.strides[d] != length) return 0;
      length *= x.sizes[d];
    }
    if ((first & ((int64_t{1} << (d + 1)) - 1)) != 0) return 0;
    break;
  }
  case RowKernel::kDim:
    if (x.rank < 2 || first != x.rank - 1 || x.strides[first] != 1) return 0;
    length = x.sizes[first];
    break;
  case RowKernel::kFeatures: length = first; break;
  case RowKernel::kMatrix: length = x.numel / x.sizes[0]; return x.sizes[0];
  }
  return length < 2 || x.numel == length ? 0 : x.numel / length;
}

// `view` as [rows, ...]; false when no stride walks the rows.
bool by_rows(const View& view, int64_t rows, View& result) {
  int joined = 0;
  int64_t count = 1, size = 1, stride = 0;
  while (joined < view.rank && count < rows) count *= view.sizes[joined++];
  bool walks = count == rows;
  for (int d = joined - 1; walks && d >= 0; --d) {
    if (view.sizes[d] == 1) continue;
    walks = size == 1 || view.strides[d] == stride * size;
    if (size == 1) stride = view.strides[d];
    size *= view.sizes[d];
  }
  if (!walks) {
    const int64_t sizes[] = {rows, view.numel / rows};
    return view.numel % rows == 0 && reshape(view, sizes, result);
  }
  result = view;
  result.rank = 1 + view.rank - joined;
  result.sizes[0] = rows;
  result.strides[0] = stride;
  std::copy(view.sizes + joined, view.sizes + view.rank, result.sizes + 1);
  std::copy(view.strides + joined, view.strides + view.rank, result.strides + 1);
  return true;
}

// The member that a step is in a group of `rows`.
std::optional<Member> member_of(const Step& step, int64_t rows) {
  Member member{step, {}, {}};
  int64_t own = rows;
  size_t sliced = step.in.size();
  const RowKernel* kernel = row_kernel(step);
  if (kernel != nullptr) {
    own = rows_of(*kernel, step);
    sliced = kernel->sliced;
  } else if (step.kind != StepKind::kChain && step.kind != StepKind::kPointwise && step.kind != StepKind::kCopy) {
    return std::nullopt;
  }
  if (own < rows || own % rows != 0) return std::nullopt;
  const auto slice = [&](const Operand& operand, const View* shape, bool whole, std::vector<Sliced>& into) {
    Sliced& part = into.emplace_back();
    part.operand = operand;
    if (operand.buffer == Operand::kNumber || whole) return operand.view.numel > 0;
    if (shape != nullptr && operand.view.numel == 1) return true;
    View& view = part.operand.view;
    if (!by_rows(shape == nullptr ? operand.view : expand(operand.view, *shape), own, view)) return false;
    part.per_row = own / rows;
    return true;
  };
  const bool broadcasts = kernel == nullptr;
  for (size_t k = 0; k < step.in.size(); ++k) {
    const View* shape = broadcasts && step.kind != StepKind::kChain ? &step.out[0].view : nullptr;
    const bool whole = k >= sliced || (broadcasts && step.in[k].view.numel == 1);
    if (!slice(step.in[k], shape, whole, member.in)) return std::nullopt;
  }
  for (const Operand& out : step.out)
    if (!slice(out, nullptr, false, member.out) || member.out.back().per_row == 0) return std::nullopt;
  if (kernel == nullptr) return member;
  const int rank = member.in[0].operand.view.rank;
  if (kernel->rows_by == RowKernel::kMask) member.step.attributes[0] = static_cast<double>((1 << rank) - 2);
  if (kernel->rows_by == RowKernel::kDim) member.step.attributes[0] = rank - 1;
  return member;
}

// Which bytes of a buffer belong to a row: [base + row * bytes, base + (row + 1) * bytes).
struct RowBytes {
  int64_t base, bytes;
  bool operator==(const RowBytes&) const = default;
};

// Nothing where an operand's rows are not apart.
std::optional<RowBytes> bytes_of(const Sliced& part) {
  const View& view = part.operand.view;
  if (part.per_row == 0) return std::nullopt;
  const auto size = static_cast<int64_t>(element_size(view.dtype));
  const int64_t bytes = view.strides[0] * part.per_row * size;
  int64_t last = (part.per_row - 1) * view.strides[0];
  for (int d = 1; d < view.rank; ++d) last += (view.sizes[d] - 1) * view.strides[d];
  if (bytes <= 0) return std::nullopt;
  const int64_t in_row = part.operand.offset % bytes;
  if (in_row + (last + 1) * size > bytes) return std::nullopt;
  return RowBytes{part.operand.offset - in_row, bytes};
}

struct Use {
  int buffer;
  std::optional<RowBytes> rows;
  bool writes;
};

void add_uses(const Member& member, std::vector<Use>& uses) {
  for (const Sliced& part : member.in)
    if (part.operand.buffer != Operand::kNumber) uses.push_back({part.operand.buffer, bytes_of(part), false});
  for (const Sliced& part : member.out) uses.push_back({part.operand.buffer, bytes_of(part), true});
}

// What is written is written and read in rows, the same for all: then rows can run one after another.
bool independent_rows(const std::vector<Use>& uses) {
  for (const Use& write : uses) {
    if (!write.writes) continue;
    if (!write.rows || write.rows->bytes > kWidestRow) return false;
    for (const Use& use : uses)
      if (use.buffer == write.buffer && use.rows != write.rows) return false;
  }
  return true;
}

bool touches(const Member& member, const std::vector<Use>& uses) {
  std::vector<Use> own;
  add_uses(member, own);
  return std::ranges::any_of(own, [&](const Use& mine) {
    return std::ranges::any_of(uses, [&](const Use& use) {
      return use.buffer == mine.buffer && (use.rows.has_value() || mine.rows.has_value());
    });
  });
}

class Gathering {
public:
  explicit Gathering(int64_t rows) : rows_(rows) {}

  enum class End { kFront, kBack };
  bool take(const Step& step, End end) {
    if (members_.size() == kMostMembers) return false;
    std::optional<Member> member = member_of(step, rows_);
    if (!member || (!members_.empty() && !touches(*member, uses_))) return false;
    std::vector<Use> uses = uses_;
    add_uses(*member, uses);
    if (!independent_rows(uses)) return false;
    uses_ = std::move(uses);
    members_.insert(end == End::kFront ? members_.begin() : members_.end(), std::move(*member));
    return true;
  }

  // The members as one step; `elsewhere` tells which buffers other steps use.
  template <class Elsewhere> Step close(const std::vector<Buffer>& buffers, const Elsewhere& elsewhere) {
    std::map<int, int64_t> row_bytes;
    for (const Use& use : uses_)
      if (use.rows) row_bytes[use.buffer] = std::max(row_bytes[use.buffer], use.rows->bytes);
    int64_t bytes = 1;
    for (const auto& [buffer, width] : row_bytes) bytes += width;
    auto group = std::make_shared<RowGroup>();
    group->rows = rows_;
    group->tile_rows = std::clamp<int64_t>(kTileBytes / bytes, 1, rows_);

    std::vector<bool> kept(buffers.size(), true);
    std::vector<Buffer> tiles = buffers;
    for (const Use& use : uses_) {
      const auto b = static_cast<size_t>(use.buffer);
      if (!use.writes || elsewhere(use.buffer)) continue;
      kept[b] = false;
      tiles[b].bytes = static_cast<size_t>(row_bytes[use.buffer] * group->tile_rows);
    }
    std::vector<Step> steps;
    for (const Member& member : members_) steps.push_back(member.step);
    const Layout layout = lay_out(steps, tiles, kept);
    group->scratch_bytes = layout.bytes;

    Step step;
    step.kind = StepKind::kRows;
    for (Member& member : members_) place(member.in, member.step.in, layout, step.in, 0);
    for (Member& member : members_) place(member.out, member.step.out, layout, step.out, step.in.size());
    group->members = std::move(members_);
    step.rows = std::move(group);
    return step;
  }

  size_t size() const { return members_.size(); }

private:
  // Gives each part its place: among the operands outside, which keep the shapes of `given`, or in the scratch.
  static void place(std::vector<Sliced>& parts, const std::vector<Operand>& given, const Layout& layout,
                    std::vector<Operand>& outer, size_t before) {
    for (size_t k = 0; k < parts.size(); ++k) {
      Sliced& part = parts[k];
      if (part.operand.buffer == Operand::kNumber) continue;
      const int64_t at = layout.offsets[static_cast<size_t>(part.operand.buffer)];
      if (at >= 0) {
        part.scratch_at = at + part.operand.offset - bytes_of(part)->base;
        continue;
      }
      part.outer = static_cast<int>(before + outer.size());
      outer.push_back(given[k]);
    }
  }

  int64_t rows_;
  std::vector<Member> members_;
  std::vector<Use> uses_;
};

// The operand as it is for `rows` rows from `first` on.
View tile_of(const Sliced& part, int64_t all_rows, int64_t first, int64_t rows, std::span<const View> in,
             std::span<const View> out, char* scratch) {
  View view = part.operand.view;
  if (part.operand.buffer == Operand::kNumber) {
    view.data = const_cast<char*>(part.operand.number);
    return view;
  }
  char* base = nullptr;
  if (part.outer != Sliced::kScratch) {
    const auto outer = static_cast<size_t>(part.outer);
    base = (outer < in.size() ? in[outer] : out[outer - in.size()]).as<char>();
    base += first * part.per_row * view.strides[0] * static_cast<int64_t>(element_size(view.dtype));
  } else {
    base = scratch + part.scratch_at;
  }
  view.data = base;
  if (part.per_row == 0) return view;
  view.numel = view.numel / all_rows * rows;
  view.sizes[0] = rows * part.per_row;
  return view;
}

Status run_member(const Member& member, Launcher& target, std::span<const View> in, std::span<const View> out) {
  const Step& step = member.step;
  if (step.kind == StepKind::kChain) return cpu::chain(step.chain, in, out);
  if (step.kind == StepKind::kCopy) return target.copy(out[0], in[0]);
  if (step.kind == StepKind::kStructured) return target.structured(step.op, {in, out, step.attributes});
  const View* operands[kMostInputs];
  for (size_t k = 0; k < in.size(); ++k) operands[k] = &in[k];
  return target.pointwise({.family = step.family,
                           .op = step.op,
                           .dtype = step.dtype,
                           .p = {step.p[0], step.p[1]},
                           .in = {operands, in.size()}},
                          out[0]);
}

} // namespace

std::vector<Step> gather_rows(std::vector<Step> steps, const std::vector<Buffer>& buffers,
                              const std::vector<bool>& kept) {
  struct Span { size_t first, last; };
  std::vector<Span> uses(buffers.size(), {SIZE_MAX, 0});
  for (size_t i = 0; i < steps.size(); ++i)
    for (const auto* operands : {&steps[i].in, &steps[i].out})
      for (const Operand& operand : *operands)
        if (operand.buffer != Operand::kNumber) {
          Span& use = uses[static_cast<size_t>(operand.buffer)];
          use = {std::min(use.first, i), i};
        }

  std::vector<Step> gathered;
  size_t done = 0; // steps before it are in `gathered`
  const auto keep_until = [&](size_t end) {
    for (; done < end; ++done) gathered.push_back(std::move(steps[done]));
  };
  for (size_t i = 0; i < steps.size(); ++i) {
    const RowKernel* kernel = row_kernel(steps[i]);
    const int64_t rows = kernel == nullptr ? 0 : rows_of(*kernel, steps[i]);
    if (rows < 2 || i < done) continue;
    Gathering group(rows);
    if (!group.take(steps[i], Gathering::End::kBack)) continue;
    size_t begin = i, end = i + 1;
    while (begin > done && group.take(steps[begin - 1], Gathering::End::kFront)) --begin;
    while (end < steps.size() && group.take(steps[end], Gathering::End::kBack)) ++end;
    if (group.size() < 2) continue;
    keep_until(begin);
    gathered.push_back(group.close(buffers, [&](int buffer) {
      const auto b = static_cast<size_t>(buffer);
      return kept[b] || uses[b].first < begin || uses[b].last >= end;
    }));
    done = end;
    i = end - 1;
  }
  keep_until(steps.size());
  return gathered;
}

Status run_rows(const RowGroup& group, Launcher& target, std::span<const View> in, std::span<const View> out) {
  // The failure of the first tile that fails is the caller's: threads have failures of their own.
  std::mutex failing;
  int64_t failed_at = group.rows;
  Status failed = Status::kOk;
  Failure failure;
  const Status status = parallel_for(0, group.rows, group.tile_rows, [&](int64_t begin, int64_t end) {
    const Scratch scratch(std::max<size_t>(group.scratch_bytes, 1));
    std::vector<View> tile_in, tile_out;
    Status done = scratch.ok() ? Status::kOk : Status::kOutOfMemory;
    for (size_t m = 0; done == Status::kOk && m < group.members.size(); ++m) {
      const Member& member = group.members[m];
      tile_in.clear();
      tile_out.clear();
      const auto tile = [&](const Sliced& part) {
        return tile_of(part, group.rows, begin, end - begin, in, out, scratch.as<char>());
      };
      for (const Sliced& part : member.in) tile_in.push_back(tile(part));
      for (const Sliced& part : member.out) tile_out.push_back(tile(part));
      done = run_member(member, target, tile_in, tile_out);
    }
    const std::lock_guard guard(failing);
    if (done == Status::kOk || begin >= failed_at) return;
    failed_at = begin;
    failed = done;
    failure = last_failure();
  });
  if (failed == Status::kOk) return status;
  last_failure() = failure;
  return failed;
}

} // namespace cg::graph
