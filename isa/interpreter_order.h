// The sync sanitizer: proves that every conflict between two instructions of a block is ordered by
// dependency edges, in-order pipes, barriers or cross-core events.
#pragma once

#include <array>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "isa/graph.h"
#include "isa/interpreter_memory.h"

namespace isa::interp {

inline constexpr int kStreams = 3;  ///< AIC, AIV0, AIV1
inline constexpr int kUnits = kStreams * kPipes;

/// "AIC", "AIV0", "AIV1"
const char* stream_name(int stream);

/// What an instruction knows when it starts. Per unit (a pipe of a stream): instructions with a
/// stream index below `complete` have ended, those below `released` have read their sources.
struct Clock {
  std::array<uint32_t, kUnits> complete{};
  std::array<uint32_t, kUnits> released{};

  void join(const Clock& other);
};

/// Who touched each byte of one address range last.
class AccessMap {
 public:
  struct Access {
    uint8_t unit = 0;
    bool atomic = false;
    uint32_t index = 0;
  };
  struct Conflict {
    const char* kind = nullptr;  ///< "read after write", ...; null = none
    Access earlier;
    int64_t byte = 0;
  };

  void clear() { segments_.clear(); }
  Conflict read(ByteRange range, Access access, const Clock& clock);
  Conflict write(ByteRange range, Access access, const Clock& clock);

 private:
  using List = boost::container::small_vector<Access, 2>;
  struct Segment {
    int64_t end = 0;
    List writers;  ///< one, or several atomic adds, which commute
    List readers;  ///< latest of each unit since the last write
  };
  using Segments = std::map<int64_t, Segment>;

  void split_at(int64_t at);
  void add_atomic(ByteRange range, Access access);

  Segments segments_;
};

/// Order bookkeeping of one block.
class OrderTracker {
 public:
  void reset(const BlockCode& code);

  /// Computes what instruction `index` of `stream` knows at its start; later calls concern it.
  /// Error "isa.order" for an edge that names a later instruction or one of another pipe.
  void begin(int stream, uint32_t index, const Instr& instr);
  /// An access of the current instruction. Error "isa.order" when a conflict is not ordered.
  void read(AccessMap& map, const std::vector<ByteRange>& ranges);
  void write(AccessMap& map, const std::vector<ByteRange>& ranges, bool atomic = false);
  /// Records the current instruction's end and raises its event.
  void end(const Instr& instr);

  /// A SYNCALL: afterwards the SYNCALLs at `index[s]` (kNone: stream not taking part) know all that
  /// any of them knew.
  static constexpr uint32_t kNone = static_cast<uint32_t>(-1);
  void join_at_barrier(const std::array<uint32_t, kStreams>& index);

 private:
  [[noreturn]] void fail(const AccessMap::Conflict& conflict) const;

  const BlockCode* code_ = nullptr;
  std::array<std::vector<Clock>, kStreams> clocks_;  ///< by stream index: knowledge at start
  std::array<uint32_t, kUnits> last_{};              ///< latest begun instruction + 1 per unit
  std::vector<Clock> events_;
  int stream_ = 0;
  uint32_t index_ = 0;
  int unit_ = 0;
};

const Stream& stream_of(const BlockCode& code, int stream);

}  // namespace isa::interp
