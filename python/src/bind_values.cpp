// Classes Tensor, Tile, DType and TaskId.
#include "python/src/values.h"

namespace front {
namespace {

py::tuple tuple_of(const Dims& dims) {
  py::tuple t(dims.size());
  for (size_t i = 0; i < dims.size(); ++i) t[i] = py::int_(dims[i]);
  return t;
}

py::object tensor_item(const PyTensor& t, py::handle subscript) {
  const Window w = window_of(subscript, t.tensor.shape());
  if (w.element) return read_element(py::cast(t), w.offsets);
  if (in_scope()) return load_window(t, w.offsets, w.extents, w.kept);
  pl::Tensor view = t.tensor.view(w.offsets, w.extents, here());
  // Only axes the author indexed go; a slice of extent one stays.
  int axis = 0;
  const Dims all = w.extents;
  const bool tuple = PyTuple_Check(subscript.ptr());
  for (size_t i = 0; i < all.size(); ++i) {
    const bool indexed =
        tuple ? i < static_cast<size_t>(PyTuple_GET_SIZE(subscript.ptr())) &&
                    !PySlice_Check(PyTuple_GET_ITEM(subscript.ptr(), static_cast<Py_ssize_t>(i)))
              : i == 0 && !PySlice_Check(subscript.ptr());
    if (indexed)
      view = view.select(axis, 0, here());
    else
      ++axis;
  }
  return py::cast(PyTensor{view});
}

void set_tensor_item(const PyTensor& t, py::handle subscript, py::handle value) {
  const Window w = window_of(subscript, t.tensor.shape());
  if (w.element && is_number(value)) {
    write_element(py::cast(t), w.offsets, value);
    return;
  }
  store_window(value, t, w.offsets, w.extents, false);
}

py::object tile_item(const PyTile& t, py::handle subscript) {
  const Window w = window_of(subscript, t.shape);
  if (w.element) return read_element(py::cast(t), w.offsets);
  if (!in_scope()) return tensor_item(to_gm(t), subscript);
  return py::cast(sub_tile(t, w.offsets, w.extents, w.kept));
}

void set_tile_item(PyTile& t, py::handle subscript, py::handle value) {
  const Window w = window_of(subscript, t.shape);
  if (w.element && is_number(value)) {
    write_element(py::cast(t), w.offsets, value);
    return;
  }
  const auto [row, col] = corner_of(t.shape, w.offsets, w.extents);
  t.tile = pl::assemble(t.tile, operand(value, "assemble").tile, row, col, here());
}

}  // namespace

void bind_values(py::module_& m) {
  py::class_<PyDType>(m, "DType", "An element type: pl.FP32, pl.INT8, ...")
      .def_readonly("name", &PyDType::name)
      .def("__eq__",
           [](const PyDType& a, const py::object& b) {
             return py::isinstance<PyDType>(b) && a.name == b.cast<const PyDType&>().name;
           })
      .def("get_byte", [](const PyDType& a) { return isa::size_of(a.type); })
      .def("__hash__", [](const PyDType& a) { return std::hash<std::string>()(a.name); })
      .def("__repr__", [](const PyDType& a) { return "pl." + a.name; });
  const auto type = [&](const char* name, isa::DType t, bool scalar_only = false) {
    m.attr(name) = PyDType{name, t, scalar_only};
  };
  type("FP32", isa::DType::F32);
  type("BF16", isa::DType::BF16);
  type("FP16", isa::DType::F16);
  type("INT8", isa::DType::I8);
  type("UINT8", isa::DType::U8);
  type("INT16", isa::DType::I16);
  type("UINT16", isa::DType::U16);
  type("INT32", isa::DType::I32);
  type("UINT32", isa::DType::U32);
  type("INT64", isa::DType::I64);
  type("BOOL", isa::DType::U8);
  type("INDEX", isa::DType::I64, true);
  type("TASK_ID", isa::DType::I64, true);

  py::class_<pl::TaskId>(m, "TaskId", "Handle of a submitted task, for deps=")
      .def("__repr__",
           [](const pl::TaskId& t) { return "TaskId(" + std::to_string(t.value) + ")"; });

  py::class_<PyTensor>(m, "Tensor", "A view of a GM buffer")
      .def_property_readonly("shape", [](const PyTensor& t) { return tuple_of(t.tensor.shape()); })
      .def(
          "bind_dynamic",
          [](const PyTensor& t, size_t axis, py::handle dim) {
            if (axis >= t.tensor.shape().size())
              fail("lang.rank", "axis " + std::to_string(axis) + " of a tensor of rank " +
                                    std::to_string(t.tensor.shape().size()));
            dim.attr("extent") = t.tensor.shape()[axis];  // pl.dynamic works as a number from here
          },
          py::arg("axis"), py::arg("dim"))
      .def("__bool__",
           [](const PyTensor&) -> bool {
             fail("front.truth", "a tensor is neither true nor false; pl.read gives an element");
           })
      .def("__getitem__", &tensor_item)
      .def("__setitem__", &set_tensor_item);
  py::class_<PyTile>(m, "Tile", "A value on a core")
      .def_property_readonly("shape", [](const PyTile& t) { return tuple_of(t.shape); })
      .def("__bool__",
           [](const PyTile&) -> bool {
             fail("front.truth", "a tile is neither true nor false; pl.read gives an element");
           })
      .def("__getitem__", &tile_item)
      .def("__setitem__", &set_tile_item);
}

}  // namespace front
