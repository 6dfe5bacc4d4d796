#include "lang/record.h"

#include <cstring>
#include <tuple>

#include "isa/same_code.h"

namespace pl {
namespace {

auto fields(const Op& op) {
  return std::tie(op.kind, op.opcode, op.n_src, op.loop, op.stage, op.lane, op.trip, op.iter,
                  op.site);
}

bool same_ref(const TileRef& a, const TileRef& b) {
  return a.value == b.value && same_window(a, b);
}

}  // namespace

bool same_code(const Op& a, const Op& b) {
  return fields(a) == fields(b) && isa::same_attr(a.attr, b.attr) &&
         isa::same_geometry(a.gm, b.gm) && same_ref(a.dst, b.dst) && same_ref(a.src[0], b.src[0]) &&
         same_ref(a.src[1], b.src[1]) && same_ref(a.src[2], b.src[2]);
}

uint64_t code_hash(const Op& op) {
  uint64_t imm;
  std::memcpy(&imm, &op.attr.imm, sizeof imm);
  auto h = static_cast<uint64_t>(op.opcode);
  for (const uint64_t v :
       {uint64_t{op.dst.value.value}, uint64_t{op.src[0].value.value}, uint64_t{op.src[0].offset},
        uint64_t{op.dst.rows}, uint64_t{op.src[0].rows}, uint64_t{op.site.value}, imm})
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
  return h;
}

}  // namespace pl
