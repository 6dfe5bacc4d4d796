#include "chips/bindings.h"

#include <type_traits>

namespace chips::detail {
namespace {

template <class Member>
constexpr Kind kind_of() {
  if (std::is_same_v<Member, bool>) return Kind::Bool;
  if (std::is_same_v<Member, isa::Layout>) return Kind::Layout;
  return std::is_integral_v<Member> ? Kind::Integer : Kind::Real;
}

constexpr double kBig = 1e6;  // cycles, ns: a millisecond at least
constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

}  // namespace

#define MEMBER(key, min, max, member)                                                          \
  Binding {                                                                                    \
    key, min, max, kind_of<std::decay_t<decltype(std::declval<Chip&>().member)>>(),            \
        [](Chip& c, double v) { c.member = static_cast<std::decay_t<decltype(c.member)>>(v); } \
  }

const std::vector<Binding>& modelled_keys() {
  static const std::vector<Binding> table = {
      MEMBER("soc.aic", 1, 256, aic),
      MEMBER("soc.aiv", 2, 512, aiv),
      MEMBER("soc.clock_mhz", 100, 10000, clock_mhz),
      MEMBER("soc.aicpu_schedulers", 1, 64, aicpu_schedulers),
      MEMBER("soc.counter_hz", 1e6, 1e9, counter_hz),

      MEMBER("memory.ub", 1024, kGiB, memory.ub),
      MEMBER("memory.l1", 1024, kGiB, memory.l1),
      MEMBER("memory.l0a", 1024, kGiB, memory.l0a),
      MEMBER("memory.l0b", 1024, kGiB, memory.l0b),
      MEMBER("memory.l0c", 1024, kGiB, memory.l0c),
      MEMBER("memory.l0c_min_m_int32", 1, 1024, l0c_min_m_int32),
      MEMBER("memory.l0a_layout", 0, 3, l0a_layout),

      MEMBER("handover.on_chip", 0, 1, handover_on_chip),
      MEMBER("handover.ring_depth_one_way", 1, 64, ring_depth_one_way),
      MEMBER("handover.ring_depth_two_way", 1, 64, ring_depth_two_way),

      MEMBER("l0.roofline", 0, 1, l0.roofline),
      MEMBER("l0.load_a", 1, kBig, l0.load_a),
      MEMBER("l0.load_b", 1, kBig, l0.load_b),
      MEMBER("l0.drain_fixed", 0, kBig, l0.drain_fixed),
      MEMBER("l0.drain_row", 0, kBig, l0.drain_row),
      MEMBER("l0.drain_bytes", 1, kBig, l0.drain_bytes),
      MEMBER("l0.drain_odd", 0, kBig, l0.drain_odd),
      MEMBER("l0.mad_head", 0, kBig, l0.mad_head),
      MEMBER("l0.fp32_passes", 1, 64, l0.fp32_passes),

      MEMBER("mte2.latency", 0, kBig, mte2.latency),
      MEMBER("mte2.latency_miss", 0, kBig, mte2.latency_miss),
      MEMBER("mte2.issue_gap", 0, kBig, mte2.issue_gap),
      MEMBER("mte2.serial", 0, 1, mte2.serial),
      MEMBER("mte2.row_nd2nz", 0, kBig, mte2.row_nd2nz),
      MEMBER("mte2.row_nd2nz_bytes", 1, kBig, mte2.row_nd2nz_bytes),
      MEMBER("mte2.row_ub", 0, kBig, mte2.row_ub),
      MEMBER("mte2.bytes_ub", 1, kBig, mte2.bytes_ub),
      MEMBER("mte2.line_miss", 0, kBig, mte2.line_miss),
      MEMBER("mte2.unaligned_nd2nz", 1, 100, mte2.unaligned_nd2nz),
      MEMBER("mte2.unaligned_ub", 1, 100, mte2.unaligned_ub),
      MEMBER("mte2.atomic_row_512", 0, kBig, mte2.atomic_row_512),

      MEMBER("mte3.latency", 0, kBig, mte3.latency),
      MEMBER("mte3.latency_miss", 0, kBig, mte3.latency_miss),
      MEMBER("mte3.issue_gap", 0, kBig, mte3.issue_gap),
      MEMBER("mte3.serial", 0, 1, mte3.serial),
      MEMBER("mte3.row_nd2nz", 0, kBig, mte3.row_nd2nz),
      MEMBER("mte3.row_nd2nz_bytes", 1, kBig, mte3.row_nd2nz_bytes),
      MEMBER("mte3.row_ub", 0, kBig, mte3.row_ub),
      MEMBER("mte3.bytes_ub", 1, kBig, mte3.bytes_ub),
      MEMBER("mte3.line_miss", 0, kBig, mte3.line_miss),
      MEMBER("mte3.unaligned_nd2nz", 1, 100, mte3.unaligned_nd2nz),
      MEMBER("mte3.unaligned_ub", 1, 100, mte3.unaligned_ub),
      MEMBER("mte3.atomic_row_512", 0, kBig, mte3.atomic_row_512),

      MEMBER("fix.fixed", 0, kBig, fix.fixed),
      MEMBER("fix.row", 0, kBig, fix.row),
      MEMBER("fix.bytes", 1, kBig, fix.bytes),
      MEMBER("fix.odd", 0, kBig, fix.odd),
      MEMBER("fix.elements16", 1, kBig, fix.elements16),
      MEMBER("fix.to_ub_fixed", 0, kBig, fix.to_ub_fixed),
      MEMBER("fix.to_ub_bytes", 1, kBig, fix.to_ub_bytes),
      MEMBER("fix.atomic_row_512", 0, kBig, fix.atomic_row_512),

      MEMBER("mte1.latency", 0, kBig, mte1.latency),
      MEMBER("mte1.l0a_bytes", 1, kBig, mte1.l0a_bytes),
      MEMBER("mte1.l0b_bytes", 1, kBig, mte1.l0b_bytes),

      MEMBER("cube.mac_f16", 1, 1e9, cube.mac_f16),
      MEMBER("cube.mac_i8", 1, 1e9, cube.mac_i8),
      MEMBER("cube.mac_f32", 1, 1e9, cube.mac_f32),
      MEMBER("cube.head_idle", 0, kBig, cube.head_idle),
      MEMBER("cube.head_busy", 0, kBig, cube.head_busy),

      MEMBER("vec.bytes_per_cycle", 1, kBig, vec.bytes_per_cycle),
      MEMBER("vec.barrier", 0, kBig, vec.barrier),
      MEMBER("vec.head_tail_scale", 0, 100, vec.head_tail_scale),
      MEMBER("vec.two_source_slope", 0, 100, vec.two_source_slope),
      MEMBER("vec.reduce_row", 0, kBig, vec.reduce_row),
      MEMBER("vec.reduce_fixed", 0, kBig, vec.reduce_fixed),
      MEMBER("vec.gather_row", 0, kBig, vec.gather_row),
      MEMBER("vec.scatter_mask_element", 0, kBig, vec.scatter_mask_element),
      MEMBER("vec.sort32_group", 0, kBig, vec.sort32_group),
      MEMBER("vec.mrgsort_step", 0, kBig, vec.mrgsort_step),
      MEMBER("vec.count_mode", 0, kBig, vec.count_mode),
      MEMBER("vec.mask_scatter", 0, 1, mask_scatter),
      MEMBER("vec.wide_casts", 0, 1, wide_casts),

      MEMBER("scalar.op", 0, kBig, scalar.op),
      MEMBER("scalar.issue", 0, kBig, scalar.issue),
      MEMBER("scalar.gm_read", 0, kBig, scalar.gm_read),
      MEMBER("scalar.gm_read_miss", 0, kBig, scalar.gm_read_miss),
      MEMBER("scalar.gm_write", 0, kBig, scalar.gm_write),
      MEMBER("scalar.ub_access", 0, kBig, scalar.ub_access),
      MEMBER("scalar.loop_iteration", 0, kBig, scalar.loop_iteration),
      MEMBER("scalar.dcci_line_ns", 0, kBig, scalar.dcci_line_ns),
      MEMBER("scalar.dcache_bytes", 64, kGiB, scalar.dcache_bytes),
      MEMBER("scalar.dcache_line", 8, 4096, scalar.dcache_line),

      MEMBER("sync.flag", 0, kBig, sync.flag),
      MEMBER("sync.cross_core", 0, kBig, sync.cross_core),

      MEMBER("link.bandwidth", 0.001, kBig, link.bandwidth),
      MEMBER("link.latency_ns", 0, kBig, link.latency_ns),
      MEMBER("link.notify_ns", 0, kBig, link.notify_ns),
      MEMBER("link.poll_ns", 1, kBig, link.poll_ns),

      MEMBER("task.body_aiv_ns", 0, kBig, task.body_aiv_ns),
      MEMBER("task.body_aic_ns", 0, kBig, task.body_aic_ns),

      MEMBER("l2.bytes", 4096, 64 * kGiB, l2.bytes),
      MEMBER("l2.line", 32, 65536, l2.line),
      MEMBER("l2.request", 32, 65536, l2.request),
      MEMBER("l2.ways", 1, 1024, l2.ways),
      MEMBER("l2.bandwidth", 1, kBig, l2.bandwidth),
      MEMBER("l2.aic_bytes", 1, kBig, l2.aic_bytes),
      MEMBER("l2.aiv_bytes", 1, kBig, l2.aiv_bytes),
      MEMBER("l2.same_address", 0, kBig, l2.same_address),
      MEMBER("l2.warm_inputs", 0, 1, l2.warm_inputs),

      MEMBER("hbm.bandwidth", 1, kBig, hbm.bandwidth),
      MEMBER("hbm.efficiency", 0.01, 1, hbm.efficiency),

      MEMBER("runtime.submit", 0, kBig, runtime.submit),
      MEMBER("runtime.submit_user", 0, kBig, runtime.submit_user),
      MEMBER("runtime.alloc", 0, kBig, runtime.alloc),
      MEMBER("runtime.lookup_per_arg", 0, kBig, runtime.lookup_per_arg),
      MEMBER("runtime.poll_core", 0, kBig, runtime.poll_core),
      MEMBER("runtime.post_core", 0, kBig, runtime.post_core),
      MEMBER("runtime.idle_loop", 1, kBig, runtime.idle_loop),
      MEMBER("runtime.propagate", 0, kBig, runtime.propagate),
      MEMBER("runtime.head_warm", 0, kBig, runtime.head_warm),
      MEMBER("runtime.head_cold", 0, kBig, runtime.head_cold),
      MEMBER("runtime.head_cold_spread", 0, kBig, runtime.head_cold_spread),
      MEMBER("runtime.fin_visible", 0, kBig, runtime.fin_visible),
      MEMBER("runtime.task_switch", 0, kBig, runtime.task_switch),
      MEMBER("runtime.observer", 0, kBig, runtime.observer),
      MEMBER("runtime.resolve_base", 0, kBig, runtime.resolve_base),
      MEMBER("runtime.resolve_per_consumer", 0, kBig, runtime.resolve_per_consumer),
      MEMBER("runtime.dispatch_task", 0, kBig, runtime.dispatch_task),
      MEMBER("runtime.complete_task", 0, kBig, runtime.complete_task),
      MEMBER("runtime.orchestration_read", 0, kBig, runtime.orchestration_read),
      MEMBER("runtime.dummy", 0, kBig, runtime.dummy),
      MEMBER("runtime.startup", 0, 1e9, runtime.startup),
      MEMBER("runtime.task_window", 4, 1e9, runtime.task_window),
      MEMBER("runtime.heap_bytes", 1024, 1024 * kGiB, runtime.heap_bytes),
      MEMBER("runtime.dep_pool", 4, 1e9, runtime.dep_pool),
      MEMBER("runtime.queue_depth", 1, 1e6, runtime.queue_depth),
  };
  return table;
}

#undef MEMBER

const std::vector<Binding>& recorded_keys() {
  static const std::vector<Binding> table = [] {
    // Facts of hardware.md §10 that no mechanism of the machine reads (yet).
    std::vector<Binding> keys;
    for (const char* key : {"soc.aicpu_usable",
                            "soc.dies",
                            "memory.bt",
                            "memory.fb",
                            "memory.mx_l0a",
                            "memory.mx_l0b",
                            "memory.ssb",
                            "align.ub",
                            "align.l1",
                            "align.l0ab",
                            "align.l0c",
                            "align.bt",
                            "ub.banks",
                            "ub.groups",
                            "ub.bank_row",
                            "ub.subbank",
                            "l1.banks",
                            "vf.call",
                            "mte2.queue_depth",
                            "fix.to_l1_fixed",
                            "fix.to_l1_elements",
                            "fix.to_ub_dual_bytes",
                            "fix.unit_flag",
                            "mte1.latency_3d",
                            "mte1.bt_latency",
                            "mte1.bt_bytes",
                            "mte1.fb_latency",
                            "mte1.mx_scale_bytes",
                            "mte1.to_ub_latency",
                            "mte1.to_ub_bytes",
                            "cube.mac_i4",
                            "cube.mac_fp4",
                            "simt.warps",
                            "simt.hit",
                            "simt.miss",
                            "simt.launch",
                            "hbm.gib",
                            "hbm.extra_latency",
                            "runtime.handshake"})
      keys.push_back(Binding{key, 0, 1e12, Kind::Real, nullptr});
    return keys;
  }();
  return table;
}

const std::vector<OpMember>& op_members() {
  static const std::vector<OpMember> table = {
      {"head", &VectorOp::head},
      {"tail", &VectorOp::tail},
      {"slope", &VectorOp::slope},
      {"slope16", &VectorOp::slope16},
      {"setup", &VectorOp::setup},
      {"row", &VectorOp::row},
      {"strided_slope", &VectorOp::strided_slope},
      {"strided_row", &VectorOp::strided_row},
      {"strided_fixed", &VectorOp::strided_fixed},
  };
  return table;
}

}  // namespace chips::detail
