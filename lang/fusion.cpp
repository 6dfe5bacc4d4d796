#include "lang/fusion.h"

#include <cstring>
#include <string>
#include <unordered_map>

#include "lang/op_common.h"
#include "lang/session_impl.h"

namespace pl {
namespace {

/// Where element `offset` of the temporary is in the target's buffer.
int64_t place(const Fusion& f, int64_t offset) {
  int64_t at = f.window.offset();
  for (size_t i = 0; i < f.source.shape().size(); ++i) {
    const int64_t stride = f.source.strides()[i];
    at += offset / stride * f.window.strides()[i];
    offset %= stride;
  }
  return at;
}

/// One row of the last axis: those elements somebody has written.
void copy_row(const GmStorage& from, int64_t offset, GmStorage& to, int64_t at, int64_t cols) {
  const auto size = static_cast<int64_t>(isa::size_of(from.info.dtype));
  isa::GmAccess source, target;
  source.dtype = target.dtype = from.info.dtype;
  source.rows = target.rows = 1;
  const auto copy = [&](int64_t first, int64_t n) {
    source.offset = offset + first;
    target.offset = at + first;
    source.cols = target.cols = static_cast<int32_t>(n);
    source.row_stride = target.row_stride = n;
    if (from.written && from.written->first_unwritten(source) >= 0) return false;
    std::memcpy(to.data() + target.offset * size, from.data() + source.offset * size,
                static_cast<size_t>(n * size));
    if (to.written) to.written->mark(target);
    return true;
  };
  if (copy(0, cols)) return;
  for (int64_t c = 0; c < cols; ++c) copy(c, 1);
}

void require_whole_temporary(const Tensor& source, Session::Impl& session, Site site) {
  const GmStorage& gm = session.buffer(source.buffer());
  const auto size = static_cast<int64_t>(isa::size_of(source.dtype()));
  bool whole = source.offset() == 0 && source.numel() * size == gm.info.bytes;
  int64_t stride = 1;
  for (size_t i = source.shape().size(); i-- > 0; stride *= source.shape()[i])
    whole = whole && source.strides()[i] == stride;
  if (!whole || gm.info.role != isa::BufferRole::Temp)
    fail("lang.assemble-source", site,
         "outside a scope only a whole tensor made by create_tensor can be assembled into another "
         "one, not a part of '" + gm.info.name + "'");
  for (const Fusion& f : session.fusions)
    if (f.source.buffer() == source.buffer())
      fail("lang.assemble-source", site,
           "tensor '" + gm.info.name + "' is a part of another tensor already (" +
               site_text(f.site) + ")");
}

/// The access as one of the target's buffer.
void retarget(isa::GmAccess& gm, const Fusion& f, const std::string& name) {
  const int64_t first = place(f, gm.offset);
  const int64_t stride = gm.rows > 1 ? place(f, gm.offset + gm.row_stride) - first : gm.row_stride;
  for (int64_t r = 0; r < gm.rows; ++r) {
    const int64_t offset = gm.offset + r * gm.row_stride, at = place(f, offset);
    const bool contiguous = gm.cols <= 1 || place(f, offset + gm.cols - 1) - at == gm.cols - 1;
    if (at != first + r * stride || !contiguous)
      fail("lang.assemble-window", f.site,
           "tensor '" + name + "' is used in a shape that is no window of the tensor it becomes a "
           "part of");
  }
  gm.buffer = f.window.buffer();
  gm.offset = first;
  gm.row_stride = stride;
}

class Retargeting {
 public:
  Retargeting(const std::vector<Fusion>& fusions, RecordedProgram& program) : program_(program) {
    for (const Fusion& f : fusions) by_source_.emplace(f.source.buffer().value, &f);
  }

  const Fusion* fusion_of(isa::BufferId buffer) const {
    const auto found = by_source_.find(buffer.value);
    return found == by_source_.end() ? nullptr : found->second;
  }
  /// Through all steps: a target may itself be assembled into a third tensor.
  isa::BufferId target_of(isa::BufferId buffer) const {
    while (const Fusion* f = fusion_of(buffer)) buffer = f->window.buffer();
    return buffer;
  }

