// A chip description: every constant with unit, source and confidence, read from chips/*.toml.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "isa/instr.h"
#include "isa/interpreter.h"
#include "isa/types.h"

namespace chips {

/// One constant of the chip in use, for `a2a3sim chip` and for overrides.
struct Parameter {
  std::string key;  ///< "mte2.latency"
  double value = 0;
  std::string unit;        ///< "cycles", "B/cycle", "ns", ...
  std::string source;      ///< "hardware.md §3.4"
  std::string confidence;  ///< "measured", "documented", "calibrated", "guess"
  std::string note;
  double min = 0, max = 0;  ///< accepted range, in the file and for overrides
  bool overridden = false;
  bool modelled = true;  ///< false: recorded for the reader, no model uses it, no override
  std::string text;      ///< the value as written: "265", "true", "ZZ"
};

/// Cost of one vector opcode (sim/cost_vector.h has the laws). Key `[vec.ops.TADD]` with
/// `head = 10, slope = 1, tail = 14` and so on; a member that is not given is 0.
/// Flat tiles: setup + instructions x (head + tail) + slope x repeats of 256 B.
struct VectorOp {
  double head = 0, tail = 0;  ///< cycles of every instruction
  double slope = 0;           ///< cycles per repeat (256 B; per element for scalar element loops)
  double slope16 = 0;         ///< slope for 16-bit elements when it differs (0: as `slope`)
  double setup = 0;           ///< once per tile operation (the 18 of a row broadcast, ...)
  double row = 0;             ///< per row, for operations expanded row by row (TCOLSUM, TROWEXPAND)
  /// a5's two-dimensional law (hardware.md §5.4) for tiles that are not flat:
  /// (strided_slope x repeats per row + strided_row) x rows + strided_fixed. Used if strided_fixed
  /// > 0.
  double strided_slope = 0, strided_row = 0, strided_fixed = 0;
};

/// Typed view of the parameters. Cycle counts are core cycles, possibly fractional.
struct Chip {
  std::string name;  ///< "a2a3" or "a5"
  std::string soc;   ///< "910_9382"
  std::map<std::string, Parameter> parameters;

  // soc
  int aic = 0, aiv = 0;  ///< cores; aiv == 2 * aic
  double clock_mhz = 0;
  int aicpu_schedulers = 0;  ///< scheduler threads besides the orchestrator
  int64_t counter_hz = 0;    ///< system counter of the swimlane records

  // core-local memories (bytes usable by the allocator) and cross-core hand-over
  isa::MemoryLimits memory;
  bool handover_on_chip = false;  ///< a5: L0C->UB and UB->L1 directly; a2a3: GM ring
  bool mask_scatter = false;      ///< mask form of scatter exists
  bool wide_casts = false;        ///< a5's set of native conversions (kernel-language.md §1.3)
  int ring_depth_one_way = 0, ring_depth_two_way = 0;
  int l0c_min_m_int32 = 0;  ///< M of an INT32 accumulator is padded to this many rows
  isa::Layout l0a_layout = isa::Layout::ZZ;

  /// L1 -> L0 tile chooser (kernel-language.md §3.4).
  struct L0Chooser {
    bool roofline = true;           ///< false: the simple fill-half-of-L0 rule
    double load_a = 0, load_b = 0;  ///< B/cycle
    double drain_fixed = 0, drain_row = 0, drain_bytes = 0, drain_odd = 0, mad_head = 0;
    double fp32_passes = 0;
  } l0;

  struct Dma {                ///< MTE2, MTE3
    double latency = 0;       ///< cycles every instruction pays
    double latency_miss = 0;  ///< extra when any line misses
    double issue_gap = 0;
    bool serial = true;  ///< one DMA at a time, latency exposed (first-model.md §2.1)
    double row_nd2nz = 0, row_nd2nz_bytes = 0;  ///< row cost + row_bytes / this, into L1
    double row_ub = 0, bytes_ub = 0;            ///< cycles per row, B/cycle, into / out of UB
    double line_miss = 0;                       ///< cycles per missed line
    double unaligned_nd2nz = 1, unaligned_ub = 1;
    double atomic_row_512 = 0;  ///< extra per 512 B row segment of an atomic add
  } mte2, mte3;

