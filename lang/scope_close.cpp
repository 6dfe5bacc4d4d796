// What happens when the last block of a scope has finished: everything the blocks collected on
// their own is merged in block order, so the record does not depend on host threads.
#include <string>
#include <utility>

#include "lang/session_impl.h"

namespace pl {

TaskId Session::Impl::close_scope(ScopeRecord scope, std::vector<std::unique_ptr<Block>>& blocks) {
  const TaskId task(static_cast<uint32_t>(record.scopes.size()));
  for (std::unique_ptr<Block>& block : blocks) block->apply_atomics();
  std::vector<isa::SiteId> global_ids;
  for (std::unique_ptr<Block>& block : blocks) {
    merge_sites(*block, global_ids);
    place_foreign_tiles(*block);
  }
  merge_diagnostics(scope.name, blocks);
  scope.blocks.reserve(blocks.size());
  for (std::unique_ptr<Block>& block : blocks) {
    scope.blocks.push_back(std::move(block->record));
    code_.share(scope.blocks.back().ops);
  }
  record.scopes.push_back(std::move(scope));
  OrchEvent& submit = record.orchestration.emplace_back();
  submit.kind = OrchEvent::Kind::Submit;
  submit.task = task;
  return task;
}

void Session::Impl::merge_sites(Block& block, std::vector<isa::SiteId>& global_ids) {
  global_ids.clear();
  for (const Site& site : block.sites.sites()) global_ids.push_back(intern(site_text(site)));
  for (Op& op : block.record.ops) op.site = global_ids[op.site.value];
  for (ValueInfo& value : block.record.values) value.site = global_ids[value.site.value];
}

// kernel-language.md §2.4: a tile used after its scope gets a GM temporary, a store at the end of
// the scope that made it and a load in each scope that uses it.
void Session::Impl::place_foreign_tiles(Block& block) {
  for (ForeignTile& f : block.foreign) block.record.ops[f.load_op].gm.buffer = spill(f.source);
  for (ForeignWindow& w : block.foreign_windows)
    block.record.ops[w.load_op].gm.buffer = spill(w.source);
}

Tensor spill(const Tile& tile, Site site) {
  Session::Impl& session = current_session(site);
  if (current_block() != nullptr)
    fail("lang.inside-scope", site, "inside a scope a tile is used as it is");
  if (!tile.present() || tile.transposed()) fail("lang.no-tile", site, "there is no such tile");
  if (tile.data()->owner.session_serial != session.serial)
    fail("lang.other-session", site, "the tile belongs to another session");
  if (tile.data()->owner.block_num != 1)
    fail("lang.outside-its-block", site,
         "tile " + describe(tile) + " was made by a scope of " +
             std::to_string(tile.data()->owner.block_num) +
             " blocks; only tiles of one-block scopes can be used later (store it to a tensor)");
  const TileRef& ref = tile.ref();
  return {session.spill(tile), ref.dtype, {ref.rows, ref.cols}, {ref.cols, 1}, 0};
}

isa::BufferId Session::Impl::spill(const Tile& tile) {
  TileData& data = *tile.data();
  const TileRef& ref = tile.ref();
  for (const auto& [window, known] : data.spills)
    if (same_window(window, ref)) return known;

  ScopeRecord& producer = record.scopes[data.owner.task.value];
  BlockRecord& code = producer.blocks.front();
  const isa::SiteId site = code.values[ref.value.value].site;
  const isa::BufferId id =
      add_buffer(producer.name + "_tile" + std::to_string(ref.value.value) + "_" +
                     std::to_string(buffers_.size()),
                 ref.dtype, {ref.rows, ref.cols}, isa::BufferRole::Temp, nullptr);
  data.spills.emplace_back(ref, id);
  spill_allocs_.emplace_back(data.owner.task, id);

  Op& op = code.ops.emplace_back();
  op.opcode = isa::Opcode::TSTORE;
  op.site = site;
  op.n_src = 1;
  op.src[0] = ref;
  op.gm.buffer = id;
  op.gm.dtype = ref.dtype;
  op.gm.row_stride = ref.cols;
  op.gm.rows = ref.valid_rows;
  op.gm.cols = ref.valid_cols;
  GmStorage& gm = buffer(id);
  isa::store(data.view(ref), op.gm, gm.data(), false);
  if (gm.written) gm.written->mark(op.gm);
  code_.share(code.ops);
  return id;
}

void Session::Impl::merge_diagnostics(const std::string& scope,
                                      const std::vector<std::unique_ptr<Block>>& blocks) {
  std::vector<PendingDiagnostic> merged;
  for (const std::unique_ptr<Block>& block : blocks)
    for (const PendingDiagnostic& d : block->diagnostics) {
      // One uninitialised read per tensor and scope; other diagnostics also per source line.
      const bool by_site = std::string(d.id) != "lang.uninitialised-read";
      PendingDiagnostic* known = nullptr;
      for (PendingDiagnostic& m : merged)
        if (std::string(m.id) == d.id && m.buffer == d.buffer &&
            (!by_site || site_text(m.site) == site_text(d.site)))
          known = &m;
      if (known != nullptr)
        known->count += d.count;
      else
        merged.push_back(d);
    }
  for (const PendingDiagnostic& d : merged) {
    const std::string times = d.count > 1 ? " (" + std::to_string(d.count) + " times)" : "";
    record.diagnostics.push_back(
        {d.id, "scope " + scope + ", " + site_text(d.site), d.message + times});
  }
}

}  // namespace pl
