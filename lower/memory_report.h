// What each kernel function needs of each memory, over all blocks of all its tasks.
#pragma once

#include <array>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "lower/buffers.h"
#include "lower/lower.h"

namespace lower {

/// Peak of one space in one stream, with numbers instead of text.
struct SpacePeak {
  int64_t bytes = 0;
  int64_t ring_bytes = 0;  ///< reserved at address 0 for hand-over
  struct Tile {
    Value value;
    uint32_t addr = 0;
  };
  std::vector<Tile> live;
};
using StreamPeaks = std::array<SpacePeak, isa::kMemSpaces>;

StreamPeaks stream_peaks(const BlockWork& work, const Placement& placement, int64_t l0a,
                         int64_t l0b);

/// Collects peaks; rows come out sorted by first appearance of the scope, then core, then space.
class MemoryReport {
 public:
  MemoryReport(const chips::Chip& chip, const std::vector<std::string>& sites)
      : chip_(chip), sites_(sites) {}
  void add(const std::string& scope, isa::CoreKind core, const StreamPeaks& peaks);
  std::vector<MemoryUse> rows() const;

 private:
  const chips::Chip& chip_;
  const std::vector<std::string>& sites_;
  std::map<std::string, size_t> order_;
  std::map<std::tuple<size_t, int, int>, std::pair<std::string, SpacePeak>> peaks_;
};

}  // namespace lower
