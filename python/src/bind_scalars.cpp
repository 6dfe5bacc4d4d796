// Scalars: element reads and writes, host arithmetic, extents.
#include "python/src/values.h"

namespace front {
namespace {

const Dims& shape_of(py::handle h) {
  if (const PyTensor* t = as_tensor(h)) return t->tensor.shape();
  if (const PyTile* t = as_tile(h)) return t->shape;
  fail("front.operand", "dim takes a tensor or a tile");
}

}  // namespace

void bind_scalars(py::module_& m) {
  m.def(
      "read",
      [](py::handle source, py::handle index) {
        return read_element(source, dims_of(index, "an index"));
      },
      py::arg("source"), py::arg("indices"));
  m.def(
      "write",
      [](py::object target, py::handle index, py::handle value) {
        write_element(target, dims_of(index, "an index"), value);
        return target;
      },
      py::arg("target"), py::arg("indices"), py::arg("value"));
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
      py::arg("source"), py::arg("axis"));
}

}  // namespace front
