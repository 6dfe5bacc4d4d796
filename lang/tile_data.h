// Storage of one tile value and its origin.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "isa/semantics.h"
#include "lang/arena.h"
#include "lang/record.h"

namespace pl {

/// Who made a value: enough to tell whether the current block may use it directly.
struct Owner {
  uint64_t block_serial = 0;  ///< unique over all blocks of all sessions of the process
  uint64_t session_serial = 0;
  isa::TaskId task;
  int32_t block_num = 1;  ///< blocks of the producing scope
};

class TileData {
 public:
  TileData(const ValueInfo& value_info, ValueId value_id, const Owner& value_owner)
      : info(value_info),
        value(value_id),
        owner(value_owner),
        size_(static_cast<size_t>(value_info.bytes())),
        bytes_(static_cast<uint8_t*>(arena_allocate(size_))) {}
  ~TileData() { arena_release(bytes_, size_); }
  TileData(const TileData&) = delete;
  TileData& operator=(const TileData&) = delete;

  uint8_t* bytes() const { return bytes_; }

  /// Undefined contents: NaN for floats, 0xAB.. for integers, so that a use shows, or zeros.
  void undefine(bool poison) {
    const bool is_float = info.dtype == isa::DType::F32 || info.dtype == isa::DType::BF16 ||
                          info.dtype == isa::DType::F16;
    std::memset(bytes_, !poison ? 0 : is_float ? 0xff : 0xab, size_);
  }

  isa::TileView view(const TileRef& ref) const {
    return {bytes_ + static_cast<size_t>(ref.offset) * isa::size_of(ref.dtype),
            ref.dtype,
            ref.rows,
            ref.cols,
            ref.valid_rows,
            ref.valid_cols,
            ref.stride};
  }

  const ValueInfo info;
  const ValueId value;
  const Owner owner;
  bool from_cube = false;  ///< a matmul result: it may be converted on its way to GM (FIXPIPE)
  /// create_tile: nothing defined yet except the windows a matmul_acc has started.
  bool undefined = false;
  std::vector<TileRef> started;
  /// Windows that got an implicit GM temporary because a later scope uses them.
  std::vector<std::pair<TileRef, isa::BufferId>> spills;

 private:
  size_t size_;
  uint8_t* bytes_;
};

}  // namespace pl
