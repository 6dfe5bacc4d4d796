// Which slots of which cores are taken: two per core (running + pending), clusters of one AIC and
// two AIV, owned by scheduler threads (runtime.md §1.2, §1.7). Plain C++, no time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "isa/graph.h"
#include "sim/queues.h"

namespace sim {

/// Idle cores first; pending slots sit behind a running job.
enum class SlotKind : uint8_t { Idle, Pending };

class CoreSlots {
 public:
  CoreSlots(int clusters, int threads);

  int clusters() const { return clusters_; }
  int cores() const { return 3 * clusters_; }
  /// Lane 0 AIC, 1 AIV0, 2 AIV1 of a cluster (runtime.md §1.2).
  isa::CoreId core(int cluster, int lane) const;
  int cluster_of(isa::CoreId core) const;
  isa::CoreKind kind(isa::CoreId core) const;
  int thread_of(isa::CoreId core) const { return cluster_of(core) % threads_; }

  /// Places for one block of `shape` each, owned by `thread` (-1: by anyone), lowest core first. A
  /// place is an AIC, an AIV or, for MIX, a cluster's AIC standing for all three cores.
  std::vector<isa::CoreId> free(Shape shape, SlotKind slot, int thread) const;
  bool any_free_elsewhere(Shape shape, SlotKind slot, int thread) const;
  int32_t count_free(Shape shape, SlotKind slot, int thread) const;

  /// Takes one block's slots at `place`: those of `lanes`; for MIX the other cores of the cluster
  /// stay reserved until the block is done.
  void take(Shape shape, isa::CoreId place, isa::TaskId task, int32_t block,
            const std::vector<int>& lanes);
  /// One lane of (task, block) on `core` was observed finished.
  void lane_done(isa::CoreId core, isa::TaskId task, int32_t block);

  /// A gated job occupies the core: nothing may queue behind it and it is not polled.
  void gate(isa::CoreId core) { ++at(core).gated; }
  void ungate(isa::CoreId core) { --at(core).gated; }
  void posted(isa::CoreId core) { ++at(core).posted; }
  /// A job the core's owner has to poll for.
  bool running(isa::CoreId core) const { return at(core).posted > at(core).gated; }

 private:
  struct Core {
    int taken = 0;   ///< slots claimed or reserved
    int posted = 0;  ///< jobs on the core
    int gated = 0;   ///< of those, waiting for the doorbell
  };
  struct MixBlock {
    isa::TaskId task;
    int32_t block = 0, lanes_left = 0;
    std::array<bool, 3> reserved{};  ///< cores kept without a job
  };
  Core& at(isa::CoreId core) { return cores_[core.value]; }
  const Core& at(isa::CoreId core) const { return cores_[core.value]; }
  bool open(isa::CoreId core, SlotKind slot) const;
  bool place_free(Shape shape, SlotKind slot, isa::CoreId place) const;
  template <class Visit>
  void visit_places(Shape shape, int thread, Visit&& visit) const;

  int clusters_, threads_;
  std::vector<Core> cores_;
  std::vector<std::vector<MixBlock>> mix_;  ///< by cluster, at most two in flight
};

}  // namespace sim
