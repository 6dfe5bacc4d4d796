#include "lower/block.h"

#include "isa/same_code.h"
#include "lower/emit.h"
#include "lower/expand.h"
#include "lower/sync.h"

namespace lower {
namespace {

isa::Stream& stream_of(isa::BlockCode& code, int s) {
  return s == kAic ? code.aic : code.aiv[static_cast<size_t>(s - kAiv0)];
}

isa::SiteId pipeline_site(const pl::BlockRecord& record) {
  for (const pl::Op& op : record.ops)
    if (op.kind == pl::Op::Kind::LoopBegin && op.loop == pl::LoopKind::Pipeline) return op.site;
  return {};
}

}  // namespace

bool BlockLowering::arrange(BlockWork& work, const BlockSpaces& spaces, const ScopePlan& plan,
                            int32_t block, Hoist hoist, bool& moved) {
  build_streams(work, spaces, plan, block, chip_, sites_);
  bool all_fit = true;
  moved = false;
  for (int s = 0; s < kStreams; ++s) {
    if (!plan.uses(s)) continue;
    moved |= order_loops(work, s, hoist);
    add_scratch(work, s, chip_, sites_);
    place_buffers(work, s, options_.buffer_reuse, placement_[static_cast<size_t>(s)]);
    all_fit &= fits(placement_[static_cast<size_t>(s)], chip_);
  }
  return all_fit;
}

BlockReport BlockLowering::lower(const pl::BlockRecord& record, const BlockSpaces& spaces,
                                 const ScopePlan& plan, int32_t block, const std::string& where,
                                 isa::BlockCode& out) {
  BlockReport report;
  BlockWork work;
  // Ping-pong is given up, step by step, where memory forbids it (hint PH-MR-001).
  constexpr Hoist kLevels[] = {Hoist::Full, Hoist::Merged, Hoist::Nested, Hoist::Innermost,
                               Hoist::None};
  size_t level = options_.software_pipeline ? 0 : 4;
  for (bool moved = true;; ++level) {
    work = BlockWork();
    work.record = &record;
    work.where = where;
    if (arrange(work, spaces, plan, block, kLevels[level], moved) || !moved || level == 4) break;
  }
  for (int s = 0; s < kStreams; ++s)
    if (plan.uses(s)) check_capacity(work, placement_[static_cast<size_t>(s)], chip_, sites_);
  if (options_.software_pipeline && level > 1)
    add_hint(report.hints, {BlockHint::Kind::NoPingPong, pipeline_site(record), 0, 0, 0});

  for (int s = 0; s < kStreams; ++s) {
    if (!plan.uses(s)) continue;
    const Placement& placement = placement_[static_cast<size_t>(s)];
    std::vector<isa::Instr> instrs;
    l0_.start_stream();
    emit_stream(work, s, placement, chip_, l0_, instrs, sites_);
    add_edges(instrs);
    collect_hints(instrs, chip_, report.hints);
    isa::CodeList<isa::Instr>& code = stream_of(out, s).instrs;
    code = std::move(instrs);
    code_.share(code);
    StreamPeaks& peaks = report.peaks[static_cast<size_t>(s)];
    peaks = stream_peaks(work, placement, l0_.peak_a(), l0_.peak_b());
    for (size_t m = 0; m < isa::kMemSpaces; ++m)
      out.peak.bytes[m] = std::max(out.peak.bytes[m], peaks[m].bytes);
  }
  out.events = work.events;
  return report;
}

}  // namespace lower
