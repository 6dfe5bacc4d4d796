// Conflicts between tasks that no ordering path covers (design.md §2). WAR is the classic one: the
// runtime does not track it (runtime.md §1.5).
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <vector>

#include "lower/deps.h"
#include "lower/deps_args.h"
#include "lower/deps_reach.h"

namespace lower {
namespace {

using isa::BufferId;
using isa::TaskId;

enum class Access : uint8_t { Read, Write, Atomic };

struct Range {
  int64_t begin = 0, end = 0;
};

/// What one task does to one buffer, exactly: sorted, disjoint element ranges per kind of access.
struct Footprint {
  TaskId task;
  std::vector<Range> ranges[3];  ///< by Access
};

/// Order between ranks comes from their flags, which task dependencies cannot show.
bool meets_peers(const pl::Op& op) {
  return op.gm.remote() || op.opcode == isa::Opcode::TNOTIFY || op.opcode == isa::Opcode::TWAIT;
}

void append_ranges(const ElementWindow& w, std::vector<Range>& out) {
  for (int64_t r = 0; r < w.rows; ++r) {
    const int64_t begin = w.offset + r * w.row_stride;
    if (!out.empty() && out.back().end == begin)
      out.back().end = begin + w.cols;
    else
      out.push_back({begin, begin + w.cols});
  }
}

void normalise(std::vector<Range>& ranges) {
  const auto less = [](const Range& a, const Range& b) { return a.begin < b.begin; };
  if (!std::is_sorted(ranges.begin(), ranges.end(), less))
    std::sort(ranges.begin(), ranges.end(), less);
  size_t n = 0;
  for (const Range& r : ranges) {
    if (n > 0 && r.begin <= ranges[n - 1].end)
      ranges[n - 1].end = std::max(ranges[n - 1].end, r.end);
    else
      ranges[n++] = r;
  }
  ranges.resize(n);
}

/// Footprints by buffer, tasks in submission order; only buffers that some task writes and that
/// more than one task touches.
std::vector<std::vector<Footprint>> footprints(const pl::RecordedProgram& program) {
  struct Use {
    bool written = false;
    int64_t tasks = 0;
    TaskId last;
  };
  std::vector<Use> uses(program.buffers.size());
  const auto for_each_access = [&](auto&& f) {
    for (uint32_t t = 0; t < program.scopes.size(); ++t)
      for (const pl::BlockRecord& block : program.scopes[t].blocks)
        for (const pl::Op& op : block.ops)
          if (op.kind == pl::Op::Kind::Instr && (gm_reads(op) || gm_writes(op)) && !meets_peers(op))
            f(TaskId(t), op);
  };
  for_each_access([&](TaskId t, const pl::Op& op) {
    Use& u = uses[op.gm.buffer.value];
    u.written = u.written || gm_writes(op);
    if (u.last != t) ++u.tasks;
    u.last = t;
  });
  std::vector<std::vector<Footprint>> result(program.buffers.size());
  for_each_access([&](TaskId t, const pl::Op& op) {
    const uint32_t b = op.gm.buffer.value;
    if (!uses[b].written || uses[b].tasks < 2) return;
    if (result[b].empty() || result[b].back().task != t) result[b].push_back({t, {}});
    const Access kind =
        gm_reads(op) ? (gm_writes(op) ? Access::Atomic : Access::Read) : Access::Write;
    append_ranges(element_window(op.gm, program.buffers[b]),
                  result[b].back().ranges[static_cast<size_t>(kind)]);
  });
  for (auto& buffer : result)
    for (Footprint& f : buffer)
      for (auto& ranges : f.ranges) normalise(ranges);
  return result;
}

/// Sweeps the accesses of one buffer in submission order over a map of element ranges.
class BufferSweep {
 public:
  BufferSweep(BufferId buffer, Reachability& reach, std::vector<Hazard>& out)
      : buffer_(buffer), reach_(reach), out_(out) {}

  void add(const Footprint& f) {
    for (const Range& r : f.ranges[0]) visit(r, f.task, Access::Read);
    for (const Range& r : f.ranges[2]) visit(r, f.task, Access::Atomic);
    for (const Range& r : f.ranges[1]) visit(r, f.task, Access::Write);
  }

 private:
  struct Accessor {
    TaskId task;
    bool atomic = false;
  };
  struct Segment {
    int64_t end = 0;
    std::vector<Accessor> writers;  ///< that no later ordered writer has superseded
    std::vector<TaskId> readers;    ///< since those writers
  };
  using Segments = std::map<int64_t, Segment>;

