#include "lower/memory_report.h"

#include <fmt/format.h>

namespace lower {

StreamPeaks stream_peaks(const BlockWork& work, const Placement& placement, int64_t l0a,
                         int64_t l0b) {
  StreamPeaks peaks;
  for (size_t s = 1; s < isa::kMemSpaces; ++s) {
    SpacePeak& p = peaks[s];
    p.bytes = placement.peak[s];
    p.ring_bytes = work.reserved[s];
    p.live.reserve(placement.live_at_peak[s].size());
    for (const LiveValue& l : placement.live_at_peak[s])
      p.live.push_back({work.values[l.value], l.addr});
  }
  peaks[static_cast<size_t>(isa::MemSpace::L0A)].bytes = l0a;
  peaks[static_cast<size_t>(isa::MemSpace::L0B)].bytes = l0b;
  return peaks;
}

void MemoryReport::add(const std::string& scope, isa::CoreKind core, const StreamPeaks& peaks) {
  const size_t rank = order_.emplace(scope, order_.size()).first->second;
  for (size_t s = 1; s < isa::kMemSpaces; ++s) {
    if (peaks[s].bytes == 0) continue;
    auto& row = peaks_[{rank, static_cast<int>(core), static_cast<int>(s)}];
    if (peaks[s].bytes > row.second.bytes) row = {scope, peaks[s]};
  }
}

std::vector<MemoryUse> MemoryReport::rows() const {
  std::vector<MemoryUse> rows;
  for (const auto& [key, entry] : peaks_) {
    MemoryUse& use = rows.emplace_back();
    use.scope = entry.first;
    use.core = static_cast<isa::CoreKind>(std::get<1>(key));
    use.space = static_cast<isa::MemSpace>(std::get<2>(key));
    use.peak_bytes = entry.second.bytes;
    use.limit_bytes = capacity(chip_, use.space);
    if (entry.second.ring_bytes > 0)
      use.live_at_peak.push_back({"",
                                  fmt::format("hand-over ring of {} B", entry.second.ring_bytes), 0,
                                  entry.second.ring_bytes});
    for (const SpacePeak::Tile& t : entry.second.live)
      use.live_at_peak.push_back(
          {site_text(sites_, t.value.site), shape_text(t.value), t.addr, t.value.bytes});
  }
  return rows;
}

}  // namespace lower
