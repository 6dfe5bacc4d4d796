// Scalar accesses to GM tensors and tiles.
#include <algorithm>

#include "lang/op_common.h"
#include "lang/session_impl.h"

namespace pl {
namespace {

std::string index_text(const Dims& index) {
  std::string s = "[";
  for (size_t i = 0; i < index.size(); ++i) s += (i ? ", " : "") + std::to_string(index[i]);
  return s + "]";
}

/// An orchestration diagnostic goes straight to the record; equal ones are reported once.
void diagnose_orchestration(Session::Impl& session, const char* id, Site site,
                            const std::string& message) {
  for (const Diagnostic& d : session.record.diagnostics)
    if (d.id == id && d.where == site_text(site)) return;
  session.record.diagnostics.push_back({id, site_text(site), message});
}

/// Linear addressing without bounds per dimension (feasibility.md §5): the flat element, clamped to
/// the buffer.
isa::GmAccess element(Session::Impl& session, Block* block, const Tensor& t, const Dims& index,
                      Site site) {
  if (!t.present()) fail("lang.no-tensor", site, "the tensor has never been assigned");
  if (index.size() != t.shape().size())
    fail("lang.rank", site,
         "index " + index_text(index) + " of a tensor of rank " + std::to_string(t.shape().size()));
  GmStorage& gm = session.buffer(t.buffer());
  const auto size = static_cast<int64_t>(isa::size_of(t.dtype()));
  int64_t flat = t.offset();
  bool inside = true;
  for (size_t i = 0; i < index.size(); ++i) {
    flat += index[i] * t.strides()[i];
    inside = inside && index[i] >= 0 && index[i] < t.shape()[i];
  }
  const int64_t last = gm.info.bytes / size - 1;
  if (!inside) {
    const auto message = [&] {
      std::string shape;
      for (int64_t d : t.shape()) shape += (shape.empty() ? "" : ", ") + std::to_string(d);
      return "index " + index_text(index) + " is outside tensor '" + gm.info.name + "' of shape [" +
             shape + "]; " +
             (flat < 0 || flat > last ? "past the buffer, clamped to its end"
                                      : "flat memory gives element " + std::to_string(flat));
    };
    if (block != nullptr)
      block->diagnose("lang.scalar-out-of-bounds", t.buffer(), site, message);
    else
      diagnose_orchestration(session, "lang.scalar-out-of-bounds", site, message());
  }
  isa::GmAccess access;
  access.buffer = t.buffer();
  access.dtype = t.dtype();
  access.offset = std::clamp<int64_t>(flat, 0, last);
  access.row_stride = 1;
  access.rows = access.cols = 1;
  return access;
}

/// Address of the element after recording the read.
const uint8_t* read_element(const Tensor& t, const Dims& index, Site site) {
  Session::Impl& session = current_session(site);
  Block* block = current_block();
  const isa::GmAccess access = element(session, block, t, index, site);
  if (block != nullptr) {
    block->check_read(access, site);
    block->append_scalar(isa::Opcode::SREAD, access, 0, site);
  } else {
    const WriteMap* written = session.buffer(t.buffer()).written.get();
    if (written != nullptr && written->first_unwritten(access) >= 0)
      diagnose_orchestration(session, "lang.uninitialised-read", site,
                             "reads " + index_text(index) + " of tensor '" +
                                 session.buffer(t.buffer()).info.name +
                                 "', which nobody has written");
    OrchEvent& e = session.record.orchestration.emplace_back();
    e.kind = OrchEvent::Kind::Read;
    e.buffer = t.buffer();
  }
  return session.buffer(t.buffer()).data() +
         access.offset * static_cast<int64_t>(isa::size_of(t.dtype()));
}

isa::TileView one(const uint8_t* p, DType dtype) {
  return {const_cast<uint8_t*>(p), dtype, 1, 1, 1, 1, 1};
}

bool is_integer(DType t) { return t != DType::F32 && t != DType::BF16 && t != DType::F16; }

/// Address of the element after recording the write.
uint8_t* write_element(const Tensor& t, const Dims& index, double value, Site site) {
  Session::Impl& session = current_session(site);
  Block* block = current_block();
  const isa::GmAccess access = element(session, block, t, index, site);
  GmStorage& gm = session.buffer(t.buffer());
  if (block != nullptr) {
    block->check_write(access, false, site);
    block->append_scalar(isa::Opcode::SWRITE, access, value, site);
  } else {
    session.require_writable(gm, site);
    OrchEvent& e = session.record.orchestration.emplace_back();
    e.kind = OrchEvent::Kind::Write;
    e.buffer = t.buffer();
  }
  if (gm.written) gm.written->mark(access);
  return gm.data() + access.offset * static_cast<int64_t>(isa::size_of(t.dtype()));
}

TileRef element_of(const Tile& t, int64_t row, int64_t col, Site site) {
  if (row < 0 || col < 0 || row >= t.rows() || col >= t.cols())
    fail("lang.tile-window", site,
         "element (" + std::to_string(row) + ", " + std::to_string(col) + ") of a tile " +
             describe(t));
  TileRef ref = t.ref();
  ref.offset += static_cast<uint32_t>(row * ref.stride + col);
  ref.rows = ref.cols = ref.valid_rows = ref.valid_cols = 1;
  return ref;
}

}  // namespace

double read(const Tensor& t, const Dims& index, Site site) {
  return isa::get_scalar(one(read_element(t, index, site), t.dtype()), 0, 0);
}

int64_t read_int(const Tensor& t, const Dims& index, Site site) {
  if (!is_integer(t.dtype()))
    fail("lang.dtype", site,
         "read_int of a tensor of " + std::string(isa::name(t.dtype())) + "; use read");
  return isa::get_integer(read_element(t, index, site), t.dtype());
}

double read(const Tile& t, int64_t row, int64_t col, Site site) {
  Block& b = require_block("read", site);
  const Tile& x = vector_operand(b, t, "read", site);
  const TileRef ref = element_of(x, row, col, site);
  Op& op = b.append(isa::Opcode::SREAD, site);
  op.n_src = 1;
  op.src[0] = ref;
  return isa::get_scalar(x.data()->view(ref), 0, 0);
}

void write(const Tensor& t, const Dims& index, double value, Site site) {
  uint8_t* p = write_element(t, index, value, site);
  isa::set_scalar(one(p, t.dtype()), 0, 0, value);
}

void write_int(const Tensor& t, const Dims& index, int64_t value, Site site) {
  if (!is_integer(t.dtype()))
    fail("lang.dtype", site,
         "write_int to a tensor of " + std::string(isa::name(t.dtype())) + "; use write");
  uint8_t* p = write_element(t, index, static_cast<double>(value), site);
  isa::set_integer(p, t.dtype(), value);
}

void write(const Tile& t, int64_t row, int64_t col, double value, Site site) {
  Block& b = require_block("write", site);
  const Tile& x = vector_operand(b, t, "write", site);
  const TileRef ref = element_of(x, row, col, site);
  Op& op = b.append(isa::Opcode::SWRITE, site);
  op.attr.imm = value;
  op.dst = ref;
  isa::set_scalar(x.data()->view(ref), 0, 0, value);
}

}  // namespace pl
