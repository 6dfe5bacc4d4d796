// Scalars: element reads and writes, host arithmetic, extents.
#include "python/src/values.h"

namespace front {
namespace {

const Dims& shape_of(py::handle h) {
  if (const PyTensor* t = as_tensor(h)) return t->tensor.shape();
  if (const PyTile* t = as_tile(h)) return t->shape;
  fail("front.operand", "dim takes a tensor or a tile");
}

/// Scalars are plain Python numbers: min and max are host arithmetic.
py::object extreme(const py::args& values, int op, const char* name) {
  if (values.empty()) fail("front.operand", std::string(name) + " of nothing");
  py::object best = values[0];
  for (py::handle v : values)
    if (PyObject_RichCompareBool(v.ptr(), best.ptr(), op) == 1)
      best = py::reinterpret_borrow<py::object>(v);
  return best;
}

/// Slots of task ids start without a task, numbers at zero.
py::list create_array(int64_t size, const PyDType& type) {
  py::list slots;
  for (int64_t i = 0; i < size; ++i)
    slots.append(type.name == "TASK_ID" ? py::object(py::none()) : py::object(py::int_(0)));
  return slots;
}

}  // namespace

void bind_scalars(py::module_& m) {
  m.def("min", [](const py::args& values) { return extreme(values, Py_LT, "min"); });
  m.def("max", [](const py::args& values) { return extreme(values, Py_GT, "max"); });
  m.def(
      "const",
      [](py::handle value, const PyDType& type) -> py::object {
        if (type.is_float()) return py::float_(py::reinterpret_borrow<py::object>(value));
        return py::reinterpret_borrow<py::object>(value);
      },
      py::arg("value"), py::arg("dtype"));
  m.def("array_create", &create_array, py::arg("extent"), py::arg("dtype"));
  const auto read = [&](const char* name, const char* source, const char* index) {
    m.def(
        name, [](py::handle s, py::handle i) { return read_element(s, dims_of(i, "an index")); },
        py::arg(source), py::arg(index));
  };
  read("read", "src", "offset");
  read("tensor_read", "tensor", "indices");
  read("tile_read", "tile", "indices");
  const auto write = [&](const char* name, const char* target, const char* index) {
    m.def(
        name,
        [](py::object t, py::handle i, py::handle value) {
          write_element(t, dims_of(i, "an index"), value);
          return t;
        },
        py::arg(target), py::arg(index), py::arg("value"));
  };
  write("write", "dst", "offset");
  write("tensor_write", "tensor", "indices");
  write("tile_write", "tile", "indices");
  m.def(
      "dim",
      [](py::handle source, int64_t axis) {
        const Dims& shape = shape_of(source);
        const auto rank = static_cast<int64_t>(shape.size());
        const int64_t at = axis < 0 ? axis + rank : axis;
        if (at < 0 || at >= rank)
          fail("lang.rank", "axis " + std::to_string(axis) + " of shape " + shape_text(shape));
        return shape[static_cast<size_t>(at)];
      },
      py::arg("tensor"), py::arg("axis"));
}

}  // namespace front
