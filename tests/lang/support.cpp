#include "lang/support.h"

#include <cstdlib>
#include <sstream>

namespace test {

std::shared_ptr<uint8_t> host(DType dtype, const std::vector<double>& values) {
  const size_t size = isa::size_of(dtype);
  const size_t bytes = (values.size() * size + 63) / 64 * 64;
  std::shared_ptr<uint8_t> p(static_cast<uint8_t*>(std::aligned_alloc(64, bytes)), std::free);
  for (size_t i = 0; i < values.size(); ++i)
    isa::set_scalar({p.get() + i * size, dtype, 1, 1, 1, 1, 1}, 0, 0, values[i]);
  return p;
}

std::vector<double> sequence(int64_t n, const std::function<double(int64_t)>& f) {
  std::vector<double> v;
  for (int64_t i = 0; i < n; ++i) v.push_back(f(i));
  return v;
}

double element(const uint8_t* data, DType dtype, int64_t i) {
  auto* p = const_cast<uint8_t*>(data) + i * static_cast<int64_t>(isa::size_of(dtype));
  return isa::get_scalar({p, dtype, 1, 1, 1, 1, 1}, 0, 0);
}

namespace {

Grid part(const pl::Tile& t, int64_t rows, int64_t cols) {
  const isa::TileView view = t.data()->view(t.ref());
  return grid_of(rows, cols, [&](int64_t r, int64_t c) { return isa::get_scalar(view, r, c); });
}

}  // namespace

Grid grid(const pl::Tile& t) { return part(t, t.rows(), t.cols()); }
Grid valid_grid(const pl::Tile& t) { return part(t, t.valid_rows(), t.valid_cols()); }

Grid grid_of(int64_t rows, int64_t cols, const std::function<double(int64_t, int64_t)>& f) {
  Grid g(static_cast<size_t>(rows));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) g[static_cast<size_t>(r)].push_back(f(r, c));
  return g;
}

pl::RecordedProgram run(const std::function<void(pl::Session&)>& prepare,
                        const std::function<void()>& body, pl::SessionOptions options) {
  pl::Session session("test", options);
  prepare(session);
  pl::at({"s"}, body);
  return session.finish();
}

std::vector<pl::Op> instructions(const pl::BlockRecord& block) {
  std::vector<pl::Op> ops;
  for (const pl::Op& op : block.ops)
    if (op.kind == pl::Op::Kind::Instr) ops.push_back(op);
  return ops;
}

std::vector<std::string> opcode_names(const pl::BlockRecord& block) {
  std::vector<std::string> names;
  for (const pl::Op& op : instructions(block)) names.emplace_back(isa::name(op.opcode));
  return names;
}

namespace {

void dump(std::ostream& out, const isa::GmAccess& g) {
  if (!g.present()) return;
  out << " gm(" << g.buffer.value << ' ' << isa::name(g.dtype) << ' ' << g.offset << ' '
      << g.row_stride << ' ' << g.rows << ' ' << g.cols << ')';
}

void dump(std::ostream& out, const pl::TileRef& t) {
  if (!t.present()) return;
  out << " v" << t.value.value << '(' << isa::name(t.dtype) << ' ' << t.offset << ' ' << t.stride
      << ' ' << t.rows << ' ' << t.cols << ' ' << t.valid_rows << ' ' << t.valid_cols << ')';
}

void dump(std::ostream& out, const pl::Op& op) {
  const isa::Attr& a = op.attr;
  out << static_cast<int>(op.kind) << ' ' << isa::name(op.opcode) << ' ' << int{op.n_src} << ' '
      << static_cast<int>(op.loop) << ' ' << int{op.stage} << ' ' << int{op.lane} << ' ' << op.trip
      << ' ' << op.iter << ' ' << op.site.value << ' ' << a.imm << ' ' << a.block_len << ' '
      << isa::name(a.round) << isa::name(a.mask) << isa::name(a.pad) << isa::name(a.cmp) << a.atomic
      << a.trans_b << a.high_precision << a.descending;
  dump(out, op.gm);
  dump(out, op.dst);
  for (const pl::TileRef& s : op.src) dump(out, s);
  out << '\n';
}

void dump_bytes(std::ostream& out, const uint8_t* p, int64_t n) {
  uint64_t hash = 1469598103934665603ull;  // FNV-1a
  for (int64_t i = 0; i < n; ++i) hash = (hash ^ p[i]) * 1099511628211ull;
  out << ' ' << hash;
}

}  // namespace

std::string dump(const pl::RecordedProgram& p) {
  std::ostringstream out;
  out << p.name << '\n';
  for (size_t i = 0; i < p.buffers.size(); ++i) {
    const isa::GmBuffer& b = p.buffers[i];
    out << "buffer " << b.name << ' ' << isa::name(b.dtype) << ' ' << b.bytes << ' ' << b.gm_addr
        << ' ' << static_cast<int>(b.role);
    for (int64_t d : b.shape) out << ' ' << d;
    const pl::BufferStorage& s = p.storage[i];
    dump_bytes(out, s.data.get(), b.bytes);
    if (s.initial) dump_bytes(out, s.initial.get(), b.bytes);
    out << s.manual_dep << s.filled << s.fill_value << '\n';
  }
  for (const pl::ScopeRecord& s : p.scopes) {
    out << "scope " << s.name << ' ' << s.site.value << ' ' << s.dummy << ' ' << s.block_num << ' '
        << s.scalars << ' ' << s.allow_early_resolve << s.sync_start << s.manual_scope << s.in_loop
        << ' ' << s.scope_depth << ' ' << static_cast<int>(s.split) << ' ' << s.slot_num;
    for (isa::TaskId d : s.deps) out << " dep" << d.value;
    out << '\n';
    for (const pl::BlockRecord& b : s.blocks) {
      out << "block\n";
      for (const pl::ValueInfo& v : b.values)
        out << "value " << isa::name(v.dtype) << ' ' << v.rows << ' ' << v.cols << ' ' << v.stride
            << ' ' << static_cast<int>(v.space) << ' ' << v.site.value << '\n';
      for (const pl::Op& op : b.ops) dump(out, op);
    }
  }
  for (const pl::OrchEvent& e : p.orchestration)
    out << "event " << static_cast<int>(e.kind) << ' ' << e.task.value << ' ' << e.buffer.value
        << ' ' << e.manual << '\n';
  for (const std::string& s : p.sites) out << "site " << s << '\n';
  for (const pl::Diagnostic& d : p.diagnostics)
    out << "diagnostic " << d.id << " | " << d.where << " | " << d.message << '\n';
  return out.str();
}

isa::Error error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const isa::Error& e) {
    return e;
  }
  FAIL("no error was thrown");
  return {"", ""};
}

}  // namespace test