  struct Fix {  ///< L0C -> GM / L1 / UB
    double fixed = 0, row = 0, bytes = 0,
           odd = 0;                           ///< fixed + m x (max(row, 4n/bytes) + odd x ...)
    double elements16 = 0;                    ///< 16-bit output: fixed + elements / this
    double to_ub_fixed = 0, to_ub_bytes = 0;  ///< on-chip hand-over
    double atomic_row_512 = 0;                ///< extra per 512 B row segment of an atomic drain
  } fix;

  struct Mte1 {
    double latency = 0, l0a_bytes = 0, l0b_bytes = 0;
  } mte1;

  struct Cube {
    double mac_f16 = 0, mac_i8 = 0, mac_f32 = 0;  ///< MAC per cycle
    double head_idle = 0, head_busy = 0;
  } cube;

  struct Vector {
    double bytes_per_cycle = 0;
    double barrier = 0;           ///< drain before a dependent vector instruction
    double head_tail_scale = 1;   ///< scales the per-class overhead table
    double two_source_slope = 0;  ///< cycles per repeat of two-source ops
    double reduce_row = 0, reduce_fixed = 0;
    double gather_row = 0;  ///< one index-gather row, barriers and move included
    double scatter_mask_element = 0;
    double sort32_group = 0, mrgsort_step = 0;
    double count_mode = 0;
    std::array<VectorOp, isa::kOpcodes> ops{};  ///< `[vec.ops.<opcode>]`, by isa::Opcode
    const VectorOp& op(isa::Opcode o) const { return ops[static_cast<size_t>(o)]; }
  } vec;

  struct Scalar {
    double op = 0;     ///< one scalar instruction
    double issue = 0;  ///< issuing an instruction to a queue
    double gm_read = 0, gm_read_miss = 0, gm_write = 0, ub_access = 0;
    double loop_iteration = 0;
    double dcci_line_ns = 0;
    int64_t dcache_bytes = 0, dcache_line = 0;  ///< data cache in front of GM (32 KB, 64 B lines)
  } scalar;

  struct Sync {
    double flag = 0, cross_core = 0;
  } sync;

  /// Between the chips of several ranks: every chip has one port into a network that joins all.
  struct Link {
    double bandwidth = 0;   ///< GB/s of a chip's port, each direction
    double latency_ns = 0;  ///< one way, from leaving a chip to being visible on another
    double notify_ns = 0;   ///< scalar unit, before a flag leaves
    double poll_ns = 0;     ///< period of a spinning wait; it ends with the poll that sees the flag
  } link;

  struct Task {
    double body_aiv_ns = 0, body_aic_ns = 0;
  } task;  ///< fixed cost of a kernel body

  struct L2 {
    int64_t bytes = 0, line = 0, request = 0;
    int ways = 0;
    double bandwidth = 0;                 ///< GB/s, all cores
    double aic_bytes = 0, aiv_bytes = 0;  ///< per-core link, B/cycle
    double same_address = 0;              ///< cycles one 512 B window is held per request
    bool warm_inputs = false;             ///< inputs resident before the run
  } l2;

  struct Hbm {
    double bandwidth = 0, efficiency = 0;
  } hbm;  ///< GB/s

  struct Runtime {  ///< nanoseconds
    double submit = 0, submit_user = 0, alloc = 0, lookup_per_arg = 0;
    double poll_core = 0, post_core = 0, idle_loop = 0;
    double propagate = 0, head_warm = 0, head_cold = 0, head_cold_spread = 0;
    double fin_visible = 0, task_switch = 0, observer = 0;
    double resolve_base = 0, resolve_per_consumer = 0;
    double dispatch_task = 0, complete_task = 0;
    double orchestration_read = 0, dummy = 0;
    double startup = 0;  ///< first submit after the schedulers are up
    int64_t task_window = 0, heap_bytes = 0, dep_pool = 0;
    int queue_depth = 0;  ///< entries of a pipe queue
  } runtime;

  /// Picoseconds of `cycles` core cycles, rounded up.
  int64_t ps(double cycles) const;
};

/// SoC variants a chip file offers, default first.
std::vector<std::string> soc_names(const std::string& chip_name_or_path);

/// Reads a chip: "a2a3", "a5" (built in) or a path to a .toml; `soc` picks a variant ("" =
/// default); `overrides` are "key=value" pairs. Errors: "chip.file", "chip.syntax" (line),
/// "chip.unknown-key", "chip.missing-key", "chip.range", "chip.unknown-soc", "chip.override".
Chip load_chip(const std::string& chip_name_or_path, const std::string& soc = "",
               const std::vector<std::string>& overrides = {});

}  // namespace chips
