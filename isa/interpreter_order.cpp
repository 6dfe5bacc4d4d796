#include "isa/interpreter_order.h"

#include <fmt/format.h>

#include <algorithm>

#include "isa/error.h"

namespace isa::interp {
namespace {

/// The latest access of a unit stands for all its earlier ones: pipes are in order.
template <class List>
void remember(List& list, AccessMap::Access a) {
  for (AccessMap::Access& old : list)
    if (old.unit == a.unit) {
      old = a;
      return;
    }
  list.push_back(a);
}

}  // namespace

const char* stream_name(int stream) {
  constexpr std::array<const char*, kStreams> names = {"AIC", "AIV0", "AIV1"};
  return names.at(static_cast<size_t>(stream));
}

const Stream& stream_of(const BlockCode& code, int stream) {
  return stream == 0 ? code.aic : code.aiv[static_cast<size_t>(stream - 1)];
}

void Clock::join(const Clock& other) {
  for (size_t u = 0; u < kUnits; ++u) {
    complete[u] = std::max(complete[u], other.complete[u]);
    released[u] = std::max(released[u], other.released[u]);
  }
}

void AccessMap::split_at(int64_t at) {
  auto it = segments_.upper_bound(at);
  if (it == segments_.begin()) return;
  --it;
  if (it->first == at || it->second.end <= at) return;
  Segment upper = it->second;
  it->second.end = at;
  segments_.emplace_hint(std::next(it), at, std::move(upper));
}

AccessMap::Conflict AccessMap::read(ByteRange range, Access access, const Clock& clock) {
  split_at(range.begin);
  split_at(range.end);
  int64_t at = range.begin;
  for (auto it = segments_.lower_bound(at); at < range.end;) {
    if (it == segments_.end() || it->first > at) {  // bytes nobody touched in this block
      const int64_t end = it == segments_.end() ? range.end : std::min(range.end, it->first);
      it = segments_.emplace_hint(it, at, Segment{end, {}, {}});
    }
    for (const Access& w : it->second.writers)
      if (w.unit != access.unit && clock.complete[w.unit] <= w.index)
        return {"read after write", w, at};
    remember(it->second.readers, access);
    at = it->second.end;
    ++it;
  }
  return {};
}

AccessMap::Conflict AccessMap::write(ByteRange range, Access access, const Clock& clock) {
  split_at(range.begin);
  split_at(range.end);
  const auto first = segments_.lower_bound(range.begin);
  auto last = first;
  for (; last != segments_.end() && last->first < range.end; ++last) {
    for (const Access& w : last->second.writers)
      if (!(w.atomic && access.atomic) && w.unit != access.unit &&
          clock.complete[w.unit] <= w.index)
        return {"write after write", w, last->first};
    for (const Access& r : last->second.readers)
      if (r.unit != access.unit && clock.released[r.unit] <= r.index)
        return {"write after read", r, last->first};
  }
  if (access.atomic)
    add_atomic(range, access);
  else if (first != last && first->first == range.begin) {  // reuse the node
    first->second.end = range.end;
    first->second.writers.assign(1, access);
    first->second.readers.clear();
    segments_.erase(std::next(first), last);
  } else {
    segments_.erase(first, last);
    segments_.emplace(range.begin, Segment{range.end, List(1, access), {}});
  }
  return {};
}

void AccessMap::add_atomic(ByteRange range, Access access) {
  auto it = segments_.lower_bound(range.begin);
  for (int64_t at = range.begin; at < range.end; at = it->second.end, ++it) {
    if (it == segments_.end() || it->first > at) {
      const int64_t end = it == segments_.end() ? range.end : std::min(range.end, it->first);
      it = segments_.emplace_hint(it, at, Segment{end, {}, {}});
    }
    remember(it->second.writers, access);  // beside the adds it commutes with
    it->second.readers.clear();
  }
}

void OrderTracker::reset(const BlockCode& code) {
  code_ = &code;
  for (int s = 0; s < kStreams; ++s) {
    auto& clocks = clocks_[static_cast<size_t>(s)];
    clocks.assign(stream_of(code, s).instrs.size(), Clock{});
  }
  last_.fill(0);
  events_.assign(static_cast<size_t>(code.events), Clock{});
}

void OrderTracker::begin(int stream, uint32_t index, const Instr& instr) {
  stream_ = stream;
  index_ = index;
  unit_ = stream * kPipes + static_cast<int>(instr.pipe);
  const auto& instrs = stream_of(*code_, stream).instrs;
  auto& clocks = clocks_[static_cast<size_t>(stream)];
  Clock& clock = clocks[index];

  uint32_t& last = last_[static_cast<size_t>(unit_)];
  if (last != 0) {
    clock = clocks[last - 1];
    if (instr.barrier) clock.complete[static_cast<size_t>(unit_)] = last;
  }
  for (int p = 0; p < kPipes; ++p) {
    const uint32_t edge = instr.after[static_cast<size_t>(p)];
    if (edge == 0) continue;
    if (edge > index || static_cast<int>(instrs[edge - 1].pipe) != p)
      throw Error("isa.order",
                  fmt::format("its {} edge names instr {}, which is {}", name(static_cast<Pipe>(p)),
                              edge - 1, edge > index ? "not earlier" : "on another pipe"));
    clock.join(clocks[edge - 1]);
    const auto unit = static_cast<size_t>(stream * kPipes + p);
    clock.released[unit] = std::max(clock.released[unit], edge);
    if ((instr.after_release >> p & 1) == 0)
      clock.complete[unit] = std::max(clock.complete[unit], edge);
  }
  if (instr.wait_event >= 0) clock.join(events_[static_cast<size_t>(instr.wait_event)]);
  last = index + 1;
}

void OrderTracker::read(AccessMap& map, const std::vector<ByteRange>& ranges) {
  const Clock& clock = clocks_[static_cast<size_t>(stream_)][index_];
  const AccessMap::Access access{static_cast<uint8_t>(unit_), false, index_};
  for (const ByteRange& r : ranges)
    if (const auto conflict = map.read(r, access, clock); conflict.kind != nullptr) fail(conflict);
}

void OrderTracker::write(AccessMap& map, const std::vector<ByteRange>& ranges, bool atomic) {
  const Clock& clock = clocks_[static_cast<size_t>(stream_)][index_];
  const AccessMap::Access access{static_cast<uint8_t>(unit_), atomic, index_};
  for (const ByteRange& r : ranges)
    if (const auto conflict = map.write(r, access, clock); conflict.kind != nullptr) fail(conflict);
}

void OrderTracker::end(const Instr& instr) {
  if (instr.signal_event < 0) return;
  Clock& event = events_[static_cast<size_t>(instr.signal_event)];
  event.join(clocks_[static_cast<size_t>(stream_)][index_]);
  const auto unit = static_cast<size_t>(unit_);
  event.complete[unit] = std::max(event.complete[unit], index_ + 1);
  event.released[unit] = std::max(event.released[unit], index_ + 1);
}

void OrderTracker::join_at_barrier(const std::array<uint32_t, kStreams>& index) {
  Clock all;
  for (size_t s = 0; s < kStreams; ++s) {
    if (index[s] == kNone) continue;
    all.join(clocks_[s][index[s]]);
    const size_t unit =
        s * kPipes +
        static_cast<size_t>(stream_of(*code_, static_cast<int>(s)).instrs[index[s]].pipe);
    all.complete[unit] = all.released[unit] = index[s] + 1;
  }
  for (size_t s = 0; s < kStreams; ++s)
    if (index[s] != kNone) clocks_[s][index[s]] = all;
}

void OrderTracker::fail(const AccessMap::Conflict& conflict) const {
  const int stream = conflict.earlier.unit / kPipes;
  const Instr& earlier = stream_of(*code_, stream).instrs[conflict.earlier.index];
  throw Error("isa.order",
              fmt::format("{} at byte {:#x} is not ordered behind {} instr {} {} ({})",
                          conflict.kind, conflict.byte, stream_name(stream), conflict.earlier.index,
                          name(earlier.op), name(earlier.pipe)));
}

}  // namespace isa::interp
