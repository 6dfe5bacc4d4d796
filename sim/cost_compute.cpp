// Cube and scalar unit: hardware.md §4, §6; first-model.md §2.10.
#include "sim/cost.h"

namespace sim {
namespace {

double mac_rate(isa::DType input, const chips::Chip::Cube& cube) {
  switch (isa::size_of(input)) {
    case 1:
      return cube.mac_i8;
    case 2:
      return cube.mac_f16;
    default:
      return cube.mac_f32;
  }
}

}  // namespace

Cycles matmul_cost(const isa::Instr& instr, bool busy, const chips::Chip& chip) {
  const auto& a = instr.src[0];
  const int64_t k_step = 32 / static_cast<int64_t>(isa::size_of(a.dtype));
  const int64_t fractals = ceil_div(a.valid_rows, 16) * ceil_div(a.valid_cols, k_step) *
                           ceil_div(instr.dst.valid_cols, 16);
  const double per_fractal = static_cast<double>(16 * k_step * 16) / mac_rate(a.dtype, chip.cube);
  const double head = busy ? chip.cube.head_busy : chip.cube.head_idle;
  return Cycles(head + per_fractal * static_cast<double>(fractals));
}

Cycles scalar_cost(const isa::Instr& instr, bool cache_hit, const chips::Chip& chip) {
  const auto& s = chip.scalar;
  switch (instr.op) {
    case isa::Opcode::SREAD:
      if (!instr.gm.present()) return Cycles(s.ub_access);
      return Cycles(cache_hit ? s.gm_read : s.gm_read_miss);
    case isa::Opcode::SWRITE:
      return Cycles(instr.gm.present() ? s.gm_write : s.ub_access);
    case isa::Opcode::SWORK:
      return Cycles(instr.attr.imm * s.op);
    case isa::Opcode::DCCI:
      return Cycles(s.dcci_line_ns * chip.clock_mhz / 1000);
    case isa::Opcode::SYNCALL:
      return Cycles(chip.sync.cross_core);
    default:  // TPOP, TFREE, TPUSH that move nothing: a flag
      return Cycles(chip.sync.flag);
  }
}

}  // namespace sim
