#include "isa/same_code.h"

#include <cstring>
#include <tuple>

namespace isa {
namespace {

uint64_t bits(double v) {
  uint64_t b;
  std::memcpy(&b, &v, sizeof b);
  return b;
}

auto fields(const Attr& a) {
  return std::tie(a.run_iterations, a.block_len, a.round, a.mask, a.pad, a.cmp, a.atomic, a.trans_b,
                  a.high_precision, a.descending);
}

auto fields(const TileOperand& t) {
  return std::tie(t.addr, t.space, t.dtype, t.layout, t.tile_rows, t.tile_cols, t.row0, t.col0,
                  t.rows, t.cols, t.valid_rows, t.valid_cols);
}

auto fields(const Instr& i) {
  return std::tie(i.op, i.pipe, i.n_src, i.barrier, i.after_release, i.wait_event, i.signal_event,
                  i.site, i.after);
}

}  // namespace

bool same_attr(const Attr& a, const Attr& b) {
  return bits(a.imm) == bits(b.imm) && fields(a) == fields(b);
}

bool same_geometry(const GmAccess& a, const GmAccess& b) {
  return a.present() == b.present() && std::tie(a.dtype, a.peer, a.row_stride, a.rows, a.cols) ==
             std::tie(b.dtype, b.peer, b.row_stride, b.rows, b.cols);
}

bool same_operand(const TileOperand& a, const TileOperand& b) { return fields(a) == fields(b); }

bool same_code(const Instr& a, const Instr& b) {
  return fields(a) == fields(b) && same_attr(a.attr, b.attr) && same_geometry(a.gm, b.gm) &&
         same_operand(a.dst, b.dst) && same_operand(a.src[0], b.src[0]) &&
         same_operand(a.src[1], b.src[1]) && same_operand(a.src[2], b.src[2]);
}

uint64_t code_hash(const Instr& i) {
  uint64_t h = static_cast<uint64_t>(i.op);
  for (const uint64_t v : {uint64_t{i.dst.addr}, uint64_t{i.src[0].addr}, uint64_t{i.dst.rows},
                           uint64_t{i.src[0].rows}, uint64_t{i.site.value}, bits(i.attr.imm)})
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
  return h;
}

}  // namespace isa
