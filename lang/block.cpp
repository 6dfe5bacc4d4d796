#include "lang/block.h"

#include <algorithm>
#include <cstring>

#include "lang/session_impl.h"

namespace pl {
namespace {

thread_local Block* running_block = nullptr;
std::atomic<uint64_t> next_block_serial{1};  // identity only; never shown

constexpr int64_t kExtentMax = 65535;

std::string extent(int64_t rows, int64_t cols) {
  return "[" + std::to_string(rows) + "x" + std::to_string(cols) + "]";
}

/// "[5, 0]": the position of a byte of a buffer in the buffer's own shape.
std::string position(const GmStorage& buffer, int64_t byte) {
  int64_t element = byte / static_cast<int64_t>(isa::size_of(buffer.info.dtype));
  std::string text = "]";
  for (size_t i = buffer.info.shape.size(); i-- > 0;) {
    const int64_t extent_i = std::max<int64_t>(buffer.info.shape[i], 1);
    text = (i ? ", " : "") + std::to_string(i ? element % extent_i : element) + text;
    element /= extent_i;
  }
  return "[" + text;
}

/// Gives an isa::Error from the semantics its scope and line.
[[noreturn]] void rethrow_here(const isa::Error& e, Site site) {
  if (!e.where().empty()) throw isa::Error(e);
  std::string message = e.what();
  const std::string suffix = " [" + e.id() + "]";
  message.resize(message.size() - suffix.size());
  fail(e.id().c_str(), site, message);
}

}  // namespace

Block* current_block() { return running_block; }

BlockGuard::BlockGuard(Block* block) : previous_(running_block) { running_block = block; }
BlockGuard::~BlockGuard() { running_block = previous_; }

Block& require_block(const char* what, Site site) {
  if (running_block != nullptr) return *running_block;
  if (active_session() == nullptr)
    fail("lang.no-session", site, std::string(what) + " needs an active pl::Session");
  fail("lang.outside-scope", site, std::string(what) + " is only possible inside at / spmd");
}

std::string where(Site site) {
  const std::string at = site.line > 0 ? site_text(site) : std::string();
  if (running_block == nullptr) return at;
  return "scope " + running_block->run().name + (at.empty() ? "" : ", " + at);
}

void fail(const char* id, Site site, const std::string& message) {
  throw isa::Error(id, where(site), message);
}

std::string describe(const Tile& tile) {
  return extent(tile.rows(), tile.cols()) + " " + std::string(isa::name(tile.dtype()));
}

Block::Block(ScopeRun& run, int32_t index)
    : run_(run),
      index_(index),
      owner_{next_block_serial.fetch_add(1, std::memory_order_relaxed), run.session.serial,
             run.task, run.block_num} {
  record.ops.reserve(run.expected_ops.load(std::memory_order_relaxed));
  record.values.reserve(run.expected_values.load(std::memory_order_relaxed));
}

GmStorage& Block::buffer(isa::BufferId id) { return run_.session.buffer(id); }

Tile Block::make(DType dtype, int64_t rows, int64_t cols, int64_t valid_rows, int64_t valid_cols,
                 Site site, TileSpace space) {
  const auto lane_elements = static_cast<int64_t>(32 / isa::size_of(dtype));
  const int64_t stride = cols == 1 ? 1 : (cols + lane_elements - 1) / lane_elements * lane_elements;
  if (rows <= 0 || cols <= 0 || rows > kExtentMax || stride > kExtentMax)
    fail("lang.tile-size", site,
         "a tile " + extent(rows, cols) + " is outside 1.." + std::to_string(kExtentMax) +
             " rows and columns (rows padded to 32 B)");
  ValueInfo info;
  info.dtype = dtype;
  info.rows = static_cast<uint16_t>(rows);
  info.cols = static_cast<uint16_t>(cols);
  info.stride = static_cast<uint16_t>(stride);
  info.space = space;
  info.site = sites.intern(site);

  TileRef ref;
  ref.value = ValueId(static_cast<uint32_t>(record.values.size()));
  ref.dtype = dtype;
  ref.stride = info.stride;
  ref.rows = info.rows;
  ref.cols = info.cols;
  ref.valid_rows = static_cast<uint16_t>(valid_rows);
  ref.valid_cols = static_cast<uint16_t>(valid_cols);

  auto data = std::allocate_shared<TileData>(ArenaAllocator<TileData>(), info, ref.value, owner_);
  if (valid_rows < rows || valid_cols < cols) data->undefine(run_.session.options.poison);
  record.values.push_back(info);
  return {std::move(data), ref};
}

Op& Block::append(isa::Opcode opcode, Site site) {
  Op& op = record.ops.emplace_back();
  op.opcode = opcode;
  op.lane = lane;
  op.site = sites.intern(site);
  return op;
}

Op& Block::append_marker(Op::Kind kind, Site site) {
  Op& op = append(isa::Opcode::SWORK, site);
  op.kind = kind;
  return op;
}

void Block::append_scalar(isa::Opcode opcode, const isa::GmAccess& gm, double value, Site site) {
  isa::CodeList<Op>& ops = record.ops;
  const bool iteration = !ops.empty() && ops.back().kind == Op::Kind::LoopIter;
  // [LoopIter, run, LoopIter] of one loop: this iteration has done nothing yet, the others nothing
  // but the run. Iterations of a pipelined loop are kept apart, they overlap.
  const size_t behind = iteration ? 2 : 1;
  Op* run = ops.size() > behind ? &ops[ops.size() - behind] : nullptr;
  const bool continues =
      run != nullptr && run->kind == Op::Kind::Instr && run->opcode == opcode &&
      run->gm.buffer == gm.buffer && run->gm.dtype == gm.dtype && gm.present() &&
      run->gm.offset + run->gm.cols == gm.offset && run->lane == lane &&
      (opcode == isa::Opcode::SREAD || std::memcmp(&run->attr.imm, &value, sizeof value) == 0) &&
      run->site == sites.intern(site) &&
      (!iteration || (run[-1].kind == Op::Kind::LoopIter && run[-1].site == ops.back().site &&
                      ops.back().loop != LoopKind::Pipeline));
  if (!continues) {
    Op& op = append(opcode, site);
    op.gm = gm;
    op.attr.imm = value;
    return;
  }
  if (iteration) {
    if (ops.back().loop != LoopKind::Unroll) ++run->attr.run_iterations;
    ops.pop_back();
  }
  ++run->gm.cols;
}

void Block::execute(isa::Opcode opcode, const isa::Attr& attr, const Tile& dst,
                    std::initializer_list<const Tile*> sources, Site site) {
  std::array<isa::TileView, 3> views;
  int n = 0;
  for (const Tile* s : sources) views[static_cast<size_t>(n++)] = s->data()->view(s->ref());
  try {
    isa::execute(opcode, attr, dst.data()->view(dst.ref()), views.data(), n);
  } catch (const isa::Error& e) {
    rethrow_here(e, site);
  }
  Op& op = append(opcode, site);
  op.attr = attr;
  op.dst = dst.ref();
  op.n_src = static_cast<uint8_t>(n);
  size_t i = 0;
  for (const Tile* s : sources) op.src[i++] = s->ref();
}

void Block::load(const Tile& dst, const isa::GmAccess& gm, Site site) {
  check_read(gm, site);
  isa::load(dst.data()->view(dst.ref()), gm, run_.session.gm_data(gm));
  Op& op = append(isa::Opcode::TLOAD, site);
  op.gm = gm;
  op.dst = dst.ref();
}

void Block::store(const Tile& src, const isa::GmAccess& gm, bool atomic, Site site) {
  check_write(gm, atomic, site);
  const isa::TileView view = src.data()->view(src.ref());
  if (gm.remote()) {
    isa::store(view, gm, run_.session.gm_data(gm), atomic);
  } else if (atomic && run_.block_num > 1) {
    DeferredAtomic& add = atomics_.emplace_back();
    const size_t size = isa::size_of(view.dtype);
    const size_t row_bytes = static_cast<size_t>(view.cols) * size;
    add.gm = gm;
    add.site = site;
    add.bytes.resize(static_cast<size_t>(view.rows) * row_bytes);
    for (int32_t r = 0; r < view.rows; ++r)
      std::memcpy(add.bytes.data() + static_cast<size_t>(r) * row_bytes,
                  view.data + static_cast<size_t>(r) * static_cast<size_t>(view.stride) * size,
                  row_bytes);
    add.source = view;
    add.source.data = add.bytes.data();
    add.source.stride = view.cols;
  } else if (atomic) {
    apply_atomic(view, gm, site);
  } else {
    GmStorage& target = buffer(gm.buffer);
    isa::store(view, gm, target.data(), false);
    if (target.written) target.written->mark(gm);
  }
  Op& op = append(isa::Opcode::TSTORE, site);
  op.gm = gm;
  op.attr.atomic = atomic;
  op.n_src = 1;
  op.src[0] = src.ref();
}

void Block::apply_atomic(const isa::TileView& source, const isa::GmAccess& gm, Site site) {
  GmStorage& target = buffer(gm.buffer);
  if (target.written) {
    const int64_t byte = target.written->first_unwritten(gm);
    if (byte >= 0)
      diagnose("lang.uninitialised-read", gm.buffer, site, [&] {
        return "adds to " + position(target, byte) + " of tensor '" + target.info.name +
               "', which nobody has written";
      });
    target.written->mark(gm);
  }
  isa::store(source, gm, target.data(), true);
}

void Block::apply_atomics() {
  for (const DeferredAtomic& add : atomics_) apply_atomic(add.source, add.gm, add.site);
  atomics_.clear();
}

void Block::check_read(const isa::GmAccess& gm, Site site) {
  if (gm.remote()) return;  // windows are defined from the start
  GmStorage& source = buffer(gm.buffer);
  for (const DeferredAtomic& add : atomics_)
    if (add.gm.buffer == gm.buffer && overlaps(add.gm, gm))
      fail("lang.atomic-read-back", site,
           "reads a part of tensor '" + source.info.name +
               "' that this block adds to atomically in the same scope (line " +
               std::to_string(add.site.line) + "); other blocks may not have added yet");
  if (!source.written) return;
  const int64_t byte = source.written->first_unwritten(gm);
  if (byte >= 0)
    diagnose("lang.uninitialised-read", gm.buffer, site, [&] {
      return "reads " + position(source, byte) + " of tensor '" + source.info.name +
             "', which nobody has written";
    });
}

void Block::check_write(const isa::GmAccess& gm, bool atomic, Site site) {
  if (gm.remote()) return;
  GmStorage& target = buffer(gm.buffer);
  run_.session.require_writable(target, site);
  if (atomic) return;  // adds may pile up; a plain store over a pending add has no defined result
  for (const DeferredAtomic& add : atomics_)
    if (add.gm.buffer == gm.buffer && overlaps(add.gm, gm))
      fail("lang.atomic-overwrite", site,
           "stores over a part of tensor '" + target.info.name +
               "' that this block adds to atomically in the same scope (line " +
               std::to_string(add.site.line) + ")");
}

const Tile& Block::use_other(const Tile& tile, Site site, bool transposed_allowed) {
  if (!tile.present()) fail("lang.no-tile", site, "the tile has never been assigned");
  if (tile.transposed() && !transposed_allowed)
    fail("lang.transpose-view", site,
         "a transpose_view can only be the second operand of a matmul");
  if (tile.data()->owner.block_serial == owner_.block_serial) return tile;
  return load_foreign(tile, site);
}

void Block::require_usable(const Tile& tile, Site site) const {
  const Owner& owner = tile.data()->owner;
  if (owner.session_serial != owner_.session_serial)
    fail("lang.other-session", site, "the tile belongs to another session");
  if (owner.task == owner_.task)
    fail("lang.outside-its-block", site,
         "tile " + describe(tile) + " was made by another block of this scope");
  if (owner.block_num != 1)
    fail("lang.outside-its-block", site,
         "tile " + describe(tile) + " was made by a scope of " + std::to_string(owner.block_num) +
             " blocks; only tiles of one-block scopes can be used later (store it to a tensor)");
}

const ForeignTile* Block::loaded(const Tile& tile) const {
  for (const ForeignTile& f : foreign)
    if (f.source.data() == tile.data() && same_window(f.source.ref(), tile.ref()) &&
        f.source.transposed() == tile.transposed())
      return &f;
  return nullptr;
}

bool Block::in_gm(const Tile& tile, Site site) const {
  if (!tile.present() || tile.transposed() ||
      tile.data()->owner.block_serial == owner_.block_serial)
    return false;
  require_usable(tile, site);
  return loaded(tile) == nullptr;
}

/// `offset`: elements from the start of the source's window. The buffer is placed when the scope
/// closes.
Op& Block::append_foreign_load(const Tile& source, const Tile& copy, int64_t offset, Site site) {
  const TileRef &from = source.ref(), &to = copy.ref();
  isa::GmAccess gm;
  gm.dtype = from.dtype;
  gm.offset = from.offset + offset / from.cols * from.stride + offset % from.cols;
  gm.row_stride = from.stride;
  gm.rows = to.valid_rows;
  gm.cols = to.valid_cols;
  isa::load(copy.data()->view(to), gm, source.data()->bytes());
  gm.offset = offset;
  gm.row_stride = from.cols;
  Op& op = append(isa::Opcode::TLOAD, site);
  op.gm = gm;
  op.dst = to;
  return op;
}

const Tile& Block::load_foreign(const Tile& tile, Site site) {
  require_usable(tile, site);
  if (const ForeignTile* known = loaded(tile)) return known->copy;
  const TileRef& ref = tile.ref();
  Tile copy = make(ref.dtype, ref.rows, ref.cols, ref.valid_rows, ref.valid_cols, site);
  append_foreign_load(tile, copy, 0, site).gm.buffer =
      isa::BufferId(static_cast<uint32_t>(foreign.size()));
  if (tile.transposed()) copy = copy.transposed_view();
  return foreign.emplace_back(ForeignTile{tile, copy, record.ops.size() - 1}).copy;
}

Tile Block::load_window(const Tile& tile, int64_t row, int64_t col, int64_t rows, int64_t cols,
                        Site site) {
  const TileRef& ref = tile.ref();
  if (row < 0 || col < 0 || rows <= 0 || cols <= 0 || row >= ref.rows || col >= ref.cols)
    fail("lang.tile-window", site,
         "window " + extent(rows, cols) + " at (" + std::to_string(row) + ", " +
             std::to_string(col) + ") of a tile " + describe(tile) + " starts outside or is empty");
  Tile window = make(ref.dtype, rows, cols, std::clamp<int64_t>(ref.valid_rows - row, 0, rows),
                     std::clamp<int64_t>(ref.valid_cols - col, 0, cols), site);
  append_foreign_load(tile, window, row * ref.cols + col, site).gm.buffer =
      isa::BufferId(static_cast<uint32_t>(foreign_windows.size()));
  foreign_windows.push_back({tile, record.ops.size() - 1});
  return window;
}

}  // namespace pl
