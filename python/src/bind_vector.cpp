// Vector operations: names and argument forms of pypto.language, meanings of lang.
#include "python/src/values.h"

namespace front {
namespace {

using isa::Site;
using pl::Tile;

using TileTile = Tile (*)(const Tile&, const Tile&, Site);
using TileScalar = Tile (*)(const Tile&, double, Site);
using TileOnly = Tile (*)(const Tile&, Site);

double number_of(py::handle h) {
  if (PyFloat_Check(h.ptr())) return PyFloat_AS_DOUBLE(h.ptr());
  const double value = PyFloat_AsDouble(h.ptr());
  if (value == -1.0 && PyErr_Occurred()) throw py::error_already_set();
  return value;
}

/// add, mul, ...: the second operand is a tile or a number; two numbers are host arithmetic.
template <class Host>
void binary(py::module_& m, const char* name, TileTile tile, TileScalar scalar, Host host) {
  m.def(
      name,
      [=](py::handle a, py::handle b) -> py::object {
        if (is_number(b)) {
          if (is_number(a)) return host(a, b);
          const PyTile x = operand(a, name);
          return py::cast(wrap(scalar(x.tile, number_of(b), here()), x.shape));
        }
        const PyTile x = operand(a, name), y = operand(b, name);
        return py::cast(wrap(tile(x.tile, y.tile, here()), x.shape));
      },
      py::arg("lhs"), py::arg("rhs"));
}

void unary(py::module_& m, const char* name, TileOnly op) {
  m.def(
      name,
      [=](py::handle a) {
        const PyTile x = operand(a, name);
        return wrap(op(x.tile, here()), x.shape);
      },
      py::arg("input"));
}

/// recip and log take high_precision; their results are the precise ones here, with or without.
void unary_with_precision(py::module_& m, const char* name, TileOnly op) {
  m.def(
      name,
      [=](py::handle a, bool) {
        const PyTile x = operand(a, name);
        return wrap(op(x.tile, here()), x.shape);
      },
      py::arg("input"), py::arg("high_precision") = false);
}

/// Row reductions take the scratch tile explicit programs bring along; lowering makes its own.
void reduction(py::module_& m, const char* name, TileOnly op) {
  m.def(
      name,
      [=](py::handle a, py::handle) {
        const PyTile x = operand(a, name);
        return wrap(op(x.tile, here()), x.shape);
      },
      py::arg("input"), py::arg("tmp_tile") = py::none());
}

void expand(py::module_& m, const char* name, TileTile op) {
  m.def(
      name,
      [=](py::handle a, py::handle b, py::handle) {
        const PyTile x = operand(a, name), y = operand(b, name);
        return wrap(op(x.tile, y.tile, here()), x.shape);
      },
      py::arg("lhs"), py::arg("rhs"), py::arg("tmp") = py::none());
}

py::object python(const char* function, py::handle a, py::handle b) {
  return py::module_::import("operator").attr(function)(a, b);
}

/// By name or by number: none 0, rint 1, ... (kernel-language.md §1.3).
isa::RoundMode round_mode(py::handle h) {
  static const std::pair<const char*, isa::RoundMode> modes[] = {
      {"none", isa::RoundMode::None},   {"rint", isa::RoundMode::Rint},
      {"round", isa::RoundMode::Round}, {"floor", isa::RoundMode::Floor},
      {"ceil", isa::RoundMode::Ceil},   {"trunc", isa::RoundMode::Trunc}};
  const std::string name = py::str(h);
  for (size_t i = 0; i < std::size(modes); ++i)
    if (name == modes[i].first || name == std::to_string(i)) return modes[i].second;
  fail("front.round-mode",
       "cast has no mode '" + name + "'; it has none, rint, round, floor, ceil and trunc");
}

py::object cast_scalar(py::handle value, const PyDType& to) {
  if (to.is_float()) return py::float_(number_of(value));
  if (PyLong_Check(value.ptr()) && !PyBool_Check(value.ptr()))
    return py::reinterpret_borrow<py::object>(value);
  return py::int_(static_cast<int64_t>(number_of(value)));
}

isa::CmpOp cmp_op(int type) {
  // Numbers of the comparison: eq, ne, lt, le, gt, ge.
  static const isa::CmpOp ops[] = {isa::CmpOp::Eq, isa::CmpOp::Ne, isa::CmpOp::Lt,
                                   isa::CmpOp::Le, isa::CmpOp::Gt, isa::CmpOp::Ge};
  if (type < 0 || type > 5)
    fail("front.cmp-type", "cmp_type " + std::to_string(type) + " is not 0..5 (eq ne lt le gt ge)");
  return ops[type];
}

/// The mask of a comparison: bytes of one and zero.
PyTile compare(py::handle a, py::handle b, int type) {
  const PyTile x = operand(a, "cmp");
  if (is_number(b)) return wrap(pl::cmp(x.tile, number_of(b), cmp_op(type), here()), x.shape);
  return wrap(pl::cmp(x.tile, operand(b, "cmp").tile, cmp_op(type), here()), x.shape);
}

/// pl.cmp is a number of the operands' type, which the compiler selects by the mask
/// (op_conversion_registry: tensor.cmp).
PyTile compare_as_number(py::handle a, py::handle b, int type) {
  const PyTile mask = compare(a, b, type);
  const pl::Tile& m = mask.tile;
  const isa::DType dtype = operand(a, "cmp").tile.dtype();
  const Tile one = pl::full(m.rows(), m.cols(), dtype, 1, here());
  const Tile zero = pl::full(m.rows(), m.cols(), dtype, 0, here());
  const Tile out = pl::sel(m, one, zero, here());
  return wrap(pl::set_validshape(out, m.valid_rows(), m.valid_cols(), here()), mask.shape);
}

/// The result of pl.cmp works as a mask, too.
Tile mask_of(py::handle h) {
  const PyTile t = operand(h, "sel");
  return t.tile.dtype() == isa::DType::U8 ? t.tile : pl::cmp(t.tile, 0, isa::CmpOp::Ne, here());
}

PyTile scatter_by_index(py::handle base, py::handle index, py::handle src) {
  const PyTile into = operand(base, "scatter");
  return wrap(
      pl::scatter(into.tile, operand(index, "scatter").tile, operand(src, "scatter").tile, here()),
      into.shape);
}

isa::MaskPattern mask_pattern(py::handle h) { return h.cast<isa::MaskPattern>(); }

py::object gather(py::handle input, py::handle dim, py::handle index, py::handle mask,
                  py::handle output_dtype) {
  const PyTile x = operand(input, "gather");
  if (!index.is_none()) {
    if (!dim.is_none() && integer_of(dim, "gather's dim") != -1 &&
        integer_of(dim, "gather's dim") != static_cast<int64_t>(x.shape.size()) - 1)
      fail("front.gather-dim", "gather works along the last dimension (dim=-1)");
    const PyTile i = operand(index, "gather");
    return py::cast(wrap(pl::gather(x.tile, i.tile, here()), i.shape));
  }
  if (mask.is_none()) fail("front.gather", "gather needs index= or mask_pattern=");
  const isa::MaskPattern pattern = mask_pattern(mask);
  Tile out = output_dtype.is_none()
                 ? pl::gather_mask(x.tile, pattern, here())
                 : pl::gather_mask(x.tile, pattern, output_dtype.cast<PyDType&>().type, here());
  return py::cast(wrap(std::move(out), x.shape));
}

void bind_lanes(py::module_& m) {
  m.def("gather", &gather, py::arg("input"), py::arg("dim") = py::none(),
        py::arg("index") = py::none(), py::kw_only(), py::arg("mask_pattern") = py::none(),
        py::arg("output_dtype") = py::none());
  m.def(
      "tile_gather",
      [](py::handle src, py::handle index, py::handle) {
        return gather(src, py::none(), index, py::none(), py::none());
      },
      py::arg("src"), py::arg("indices"), py::arg("tmp") = py::none());
  m.def(
      "scatter",
      [](py::handle input, py::handle dim, py::handle index, py::handle src, py::handle mask,
         py::handle dst) {
        if (!mask.is_none() && !dst.is_none()) {
          const PyTile x = operand(input, "scatter"), into = operand(dst, "scatter");
          return wrap(pl::scatter_mask(into.tile, x.tile, mask_pattern(mask), here()), into.shape);
        }
        if (index.is_none() || src.is_none())
          fail("front.scatter",
               "scatter needs index= and src= (into input) or mask_pattern= and dst=");
        if (!dim.is_none() && integer_of(dim, "scatter's dim") != -1 &&
            integer_of(dim, "scatter's dim") != 1)
          fail("front.scatter", "scatter works along the last dimension (dim=-1)");
        return scatter_by_index(input, index, src);
      },
      py::arg("input"), py::arg("dim") = py::none(), py::arg("index") = py::none(),
      py::arg("src") = py::none(), py::kw_only(), py::arg("mask_pattern") = py::none(),
      py::arg("dst") = py::none());
  m.def(
      "tile_scatter",
      [](py::handle dst, py::handle src, py::handle index) {
        return scatter_by_index(dst, index, src);
      },
      py::arg("dst"), py::arg("src"), py::arg("indexes"));
  m.def(
      "concat",
      [](py::handle a, py::handle b) {
        const PyTile x = operand(a, "concat"), y = operand(b, "concat");
        return wrap(pl::concat(x.tile, y.tile, here()), x.shape);
      },
      py::arg("src0"), py::arg("src1"));
  m.def(
      "sort32",
      [](py::handle scores, py::handle ids) {
        const PyTile x = operand(scores, "sort32"), i = operand(ids, "sort32");
        return wrap(pl::sort32(x.tile, i.tile, here()), x.shape);
      },
      py::arg("src"), py::arg("idx"));
  m.def(
      "mrgsort",
      [](py::handle src0, py::handle src1, py::handle src2, py::handle src3, py::handle,
         bool exhausted, py::handle block_len) {
        if (exhausted) fail("front.mrgsort", "mrgsort with exhausted=True is not modelled");
        const PyTile first = operand(src0, "mrgsort");
        if (src1.is_none()) {
          if (block_len.is_none()) fail("front.mrgsort", "mrgsort of one list needs block_len=");
          return wrap(pl::mrgsort(first.tile, integer_of(block_len, "block_len"), here()),
                      first.shape);
        }
        std::vector<Tile> tiles;
        for (py::handle list : {src0, src1, src2, src3})
          if (!list.is_none()) tiles.push_back(operand(list, "mrgsort").tile);
        return wrap(pl::mrgsort(tiles, here()), first.shape);
      },
      py::arg("src0"), py::arg("src1") = py::none(), py::arg("src2") = py::none(),
      py::arg("src3") = py::none(), py::arg("tmp") = py::none(), py::kw_only(),
      py::arg("exhausted") = false, py::arg("block_len") = py::none());
}

}  // namespace

void bind_vector(py::module_& m) {
  binary(m, "add", pl::add, pl::add,
         [](py::handle a, py::handle b) { return python("add", a, b); });
  binary(m, "sub", pl::sub, pl::sub,
         [](py::handle a, py::handle b) { return python("sub", a, b); });
  binary(m, "mul", pl::mul, pl::mul,
         [](py::handle a, py::handle b) { return python("mul", a, b); });
  binary(m, "div", pl::div, pl::div,
         [](py::handle a, py::handle b) { return python("truediv", a, b); });
  m.def(  // the precise result is what div gives anyway
      "div",
      [](py::handle a, py::handle b, bool) {
        return py::module_::import("pypto._core").attr("div")(a, b);
      },
      py::arg("lhs"), py::arg("rhs"), py::arg("high_precision"));
  binary(m, "maximum", pl::maximum, pl::maximum, [](py::handle a, py::handle b) {
    return py::reinterpret_borrow<py::object>(number_of(a) < number_of(b) ? b : a);
  });
  binary(m, "minimum", pl::minimum, pl::minimum, [](py::handle a, py::handle b) {
    return py::reinterpret_borrow<py::object>(number_of(b) < number_of(a) ? b : a);
  });
  unary(m, "exp", pl::exp);
  unary_with_precision(m, "log", pl::log);
  unary(m, "sqrt", pl::sqrt);
  unary_with_precision(m, "recip", pl::recip);
  unary(m, "abs", pl::abs);
  unary(m, "neg", pl::neg);
  m.def(
      "rsqrt",
      [](py::handle a, bool high_precision) {
        const PyTile x = operand(a, "rsqrt");
        return wrap(pl::rsqrt(x.tile, high_precision, here()), x.shape);
      },
      py::arg("input"), py::arg("high_precision") = false);
  reduction(m, "row_sum", pl::row_sum);
  reduction(m, "row_max", pl::row_max);
  reduction(m, "row_min", pl::row_min);
  reduction(m, "row_argmax", pl::row_argmax);
  reduction(m, "col_sum", pl::col_sum);
  reduction(m, "col_max", pl::col_max);
  expand(m, "row_expand", pl::row_expand);
  expand(m, "row_expand_add", pl::row_expand_add);
  expand(m, "row_expand_sub", pl::row_expand_sub);
  expand(m, "row_expand_mul", pl::row_expand_mul);
  expand(m, "row_expand_div", pl::row_expand_div);
  expand(m, "col_expand", pl::col_expand);
  expand(m, "col_expand_add", pl::col_expand_add);
  expand(m, "col_expand_sub", pl::col_expand_sub);
  expand(m, "col_expand_mul", pl::col_expand_mul);
  expand(m, "col_expand_div", pl::col_expand_div);
  expand(m, "col_expand_expdif", pl::col_expand_expdif);
  m.def(
      "cast",
      [](py::handle a, const PyDType& to, py::handle mode) -> py::object {
        if (is_number(a)) return cast_scalar(a, to);
        if (to.scalar_only) fail("lang.cast", "a tile cannot become " + to.name);
        const PyTile x = operand(a, "cast");
        return py::cast(wrap(pl::cast(x.tile, to.type, round_mode(mode), here()), x.shape));
      },
      py::arg("input"), py::arg("target_type"), py::arg("mode") = py::str("round"));
  m.def("cmp", &compare_as_number, py::arg("lhs"), py::arg("rhs"), py::arg("cmp_type") = 0);
  m.def("tile_cmp", &compare, py::arg("lhs"), py::arg("rhs"), py::arg("cmp_type") = 0);
  m.def(
      "sel",
      [](py::handle mask, py::handle a, py::handle b, py::handle) {
        const PyTile x = operand(a, "sel");
        return wrap(pl::sel(mask_of(mask), x.tile, operand(b, "sel").tile, here()), x.shape);
      },
      py::arg("mask"), py::arg("lhs"), py::arg("rhs"), py::arg("tmp") = py::none());
  bind_lanes(m);
}

}  // namespace front
