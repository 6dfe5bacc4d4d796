// A chip with a2a3's lowering parameters, by hand: the pass tests do not depend on chips/*.toml.
#pragma once

#include "chips/chip.h"

namespace lower_test {

inline chips::Chip a2a3() {  // kernel-language.md §3.3, §3.4, §3.6
  chips::Chip c;
  c.name = "a2a3";
  c.memory = {184 * 1024, 512 * 1024, 64 * 1024, 64 * 1024, 128 * 1024};
  c.mask_scatter = true;
  c.ring_depth_one_way = 8;
  c.ring_depth_two_way = 4;
  c.l0c_min_m_int32 = 32;
  c.l0a_layout = isa::Layout::ZZ;
  c.l0.load_a = 129.7;
  c.l0.load_b = 85.4;
  c.l0.drain_fixed = 164;
  c.l0.drain_row = 4.45;
  c.l0.drain_bytes = 118;
  c.l0.drain_odd = 2.6;
  c.l0.mad_head = 21;
  c.l0.fp32_passes = 2;
  c.scalar.op = 1;
  c.scalar.loop_iteration = 6;
  c.l2.line = 512;
  return c;
}

inline chips::Chip a5() {
  chips::Chip c = a2a3();
  c.name = "a5";
  c.memory.ub = 240 * 1024;
  c.memory.l0c = 256 * 1024;
  c.mask_scatter = false;
  c.wide_casts = true;
  c.handover_on_chip = true;
  c.l0c_min_m_int32 = 16;
  c.l0a_layout = isa::Layout::NZ;
  c.l0.load_a = 206.3;
  c.l0.load_b = 223.8;
  c.l0.drain_fixed = 343.4;
  c.l0.drain_row = 4.59;
  c.l0.drain_bytes = 30;
  c.l0.drain_odd = 0.26;
  c.l0.mad_head = 25;
  c.l0.fp32_passes = 8;
  c.l2.line = 128;
  return c;
}

}  // namespace lower_test
