// Matrix products.
#include "python/src/values.h"

namespace front {
namespace {

/// Both operands and both orders of transposition the cube has (only the second can be turned).
pl::MatmulOptions options(bool a_trans, bool b_trans, bool init) {
  if (a_trans)
    fail("front.a-trans", "matmul with a_trans is not supported; transpose the first operand");
  pl::MatmulOptions o;
  o.b_trans = b_trans;
  o.init = init;
  return o;
}

}  // namespace

void bind_cube(py::module_& m) {
  m.def(
      "matmul",
      [](py::handle lhs, py::handle rhs, py::handle out_dtype, bool a_trans, bool b_trans,
         bool c_matrix_nz) {
        if (c_matrix_nz) fail("front.c-matrix-nz", "matmul with c_matrix_nz is not modelled");
        const PyTile a = operand(lhs, "matmul"), b = operand(rhs, "matmul");
        pl::Tile out = pl::matmul(a.tile, b.tile, options(a_trans, b_trans, false), here());
        if (!out_dtype.is_none() && out_dtype.cast<PyDType&>().type != out.dtype())
          fail("lang.matmul", "matmul of " + std::string(isa::name(a.tile.dtype())) +
                                  " accumulates in " + std::string(isa::name(out.dtype())) +
                                  ", not in " + out_dtype.cast<PyDType&>().name);
        return wrap(std::move(out));
      },
      py::arg("lhs"), py::arg("rhs"), py::arg("out_dtype") = py::none(), py::arg("a_trans") = false,
      py::arg("b_trans") = false, py::arg("c_matrix_nz") = false);
  m.def(
      "matmul_acc",
      [](py::handle acc, py::handle lhs, py::handle rhs, bool a_trans, bool b_trans,
         py::handle init_cond) {
        const PyTile c = operand(acc, "matmul_acc");
        const PyTile a = operand(lhs, "matmul_acc"), b = operand(rhs, "matmul_acc");
        const bool init = !init_cond.is_none() && PyObject_IsTrue(init_cond.ptr()) == 1;
        return wrap(pl::matmul_acc(c.tile, a.tile, b.tile, options(a_trans, b_trans, init), here()),
                    c.shape);
      },
      py::arg("acc"), py::arg("lhs"), py::arg("rhs"), py::arg("a_trans") = false,
      py::arg("b_trans") = false, py::arg("init_cond") = py::none());
}

}  // namespace front
