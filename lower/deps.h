// Task dependencies: which tensors a task uses and how, the edges the runtime derives from that,
// and the conflicts it does not see.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "isa/graph.h"
#include "lang/record.h"

namespace lower {

/// Fills the dependency side of a graph whose `tasks` stand in the order of `program.scopes` and
/// whose `buffers` begin with the program's (rings may follow): args, scalars, explicit_deps,
/// manual_scope and scope_depth of every task, `edges` and `orchestration`.
///
///  - A task has one argument per GM buffer it touches, in order of first use: the bounding box of
///    its accesses over all blocks in the buffer's own dimensions. (pypto passes the view captured
///    by the body; the record knows only windows. The box is never larger than that view, so every
///    edge is one the data needs or the view would have given.) An atomic add reads and writes.
///  - Directions: kernel-language.md §2.5 and runtime.md §1.5. A pure writer is OUTPUT_EXISTING,
///    or INOUT inside a sequential orchestration loop, after a sibling that wrote the same buffer
///    or when the program parameter is INOUT; a sibling is a scope at another source position that
///    was first submitted before this position was. A Temp buffer without an Alloc event and the GM
///    ring of a mixed task are runtime-allocated OUTPUTs.
///  - Edges: creator, TensorMap and explicit ones, the first found per pair, sorted by (succ,
///  pred).
///  - Orchestration: Alloc events of a runtime scope become one Alloc at its head (or behind the
///  last
///    blocking Read before them); heap_bytes counts 1024 B slots. A Submit's heap_bytes are those
///    of its OUTPUTs. Read (also for a scalar write) waits for the buffer's known writers.
///
/// Error "lower.deps": a dependency on a task that is not submitted before.
void derive_dependencies(const pl::RecordedProgram& program, isa::TaskGraph& graph);

enum class HazardKind : uint8_t { ReadAfterWrite, WriteAfterRead, WriteAfterWrite };

/// Two tasks touch the same element, at least one writes it, and no path orders them.
struct Hazard {
  isa::TaskId first, second;  ///< in submission order
  isa::BufferId buffer;
  HazardKind kind = HazardKind::ReadAfterWrite;
  int64_t element = 0;  ///< first element both touch, in elements of the buffer
};

/// Every such pair, from the exact footprints of all blocks, sorted by (second, first, buffer,
/// kind). A pair both of whose accesses an ordered writer in between has superseded is not
/// repeated. Atomic adds among themselves are no hazard. Ordering paths are the graph's edges and
/// the blocking Reads of the orchestration, so call derive_dependencies first.
std::vector<Hazard> find_hazards(const pl::RecordedProgram& program, const isa::TaskGraph& graph);

/// "hazard WAR: kv_cache[12, 0]: scope attn (task 7) reads, scope update (task 9) writes,
/// unordered"
std::string describe(const Hazard& hazard, const isa::TaskGraph& graph);

}  // namespace lower