  void split_at(int64_t at) {
    auto it = segments_.upper_bound(at);
    if (it == segments_.begin()) return;
    --it;
    if (it->first == at || it->second.end <= at) return;
    Segment upper = it->second;
    it->second.end = at;
    segments_.emplace_hint(std::next(it), at, std::move(upper));
  }

  void visit(Range range, TaskId task, Access access) {
    split_at(range.begin);
    split_at(range.end);
    int64_t at = range.begin;
    for (auto it = segments_.lower_bound(at); at < range.end; at = it->second.end, ++it) {
      if (it == segments_.end() || it->first > at) {
        const int64_t end = it == segments_.end() ? range.end : std::min(range.end, it->first);
        it = segments_.emplace_hint(it, at, Segment{end, {}, {}});
      }
      if (access == Access::Read)
        read(at, it->second, task);
      else
        write(at, it->second, task, access == Access::Atomic);
    }
  }

  void read(int64_t at, Segment& s, TaskId task) {
    for (const Accessor& w : s.writers) ordered(w.task, task, HazardKind::ReadAfterWrite, at);
    if (s.readers.empty() || s.readers.back() != task) s.readers.push_back(task);
  }

  void write(int64_t at, Segment& s, TaskId task, bool atomic) {
    // What is ordered before this write need not be remembered: who is ordered behind the write is
    // behind that too, and who is not is reported against the write. An atomic add takes over only
    // from atomic adds, because a later add that commutes with it would not be reported.
    const auto superseded = [&](const Accessor& w) {
      if (w.atomic && atomic) return reach_before(w.task, task);
      return ordered(w.task, task, HazardKind::WriteAfterWrite, at) && !atomic;
    };
    const auto consumed = [&](TaskId r) {
      return ordered(r, task, HazardKind::WriteAfterRead, at) && !atomic;
    };
    s.writers.erase(std::remove_if(s.writers.begin(), s.writers.end(), superseded),
                    s.writers.end());
    s.readers.erase(std::remove_if(s.readers.begin(), s.readers.end(), consumed), s.readers.end());
    s.writers.push_back({task, atomic});
  }

  bool reach_before(TaskId a, TaskId b) { return a == b || reach_.before(a, b); }

  bool ordered(TaskId a, TaskId b, HazardKind kind, int64_t element) {
    if (reach_before(a, b)) return true;
    out_.push_back({a, b, buffer_, kind, element});
    return false;
  }

  BufferId buffer_;
  Reachability& reach_;
  std::vector<Hazard>& out_;
  Segments segments_;
};

/// "name[3, 0]" of an element.
std::string element_name(const isa::GmBuffer& buffer, int64_t element) {
  std::string index;
  for (size_t d = buffer.shape.size(); d-- > 0;) {
    const int64_t extent = buffer.shape[d];
    const int64_t i = d == 0 || extent == 0 ? element : element % extent;
    if (extent != 0) element /= extent;
    index = std::to_string(i) + (index.empty() ? "" : ", " + index);
  }
  return buffer.name + "[" + index + "]";
}

}  // namespace

std::vector<Hazard> find_hazards(const pl::RecordedProgram& program, const isa::TaskGraph& graph) {
  Reachability reach(graph);
  std::vector<Hazard> found;
  const auto by_buffer = footprints(program);
  for (uint32_t b = 0; b < by_buffer.size(); ++b) {
    if (by_buffer[b].empty()) continue;
    BufferSweep sweep(BufferId(b), reach, found);
    for (const Footprint& f : by_buffer[b]) sweep.add(f);
  }
  const auto pair = [](const Hazard& h) {
    return std::make_tuple(h.second, h.first, h.buffer, h.kind);
  };
  std::sort(found.begin(), found.end(), [&](const Hazard& a, const Hazard& b) {
    return std::make_tuple(pair(a), a.element) < std::make_tuple(pair(b), b.element);
  });
  found.erase(std::unique(found.begin(), found.end(),
                          [&](const Hazard& a, const Hazard& b) { return pair(a) == pair(b); }),
              found.end());
  return found;
}

std::string describe(const Hazard& h, const isa::TaskGraph& graph) {
  const char* kind = "RAW";
  if (h.kind == HazardKind::WriteAfterRead) kind = "WAR";
  if (h.kind == HazardKind::WriteAfterWrite) kind = "WAW";
  return fmt::format("hazard {}: {}: scope {} (task {}) {}, scope {} (task {}) {}, unordered", kind,
                     element_name(graph.buffer(h.buffer), h.element), graph.task(h.first).name,
                     h.first.value, h.kind == HazardKind::WriteAfterRead ? "reads" : "writes",
                     graph.task(h.second).name, h.second.value,
                     h.kind == HazardKind::ReadAfterWrite ? "reads" : "writes");
}

}  // namespace lower
