#include "python/src/values.h"

#include <algorithm>
#include <vector>

#include "lang/block.h"

namespace front {
namespace {

struct ImplicitLoad {
  pl::Tensor tensor;
  PyTile tile;
};
thread_local std::vector<ImplicitLoad> implicit_loads;

bool same_view(const pl::Tensor& a, const pl::Tensor& b) {
  return a.buffer() == b.buffer() && a.offset() == b.offset() && a.shape() == b.shape() &&
         a.strides() == b.strides();
}

PyTile load_whole(const PyTensor& t) {
  for (const ImplicitLoad& l : implicit_loads)
    if (same_view(l.tensor, t.tensor)) return l.tile;
  PyTile tile{pl::load(t.tensor, here()), t.tensor.shape()};
  implicit_loads.push_back({t.tensor, tile});
  return tile;
}

}  // namespace

void fail(const char* id, const std::string& message) { pl::fail(id, here(), message); }

bool in_scope() { return pl::current_block() != nullptr; }

bool is_number(py::handle h) {
  if (PyLong_Check(h.ptr()) || PyFloat_Check(h.ptr())) return true;
  return PyNumber_Check(h.ptr()) && as_tile(h) == nullptr && as_tensor(h) == nullptr;
}

int64_t integer_of(py::handle h, const char* what) {
  if (PyLong_Check(h.ptr())) return PyLong_AsLongLong(h.ptr());
  if (PyIndex_Check(h.ptr())) {
    const py::object index = py::reinterpret_steal<py::object>(PyNumber_Index(h.ptr()));
    if (!index) throw py::error_already_set();
    return PyLong_AsLongLong(index.ptr());
  }
  fail("front.integer",
       std::string(what) + " is " + std::string(py::str(py::repr(h))) + ", not an integer");
}

Dims dims_of(py::handle h, const char* what) {
  Dims dims;
  const auto add = [&](py::handle item) {
    if (dims.size() == dims.capacity())
      fail("lang.rank",
           std::string(what) + " has more than " + std::to_string(dims.capacity()) + " dimensions");
    dims.push_back(integer_of(item, what));
  };
  if (PyList_Check(h.ptr()) || PyTuple_Check(h.ptr())) {
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(h.ptr());
    for (Py_ssize_t i = 0; i < n; ++i) add(PySequence_Fast_GET_ITEM(h.ptr(), i));
  } else {
    add(h);
  }
  return dims;
}

const PyTile* as_tile(py::handle h) {
  static const py::handle type = py::type::of<PyTile>().release();
  return Py_TYPE(h.ptr()) == reinterpret_cast<PyTypeObject*>(type.ptr())
             ? static_cast<const PyTile*>(h.cast<PyTile*>())
             : nullptr;
}

const PyTensor* as_tensor(py::handle h) {
  static const py::handle type = py::type::of<PyTensor>().release();
  return Py_TYPE(h.ptr()) == reinterpret_cast<PyTypeObject*>(type.ptr())
             ? static_cast<const PyTensor*>(h.cast<PyTensor*>())
             : nullptr;
}

PyTile operand(py::handle h, const char* op) {
  if (const PyTile* t = as_tile(h)) return *t;
  if (const PyTensor* t = as_tensor(h)) {
    if (!in_scope())
      fail("lang.outside-scope", std::string(op) + " is only possible inside at / spmd");
    return load_whole(*t);
  }
  fail("front.operand", std::string(op) + " takes tiles and tensors, not " +
                            std::string(py::str(py::type::handle_of(h).attr("__name__"))));
}

void forget_loads() { implicit_loads.clear(); }

void forget_loads(isa::BufferId buffer) {
  implicit_loads.erase(
      std::remove_if(implicit_loads.begin(), implicit_loads.end(),
                     [&](const ImplicitLoad& l) { return l.tensor.buffer() == buffer; }),
      implicit_loads.end());
}

int64_t product(const Dims& dims) {
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  return n;
}

pl::Shape2 folded(const Dims& shape) {
  if (shape.empty()) return {1, 1};
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) rows *= shape[i];
  return {rows, shape.back()};
}

PyTile wrap(pl::Tile tile) {
  const Dims shape{tile.rows(), tile.cols()};
  return {std::move(tile), shape};
}

PyTile wrap(pl::Tile tile, const Dims& like) {
  if (like.empty() || folded(like).rows != tile.rows()) return wrap(std::move(tile));
  Dims shape = like;
  shape.back() = tile.cols();
  return {std::move(tile), shape};
}

PyTensor to_gm(const PyTile& t) { return {pl::spill(t.tile, here()).reshape(t.shape, here())}; }

std::string shape_text(const Dims& dims) {
  std::string s = "[";
  for (size_t i = 0; i < dims.size(); ++i) s += (i ? ", " : "") + std::to_string(dims[i]);
  return s + "]";
}

