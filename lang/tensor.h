// Tensor (a view of a GM buffer) and Tile (a value on a core).
#pragma once

#include <boost/container/static_vector.hpp>
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
using isa::TaskId;
using Dims = boost::container::static_vector<int64_t, 6>;  ///< rank 1..6

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
  /// The view of index `index` along `axis`, without that axis (an integer subscript).
  Tensor select(int axis, int64_t index, Site site = Site::here()) const;

 private:
  isa::BufferId buffer_;
  DType dtype_ = DType::F32;
  Dims shape_, strides_;
  int64_t offset_ = 0;
};

class TileData;  // storage of one value (lang/tile_data.h)

/// A two-dimensional value in a core's memory, with the part that holds data (`valid_rows` x
/// `valid_cols`). A Tile is a handle: operations yield new tiles, `assemble` into a tile,
/// `matmul_acc` and `write` modify in place. Using a tile of an earlier one-block scope makes it
/// travel through an implicit GM temporary (kernel-language.md §2.4): the later scope works on a
/// loaded copy.
class Tile {
 public:
  Tile() = default;
  Tile(std::shared_ptr<TileData> data, TileRef ref);

  DType dtype() const { return ref_.dtype; }
  int64_t rows() const { return transposed_ ? ref_.cols : ref_.rows; }
  int64_t cols() const { return transposed_ ? ref_.rows : ref_.cols; }
  int64_t valid_rows() const { return transposed_ ? ref_.valid_cols : ref_.valid_rows; }
  int64_t valid_cols() const { return transposed_ ? ref_.valid_rows : ref_.valid_cols; }
  bool present() const { return data_ != nullptr; }
  const TileRef& ref() const { return ref_; }
  const std::shared_ptr<TileData>& data() const { return data_; }

  /// A view made by `transpose_view`: only a matmul's second operand may be one.
  bool transposed() const { return transposed_; }
  Tile transposed_view() const;

  /// A sub-window of this tile: an alias, no instruction (kernel-language.md §2.4).
  /// Errors: "lang.tile-window" (outside the tile, or not 32 B aligned: use pl::slice).
  Tile window(int64_t row, int64_t col, int64_t rows, int64_t cols, Site site = Site::here()) const;

 private:
  std::shared_ptr<TileData> data_;
  TileRef ref_;
  bool transposed_ = false;
};

}  // namespace pl
