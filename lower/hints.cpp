#include "lower/hints.h"

#include <fmt/format.h>

#include <algorithm>

#include "lower/work.h"

namespace lower {
namespace {

using isa::Instr;
using isa::MemSpace;
using isa::Opcode;

bool moves_gm_tile(const Instr& in) {
  return (in.op == Opcode::TLOAD || in.op == Opcode::TSTORE) && in.gm.rows > 1;
}

/// Tiles of one product follow each other: compares neighbours of the same site.
void product_hints(const Instr& product, std::vector<BlockHint>& hints) {
  const auto& c = product.dst;
  const bool whole = c.row0 == 0 && c.col0 == 0;
  if (!whole)
    add_hint(hints, {BlockHint::Kind::TiledOutput, product.site, c.tile_rows, c.tile_cols, c.cols});
}

}  // namespace

void add_hint(std::vector<BlockHint>& hints, const BlockHint& hint) {
  if (std::find(hints.begin(), hints.end(), hint) == hints.end()) hints.push_back(hint);
}

void collect_hints(const std::vector<Instr>& instrs, const chips::Chip& chip,
                   std::vector<BlockHint>& hints) {
  const Instr* previous = nullptr;  // product of the same site just before
  for (const Instr& in : instrs) {
    if (moves_gm_tile(in) && in.gm.row_bytes() < chip.l2.line)
      add_hint(hints, {BlockHint::Kind::ShortRow, in.site, in.gm.row_bytes(), chip.l2.line, 0});
    if (!is_matmul(in.op)) continue;
    product_hints(in, hints);
    if (previous != nullptr && previous->site == in.site && in.op == Opcode::TMATMUL_ACC &&
        in.src[0].cols < previous->src[0].cols)
      add_hint(hints,
               {BlockHint::Kind::UnevenK, in.site, previous->src[0].cols, in.src[0].cols, 0});
    previous = &in;
  }
}

PerfHint describe(const BlockHint& hint, const std::string& scope, const chips::Chip& chip,
                  const std::vector<std::string>& sites) {
  PerfHint h;
  h.scope = scope;
  h.site = site_text(sites, hint.site);
  switch (hint.kind) {
    case BlockHint::Kind::ShortRow:
      h.id = "PH001";
      h.message =
          fmt::format("innermost GM extent is {} B, below {} B on {}", hint.a, hint.b, chip.name);
      break;
    case BlockHint::Kind::NoPingPong:
      h.id = "PH-MR-001";
      h.message = "pipeline stages share their load buffers: not enough memory for ping-pong";
      break;
    case BlockHint::Kind::TiledOutput:
      h.id = "PH-AT-003";
      h.message = fmt::format("the [{}x{}] product is tiled in M or N ({} columns a tile)", hint.a,
                              hint.b, hint.c);
      break;
    case BlockHint::Kind::UnevenK:
      h.id = "PH-AT-004";
      h.message = fmt::format("K steps of {} leave a rest of {}", hint.a, hint.b);
      break;
  }
  return h;
}

}  // namespace lower
