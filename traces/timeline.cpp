#include "traces/timeline.h"

#include <algorithm>

namespace traces {

std::string_view name(WaitReason r) {
  constexpr std::array<std::string_view, kWaitReasons> names = {
      "data", "buffer", "issue", "queue_full", "barrier", "cross_core", "memory", "peer"};
  return names.at(static_cast<size_t>(r));
}

GmTraffic& GmTraffic::operator+=(const GmTraffic& b) {
  asked_bytes += b.asked_bytes;
  moved_bytes += b.moved_bytes;
  read_bytes += b.read_bytes;
  write_bytes += b.write_bytes;
  dmas += b.dmas;
  rows += b.rows;
  lines += b.lines;
  line_misses += b.line_misses;
  hbm_bytes += b.hbm_bytes;
  return *this;
}

Picoseconds Timeline::makespan() const {
  if (lanes.empty()) return {};
  Picoseconds first = lanes.front().dispatch, last = lanes.front().finish;
  for (const LaneRow& row : lanes) {
    first = std::min(first, row.dispatch);
    last = std::max(last, row.finish);
  }
  return last - first;
}

Picoseconds Timeline::effective() const {
  bool any = false;
  Picoseconds first, last;
  const auto cover = [&](Picoseconds start, Picoseconds end) {
    first = any ? std::min(first, start) : start;
    last = any ? std::max(last, end) : end;
    any = true;
  };
  for (const SubmitRow& row : submits) cover(row.start, row.end);
  for (const PhaseRow& row : phases) cover(row.start, row.end);
  for (const LaneRow& row : lanes) cover(row.dispatch, row.finish);
  return last - first;
}

}  // namespace traces
