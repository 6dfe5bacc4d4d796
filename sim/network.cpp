#include "sim/network.h"

#include <algorithm>

#include "sim/cost.h"
#include "sim/dispatch_shared.h"

namespace sim {

using traces::Picoseconds;

Network::Network(sc_core::sc_module_name, const chips::Chip& chip, size_t ranks)
    : latency_(nanoseconds(chip.link.latency_ns)),
      ps_per_byte_(NetworkPath::rate(chip.link.bandwidth)),
      ranks_(ranks) {
  SC_METHOD(deliver);
  dont_initialize();
  sensitive << due_;
}

void Network::attach(size_t rank, const isa::TaskGraph& graph, MemorySystem& memory) {
  Rank& r = ranks_[rank];
  r.graph = &graph;
  r.memory = &memory;
  for (uint32_t b = 0; b < graph.buffers.size(); ++b) {
    const int32_t window = graph.buffers[b].window;
    if (window == isa::GmBuffer::kNoWindow) continue;
    const auto at = static_cast<size_t>(window);
    if (r.windows.size() <= at) r.windows.resize(at + 1);
    r.windows[at] = isa::BufferId(b);
  }
}

void Network::step(size_t rank, const isa::GmAccess& gm, MemoryRequest request,
                   MemoryCursor& cursor, Picoseconds now) {
  Rank& own = ranks_[rank];
  Rank& peer = ranks_[static_cast<size_t>(gm.peer)];
  const isa::GmBuffer& buffer = own.graph->buffer(gm.buffer);
  const auto window = static_cast<size_t>(buffer.window);
  // A peer that never looks at its copy has no address for it: any will do.
  const bool placed = window < peer.windows.size() && peer.windows[window].valid();
  request.gm_addr = placed ? peer.graph->buffer(peer.windows[window]).gm_addr : buffer.gm_addr;
  NetworkPath path{request.write ? own.out_free : peer.out_free,
                   request.write ? peer.in_free : own.in_free, ps_per_byte_};
  request.path = &path;
  peer.memory->step(request, cursor, now);
}

FlagPlace Network::place(size_t rank, const isa::GmAccess& gm) const {
  if (gm.dtype != isa::DType::I32) return {};
  const int32_t window = ranks_[rank].graph->buffer(gm.buffer).window;
  return {window, gm.offset * static_cast<int64_t>(isa::size_of(gm.dtype))};
}

void Network::change(size_t rank, FlagPlace place, bool add, int32_t value, Picoseconds at) {
  coming_.emplace(at.value, Change{rank, place, add, value});
  const int64_t wait = std::max<int64_t>(coming_.begin()->first - sim_now().value, 0);
  due_.notify(sim_duration(wait));
}

int32_t Network::value(size_t rank, FlagPlace place) const {
  const auto it = ranks_[rank].flags.find(place);
  return it == ranks_[rank].flags.end() ? 0 : it->second;
}

void Network::deliver() {
  const int64_t now = sim_now().value;
  while (!coming_.empty() && coming_.begin()->first <= now) {
    const Change& c = coming_.begin()->second;
    int32_t& flag = ranks_[c.rank].flags[c.place];
    const auto sum = static_cast<uint32_t>(flag) + static_cast<uint32_t>(c.value);
    flag = c.add ? static_cast<int32_t>(sum) : c.value;
    ranks_[c.rank].changed.notify(sc_core::SC_ZERO_TIME);
    coming_.erase(coming_.begin());
  }
  if (!coming_.empty()) due_.notify(sim_duration(coming_.begin()->first - now));
}

}  // namespace sim
