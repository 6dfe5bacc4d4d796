// The hand-over between the cube and the vector half of a mixed block: pushes, pops and frees with
// their ring slots and cross-core events (kernel-language.md §3.3).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lower/halves.h"
#include "lower/spaces.h"
#include "lower/split.h"
#include "lower/work.h"

namespace lower {

/// One tile on its way through the ring.
struct Crossing {
  int32_t number = 0;                                  ///< k-th push of its direction
  std::array<uint32_t, 3> slot{kNone, kNone, kNone};   ///< ring slot value, by consuming stream
  std::array<uint32_t, 3> value{kNone, kNone, kNone};  ///< what the consumer uses
  std::array<size_t, 3> last_use{};                    ///< position in the consumer's stream
  std::array<int8_t, 3> last_pipe{};
  std::array<int32_t, 3> full{-1, -1, -1};   ///< by producing stream
  std::array<int32_t, 3> empty{-1, -1, -1};  ///< by consuming stream
  std::array<bool, 3> popped{};
  bool to_vector = false;
  uint16_t rows = 0, cols = 0;  ///< the whole value, or the window that crosses
  uint16_t valid_rows = 0, valid_cols = 0;
  uint32_t source = kNone, offset = 0;
};

/// Push k raises "full k", which pop k waits for; free k raises "empty k", which push k + depth
/// waits for. Keeps the recorded order of each half.
class Handover {
 public:
  /// `axes`: how the vector lanes share each value (all Whole without a split).
  Handover(BlockWork& work, const BlockSpaces& spaces, const ScopePlan& plan,
           const std::vector<HalfAxis>& axes, int32_t block, const std::vector<std::string>& sites)
      : work_(work),
        record_(*work.record),
        spaces_(spaces),
        plan_(plan),
        axes_(axes),
        block_(block),
        sites_(sites) {}

  /// Finds what crosses and reserves the rings. Call before the first operation is placed.
  void start();

  /// After operation `i` was placed by vector lane `lane` (-1: outside lane regions, or the cube):
  /// hands its result over if the other half needs this version of it.
  void push_result(size_t i, int lane);

  /// Pops, in stream `s`, what the operation about to be placed there needs from the other half.
  /// Error "lower.undefined-tile" when the other half has not written it.
  void pop_operands(const pl::Op& op, int s);

  /// The popped tile in place of `ref`, for the operation about to be appended to stream `s`, which
  /// reads it on `pipe`.
  pl::TileRef consume(const pl::TileRef& ref, int s, isa::Pipe pipe);

  /// A TFREE behind the last use of every popped tile. Call once, at the end.
  void insert_frees();

 private:
  struct Free {
    bool to_vector;
    int32_t number;
    int stream;
  };

  template <class F>
  void for_each_foreign(const pl::Op& op, F&& f) const;
  Crossing& crossing(uint32_t value, int s);
  std::vector<Item>& stream(int s) { return work_.streams[static_cast<size_t>(s)]; }
  Item& append(int s, const pl::Op& op, isa::Pipe pipe);
  int32_t new_event() { return work_.events++; }

  pl::TileRef whole_ref(uint32_t v, uint16_t valid_rows, uint16_t valid_cols) const;
  pl::TileRef source_ref(const Crossing& c) const;
  bool halved(const Crossing& c) const {
    return plan_.split != pl::SplitMode::None && axes_[c.source] != HalfAxis::Whole;
  }
  isa::GmAccess ring_window(const Crossing& c) const;
  uint32_t slot_value(const Crossing& c);

  bool in_windows(uint32_t value) const {
    return plan_.ring.by_window && spaces_.space[value] == isa::MemSpace::L0C &&
           spaces_.windowed[value];
  }
  void push(const pl::Op& op, Crossing c, int lane);
  void push_window(const pl::TileRef& window, const pl::Op& reader);
  void push_to_vector(const pl::Op& op, Crossing& c, const Crossing* previous);
  void push_to_cube(const pl::Op& op, Crossing& c, const Crossing* previous, int lane);
  void fill_push(pl::Op& p, const Crossing& c, int lane);
  void wait_for(int s, int32_t event, isa::Pipe pipe, isa::SiteId site);
  void pop_on_cube(Crossing& c);
  void pop_on_lane(Crossing& c, int s);
  void idle_pop(Crossing& c);
  void note_pop(Crossing& c, int s, isa::Pipe pipe);
  std::pair<size_t, Item> free_item(const Free& f);

  BlockWork& work_;
  const pl::BlockRecord& record_;
  const BlockSpaces& spaces_;
  const ScopePlan& plan_;
  const std::vector<HalfAxis>& axes_;
  const int32_t block_;
  const std::vector<std::string>& sites_;

  std::vector<bool> push_;             ///< by operation: its result is handed over
  std::vector<bool> made_;             ///< by value: written, for those that cross in windows
  std::vector<uint32_t> crossing_of_;  ///< by value: its latest crossing
  std::vector<Crossing> to_vector_, to_cube_;
  std::vector<Free> frees_;
};

}  // namespace lower