Window window_of(py::handle subscript, const Dims& shape) {
  Window w;
  w.element = true;
  const auto add = [&](py::handle item) {
    const size_t axis = w.offsets.size();
    if (axis == shape.size())
      fail("lang.rank", "a subscript with more than the " + std::to_string(shape.size()) +
                            " dimensions of shape " + shape_text(shape));
    if (!PySlice_Check(item.ptr())) {
      w.offsets.push_back(integer_of(item, "a subscript"));
      w.extents.push_back(1);
      return;
    }
    const auto* slice = reinterpret_cast<PySliceObject*>(item.ptr());
    if (slice->step != Py_None && integer_of(slice->step, "a slice's step") != 1)
      fail("front.slice-step", "slices have step 1");
    const int64_t begin = slice->start == Py_None ? 0 : integer_of(slice->start, "a slice");
    const int64_t end = slice->stop == Py_None ? shape[axis] : integer_of(slice->stop, "a slice");
    w.offsets.push_back(begin);
    w.extents.push_back(end - begin);
    w.kept.push_back(end - begin);
    w.element = false;
  };
  if (PyTuple_Check(subscript.ptr())) {
    const Py_ssize_t n = PyTuple_GET_SIZE(subscript.ptr());
    for (Py_ssize_t i = 0; i < n; ++i) add(PyTuple_GET_ITEM(subscript.ptr(), i));
  } else {
    add(subscript);
  }
  for (size_t axis = w.offsets.size(); axis < shape.size(); ++axis) {
    w.element = false;
    w.offsets.push_back(0);
    w.extents.push_back(shape[axis]);
    w.kept.push_back(shape[axis]);
  }
  return w;
}

std::pair<int64_t, int64_t> corner_of(const Dims& shape, const Dims& offsets, const Dims& extents) {
  if (offsets.size() != shape.size() || extents.size() != shape.size())
    fail("lang.rank", "window " + shape_text(extents) + " at " + shape_text(offsets) +
                          " of a tile of shape " + shape_text(shape));
  int64_t row = 0;
  bool several = false;  // an outer dimension spans more than one index: inner ones must be whole
  for (size_t i = 0; i + 1 < shape.size(); ++i) {
    if (several && (offsets[i] != 0 || extents[i] != shape[i]))
      fail("front.window", "window " + shape_text(extents) + " at " + shape_text(offsets) +
                               " of a tile of shape " + shape_text(shape) +
                               " is not a block of rows");
    row = row * shape[i] + offsets[i];
    several = several || extents[i] > 1;
  }
  return {row, offsets.empty() ? 0 : offsets.back()};
}

PyTile sub_tile(const PyTile& t, const Dims& offsets, const Dims& extents, const Dims& kept) {
  const auto [row, col] = corner_of(t.shape, offsets, extents);
  const pl::Shape2 size = folded(extents);
  PyTile out = wrap(pl::slice(t.tile, row, col, size.rows, size.cols, here()));
  if (folded(kept).rows == size.rows && folded(kept).cols == size.cols) out.shape = kept;
  return out;
}

py::object load_window(const PyTensor& t, const Dims& offsets, const Dims& extents,
                       const Dims& kept, pl::Shape2 valid, pl::TileSpace space) {
  const isa::Site site = here();
  pl::Tile tile = space == pl::TileSpace::Mat ? pl::load_l1(t.tensor, offsets, extents, valid, site)
                                              : pl::load(t.tensor, offsets, extents, valid, site);
  PyTile out = wrap(std::move(tile));
  if (!kept.empty() && folded(kept).rows == out.tile.rows() && folded(kept).cols == out.tile.cols())
    out.shape = kept;
  return py::cast(std::move(out));
}

py::object store_window(py::handle value, const PyTensor& t, const Dims& offsets,
                        const Dims& extents, bool atomic) {
  if (!in_scope())
    fail("lang.outside-scope", "storing into a tensor is only possible inside at / spmd");
  const PyTile tile = operand(value, "store");
  pl::store(tile.tile, offsets, t.tensor, atomic, extents, here());
  forget_loads(t.tensor.buffer());
  return py::cast(t);
}

py::object read_element(py::handle source, const Dims& index) {
  const isa::Site site = here();
  if (const PyTensor* t = as_tensor(source)) {
    switch (t->tensor.dtype()) {
      case isa::DType::F32:
      case isa::DType::BF16:
      case isa::DType::F16:
        return py::float_(pl::read(t->tensor, index, site));
      default:
        return py::int_(pl::read_int(t->tensor, index, site));
    }
  }
  const PyTile tile = operand(source, "read");
  Dims at = index;
  if (at.size() == 1 && tile.shape.size() == 2)
    at = {index[0] / tile.shape[1], index[0] % tile.shape[1]};
  const auto [row, col] = corner_of(tile.shape, at, Dims(at.size(), 1));
  const double value = pl::read(tile.tile, row, col, site);
  switch (tile.tile.dtype()) {
    case isa::DType::F32:
    case isa::DType::BF16:
    case isa::DType::F16:
      return py::float_(value);
    default:
      return py::int_(static_cast<int64_t>(value));
  }
}

void write_element(py::handle target, const Dims& index, py::handle value) {
  const isa::Site site = here();
  const double number = PyFloat_AsDouble(value.ptr());
  if (number == -1.0 && PyErr_Occurred()) throw py::error_already_set();
  if (const PyTensor* t = as_tensor(target)) {
    const isa::DType type = t->tensor.dtype();
    const bool floating =
        type == isa::DType::F32 || type == isa::DType::BF16 || type == isa::DType::F16;
    if (!floating && PyLong_Check(value.ptr()))
      pl::write_int(t->tensor, index, PyLong_AsLongLong(value.ptr()), site);
    else
      pl::write(t->tensor, index, number, site);
    forget_loads(t->tensor.buffer());
    return;
  }
  const PyTile tile = operand(target, "write");
  Dims at = index;
  if (at.size() == 1 && tile.shape.size() == 2)
    at = {index[0] / tile.shape[1], index[0] % tile.shape[1]};
  const auto [row, col] = corner_of(tile.shape, at, Dims(at.size(), 1));
  pl::write(tile.tile, row, col, number, site);
}

}  // namespace front
