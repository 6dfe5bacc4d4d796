#include "lang/window.h"

#include <algorithm>
#include <string>
#include <utility>

#include "lang/block.h"

namespace pl {
namespace {

std::string text(const Dims& dims) {
  std::string s = "[";
  for (size_t i = 0; i < dims.size(); ++i) s += (i ? ", " : "") + std::to_string(dims[i]);
  return s + "]";
}

/// The extents of one axis of a window: asked for, and inside the tensor.
struct Axis {
  int64_t extent = 1, inside = 1, stride = 1;
};

/// Folds `outer` around the rows collected so far; false when no single row stride covers both.
bool fold(Axis& rows, const Axis& outer) {
  if (outer.extent == 1) return true;
  if (rows.extent == 1) {
    rows = outer;
    return true;
  }
  if (outer.stride != rows.extent * rows.stride || rows.inside != rows.extent) return false;
  rows.inside = rows.extent * outer.inside;
  rows.extent *= outer.extent;
  return true;
}

}  // namespace

std::string describe_window(const Tensor& t, const Dims& offsets, const Dims& extent) {
  return text(extent) + " at " + text(offsets) + " of " + text(t.shape());
}

GmWindow fold_window(const Tensor& t, const Dims& offsets, const Dims& extent, const char* error_id,
                     Site site) {
  const size_t rank = t.shape().size();
  if (!t.present()) fail("lang.no-tensor", site, "the tensor has never been assigned");
  // A rank-1 tensor is one row.
  const bool row_vector = rank == 1 && extent.size() == 2 && extent[0] == 1;
  if (offsets.size() != rank || extent.empty() || (extent.size() > rank && !row_vector))
    fail("lang.rank", site,
         "window " + describe_window(t, offsets, extent) + ": offsets need the tensor's rank " +
             std::to_string(rank) + " and the extent at most that");

  int64_t offset = t.offset();
  Axis rows, cols;
  rows.stride = rank >= 2 ? t.strides()[rank - 2] : 1;
  for (size_t back = 1; back <= rank; ++back) {
    const size_t axis = rank - back;
    Axis a;
    a.extent = back <= extent.size() ? extent[extent.size() - back] : 1;
    a.stride = t.strides()[axis];
    const int64_t room = t.shape()[axis] - offsets[axis];
    if (offsets[axis] < 0 || room <= 0 || a.extent <= 0)
      fail(error_id, site,
           "window " + describe_window(t, offsets, extent) + " starts outside or is empty");
    a.inside = std::min(a.extent, room);
    offset += offsets[axis] * a.stride;
    if (back == 1)
      cols = a;
    else if (!fold(rows, a))
      fail(error_id, site,
           "window " + describe_window(t, offsets, extent) +
               " cannot be folded into rows with one stride");
  }
  if (rows.extent > 65535 || cols.extent > 65535)
    fail("lang.tile-size", site,
         "window " + describe_window(t, offsets, extent) + " has more than 65535 rows or columns");

  GmWindow w;
  w.rows = rows.extent;
  w.cols = cols.extent;
  w.transposed = cols.extent > 1 && cols.stride != 1;
  if (w.transposed) {
    if (rows.extent > 1 && rows.stride != 1)
      fail(error_id, site,
           "window " + describe_window(t, offsets, extent) + " has no contiguous axis");
    std::swap(rows, cols);
  }
  w.gm.buffer = t.buffer();
  w.gm.dtype = t.dtype();
  w.gm.offset = offset;
  w.gm.row_stride = rows.stride;
  w.gm.rows = static_cast<int32_t>(rows.inside);
  w.gm.cols = static_cast<int32_t>(cols.inside);
  return w;
}

}  // namespace pl
