#include "lang/tensor.h"

#include <algorithm>
#include <utility>

#include "lang/block.h"

namespace pl {
namespace {

std::string text(const Dims& dims) {
  std::string s = "[";
  for (size_t i = 0; i < dims.size(); ++i) s += (i ? ", " : "") + std::to_string(dims[i]);
  return s + "]";
}

int64_t product(const Dims& dims) {
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  return n;
}

Dims row_major_strides(const Dims& shape) {
  Dims strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

size_t checked_axis(const Tensor& t, int axis, Site site) {
  const int rank = static_cast<int>(t.shape().size());
  const int a = axis < 0 ? axis + rank : axis;
  if (a < 0 || a >= rank)
    fail("lang.rank", site,
         "axis " + std::to_string(axis) + " of a tensor of rank " + std::to_string(rank));
  return static_cast<size_t>(a);
}

}  // namespace

Tensor::Tensor(isa::BufferId buffer, DType dtype, Dims shape, Dims strides, int64_t offset)
    : buffer_(buffer),
      dtype_(dtype),
      shape_(std::move(shape)),
      strides_(std::move(strides)),
      offset_(offset) {}

int64_t Tensor::dim(int axis) const { return shape_[checked_axis(*this, axis, Site{})]; }

int64_t Tensor::numel() const { return product(shape_); }

Tensor Tensor::view(Dims offsets, Dims shape, Site site) const {
  if (offsets.size() != shape_.size() || shape.size() != shape_.size())
    fail("lang.rank", site,
         "view " + text(shape) + " at " + text(offsets) + " of a tensor of shape " + text(shape_));
  int64_t offset = offset_;
  for (size_t i = 0; i < shape_.size(); ++i) {
    if (offsets[i] < 0 || offsets[i] >= shape_[i] || shape[i] <= 0)
      fail(
          "lang.out-of-range", site,
          "view " + text(shape) + " at " + text(offsets) + " starts outside shape " + text(shape_));
    offset += offsets[i] * strides_[i];
    shape[i] = std::min(shape[i], shape_[i] - offsets[i]);  // clamped at the descriptor
  }
  return {buffer_, dtype_, std::move(shape), strides_, offset};
}

Tensor Tensor::reshape(Dims shape, Site site) const {
  if (product(shape) != numel())
    fail("lang.reshape", site,
         "shape " + text(shape_) + " does not have as many elements as " + text(shape));
  if (strides_ == row_major_strides(shape_)) {
    Dims strides = row_major_strides(shape);
    return {buffer_, dtype_, std::move(shape), std::move(strides), offset_};
  }
  // Not contiguous: only unit axes may come and go.
  Dims strides(shape.size(), 1);
  size_t from = 0;
  const auto skip_units = [&] {
    while (from < shape_.size() && shape_[from] == 1) ++from;
  };
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    skip_units();
    if (from == shape_.size() || shape_[from] != shape[i])
      fail("lang.reshape", site,
           "a strided view of shape " + text(shape_) + " cannot become " + text(shape));
    strides[i] = strides_[from++];
  }
  for (size_t i = shape.size(); i-- > 1;)
    if (shape[i - 1] == 1) strides[i - 1] = strides[i] * shape[i];
  return {buffer_, dtype_, std::move(shape), std::move(strides), offset_};
}

Tensor Tensor::transpose(int axis0, int axis1, Site site) const {
  const size_t a = checked_axis(*this, axis0, site), b = checked_axis(*this, axis1, site);
  Tensor t = *this;
  std::swap(t.shape_[a], t.shape_[b]);
  std::swap(t.strides_[a], t.strides_[b]);
  return t;
}

Tensor Tensor::select(int axis, int64_t index, Site site) const {
  const size_t a = checked_axis(*this, axis, site);
  if (index < 0 || index >= shape_[a])
    fail("lang.out-of-range", site,
         "index " + std::to_string(index) + " of axis " + std::to_string(axis) + " of shape " +
             text(shape_));
  Tensor t = *this;
  t.offset_ += index * strides_[a];
  t.shape_.erase(t.shape_.begin() + static_cast<std::ptrdiff_t>(a));
  t.strides_.erase(t.strides_.begin() + static_cast<std::ptrdiff_t>(a));
  return t;
}

Tile::Tile(std::shared_ptr<TileData> data, TileRef ref) : data_(std::move(data)), ref_(ref) {}

Tile Tile::transposed_view() const {
  Tile t = *this;
  t.transposed_ = !t.transposed_;
  return t;
}

Tile Tile::window(int64_t row, int64_t col, int64_t rows, int64_t cols, Site site) const {
  if (!present() || transposed_) fail("lang.tile-window", site, "the tile has no windows");
  if (row < 0 || col < 0 || rows <= 0 || cols <= 0 || row + rows > ref_.rows ||
      col + cols > ref_.cols)
    fail("lang.tile-window", site,
         "window [" + std::to_string(rows) + "x" + std::to_string(cols) + "] at (" +
             std::to_string(row) + ", " + std::to_string(col) + ") of a tile " + describe(*this));
  TileRef ref = ref_;
  ref.offset += static_cast<uint32_t>(row * ref_.stride + col);
  if (ref.offset * isa::size_of(ref.dtype) % 32 != 0)
    fail("lang.tile-window", site,
         "a window at (" + std::to_string(row) + ", " + std::to_string(col) + ") of a tile " +
             describe(*this) + " is not 32 B aligned");
  ref.rows = static_cast<uint16_t>(rows);
  ref.cols = static_cast<uint16_t>(cols);
  ref.valid_rows = static_cast<uint16_t>(std::clamp<int64_t>(ref_.valid_rows - row, 0, rows));
  ref.valid_cols = static_cast<uint16_t>(std::clamp<int64_t>(ref_.valid_cols - col, 0, cols));
  return {data_, ref};
}

}  // namespace pl