  void block(isa::CodeList<Op>& ops, size_t scope, isa::CodePool<Op>& pool) const {
    const isa::CodeList<Op>& recorded = ops;
    bool changed = false;
    for (size_t i = 0; i < recorded.size(); ++i) {
      const Op op = recorded[i];
      if (!op.gm.present() || op.gm.remote() || fusion_of(op.gm.buffer) == nullptr) continue;
      const bool writes = op.opcode == isa::Opcode::TSTORE || op.opcode == isa::Opcode::SWRITE;
      isa::GmAccess gm = op.gm;
      while (const Fusion* f = fusion_of(gm.buffer)) {
        const std::string& name = program_.buffers[gm.buffer.value].name;
        if (writes && scope >= f->scopes_before)
          fail("lang.assemble-source", f->site,
               "tensor '" + name + "' is written by scope " + program_.scopes[scope].name +
                   " after it was assembled");
        retarget(gm, *f, name);
      }
      ops[i].gm = gm;
      changed = true;
    }
    if (changed) pool.share(ops);
  }

 private:
  RecordedProgram& program_;
  std::unordered_map<uint32_t, const Fusion*> by_source_;  // lookup only
};

}  // namespace

Tensor assemble(const Tensor& target, const Tensor& source, const Dims& offsets, Site site) {
  Session::Impl& session = current_session(site);
  if (current_block() != nullptr)
    fail("lang.inside-scope", site, "inside a scope assemble stores a tile");
  if (!target.present() || !source.present())
    fail("lang.no-tensor", site, "the tensor has never been assigned");
  require_whole_temporary(source, session, site);
  if (source.dtype() != target.dtype())
    fail("lang.dtype", site,
         "a tensor of " + std::string(isa::name(source.dtype())) + " assembled into one of " +
             std::string(isa::name(target.dtype())));
  Dims shape = source.shape();
  while (shape.size() < target.shape().size()) shape.insert(shape.begin(), 1);
  const Fusion f{source.reshape(shape, site), target.view(offsets, shape, site),
                 session.record.scopes.size(), site};
  if (f.window.shape() != shape || f.window.strides().back() != 1 ||
      target.buffer() == source.buffer())
    fail("lang.store-window", site, "the tensor does not fit the window it is assembled into");

  GmStorage &from = session.buffer(source.buffer()), &to = session.buffer(target.buffer());
  session.require_writable(to, site);
  const int64_t cols = shape.back();
  for (int64_t offset = 0; offset < source.numel(); offset += cols)
    copy_row(from, offset, to, place(f, offset), cols);
  session.fusions.push_back(f);
  return target;
}

void apply_fusions(const std::vector<Fusion>& fusions, isa::CodePool<Op>& pool,
                   RecordedProgram& program) {
  if (fusions.empty()) return;
  const Retargeting retargeting(fusions, program);
  for (size_t i = 0; i < program.scopes.size(); ++i) {
    ScopeRecord& scope = program.scopes[i];
    for (isa::BufferId& buffer : scope.no_dep) buffer = retargeting.target_of(buffer);
    for (BlockRecord& block : scope.blocks) retargeting.block(block.ops, i, pool);
  }
  std::vector<OrchEvent> events;
  for (OrchEvent e : program.orchestration) {
    const bool fused = e.buffer.valid() && retargeting.fusion_of(e.buffer) != nullptr;
    if (fused && e.kind == OrchEvent::Kind::Alloc) continue;
    if (fused) e.buffer = retargeting.target_of(e.buffer);
    events.push_back(e);
  }
  program.orchestration = std::move(events);
  // Nobody fills the temporaries any more: they are as undefined as what no task writes.
  for (const Fusion& f : fusions) {
    BufferStorage& storage = program.storage[f.source.buffer().value];
    const isa::GmBuffer& info = program.buffers[f.source.buffer().value];
    storage = {};
    storage.data = allocate_gm(info.bytes, info.dtype, true);
  }
}

}  // namespace pl
