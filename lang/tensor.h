// Tensor (a view of a GM buffer) and Tile (a value on a core).
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include "isa/error.h"
#include "isa/types.h"
#include "lang/record.h"

namespace pl {

using isa::DType;
using isa::Site;
using Dims = boost::container::small_vector<int64_t, 4>;

/// A strided view of a GM buffer. Views are cheap and alias their buffer.
/// Errors: "lang.rank", "lang.out-of-range" (a view that starts outside its tensor),
/// "lang.reshape" (element counts differ or the view is not contiguous).
class Tensor {
 public:
  Tensor() = default;
  Tensor(isa::BufferId buffer, DType dtype, Dims shape, Dims strides, int64_t offset);

  DType dtype() const { return dtype_; }
  const Dims& shape() const { return shape_; }
  const Dims& strides() const { return strides_; }
  int64_t dim(int axis) const;  ///< runtime extent; negative axes count from the end
  int64_t offset() const { return offset_; }
  int64_t numel() const;
  isa::BufferId buffer() const { return buffer_; }
  bool present() const { return buffer_.valid(); }

  /// Orchestration views: no copy.
  Tensor view(Dims offsets, Dims shape, Site site = Site::here()) const;
  Tensor reshape(Dims shape, Site site = Site::here()) const;
  Tensor transpose(int axis0, int axis1, Site site = Site::here()) const;

 private:
  isa::BufferId buffer_;
  DType dtype_ = DType::F32;
  Dims shape_, strides_;
  int64_t offset_ = 0;
};

class TileData;  // storage of one value (lang/tile_data.h)

/// A two-dimensional value in a core's memory, with the part that holds data (`valid_rows` x
/// `valid_cols`). A Tile is a handle: operations yield new tiles, `assemble` into a tile, `matmul_acc`
/// and `write` modify in place. Usable only inside the scope that made it, except that lower turns a
/// tile used in a later scope into a GM temporary.
class Tile {
 public:
  Tile() = default;
  Tile(std::shared_ptr<TileData> data, TileRef ref);

  DType dtype() const { return ref_.dtype; }
  int64_t rows() const { return ref_.rows; }
  int64_t cols() const { return ref_.cols; }
  int64_t valid_rows() const { return ref_.valid_rows; }
  int64_t valid_cols() const { return ref_.valid_cols; }
  bool present() const { return data_ != nullptr; }
  const TileRef& ref() const { return ref_; }
  const std::shared_ptr<TileData>& data() const { return data_; }

  /// A sub-window of this tile: an alias, no instruction (kernel-language.md §2.4).
  /// Errors: "lang.tile-window".
  Tile window(int64_t row, int64_t col, int64_t rows, int64_t cols, Site site = Site::here()) const;

 private:
  std::shared_ptr<TileData> data_;
  TileRef ref_;
};

}  // namespace pl
