// Tensors and tiles: creation, windows, loads, stores, shapes.
#include <cmath>

#include "lang/fusion.h"
#include "python/src/values.h"

namespace front {
namespace {

using pl::TileSpace;

TileSpace space_of(py::handle h) { return h.is_none() ? TileSpace::Auto : h.cast<TileSpace>(); }

std::optional<double> optional_number(py::handle h) {
  if (h.is_none()) return std::nullopt;
  return h.cast<double>();
}

const PyDType& dtype_of(py::handle h, const char* what) {
  if (!py::isinstance<PyDType>(h)) fail("front.dtype", std::string(what) + " needs dtype=");
  const auto& type = h.cast<const PyDType&>();
  if (type.scalar_only) fail("front.dtype", std::string(what) + " cannot be of " + type.name);
  return type;
}

/// The valid area of a folded shape. Zero rows and columns mean "none" here, not "all".
PyTile with_valid(PyTile t, py::handle valid) {
  if (valid.is_none()) return t;
  const pl::Shape2 v = folded(dims_of(valid, "valid_shape"));
  t.tile = pl::set_validshape(t.tile, v.rows, v.cols, here());
  return t;
}

PyTile create_tile(const Dims& shape, const PyDType& type, TileSpace space) {
  const pl::Shape2 s = folded(shape);
  return {pl::create_tile(s.rows, s.cols, type.type, space, here()), shape};
}

py::object create_tensor(py::handle shape, py::handle dtype, py::handle init_value, bool manual_dep,
                         py::handle valid_shape) {
  const Dims dims = dims_of(shape, "a shape");
  const PyDType& type = dtype_of(dtype, "create_tensor");
  if (in_scope()) {
    if (init_value.is_none())
      return py::cast(with_valid(create_tile(dims, type, TileSpace::Auto), valid_shape));
    const pl::Shape2 s = folded(dims);
    PyTile t{pl::full(s.rows, s.cols, type.type, init_value.cast<double>(), here()), dims};
    return py::cast(with_valid(std::move(t), valid_shape));
  }
  pl::CreateOptions options;
  options.manual_dep = manual_dep;
  options.init_value = optional_number(init_value);
  return py::cast(PyTensor{pl::create_tensor(assigned_name(), dims, type.type, options, here())});
}

/// Offsets and extents of a window given as two lists; missing leading extents are one.
Dims extents_for(const Dims& extents, size_t rank) {
  if (extents.size() >= rank) return extents;
  Dims all(rank - extents.size(), 1);
  all.insert(all.end(), extents.begin(), extents.end());
  return all;
}

py::object load(const PyTensor& t, const Dims& offsets, const Dims& extents, py::handle valid,
                TileSpace space) {
  pl::Shape2 v{};
  bool empty = false;
  if (!valid.is_none()) {
    v = folded(dims_of(valid, "valid_shape"));
    empty = v.rows == 0 && v.cols == 0;
  }
  py::object tile = load_window(t, offsets, extents, extents, v, space);
  return empty ? py::cast(with_valid(*as_tile(tile), valid)) : tile;
}

py::object slice(py::handle source, py::handle shape, py::handle offset, py::handle valid,
                 py::handle drop_dims) {
  const Dims extents = dims_of(shape, "a shape"), offsets = dims_of(offset, "an offset");
  Dims kept = extents;
  if (!drop_dims.is_none()) {
    const Dims drop = dims_of(drop_dims, "drop_dims");
    kept.clear();
    for (size_t i = 0; i < extents.size(); ++i) {
      bool dropped = false;
      for (int64_t d : drop) dropped = dropped || d == static_cast<int64_t>(i);
      if (!dropped) kept.push_back(extents[i]);
    }
  }
  if (const PyTile* t = as_tile(source)) {
    if (in_scope()) return py::cast(with_valid(sub_tile(*t, offsets, extents, kept), valid));
    return slice(py::cast(to_gm(*t)), shape, offset, valid, drop_dims);
  }
  const PyTensor* t = as_tensor(source);
  if (t == nullptr) fail("front.operand", "slice takes a tensor or a tile");
  if (in_scope()) return load(*t, offsets, extents, valid, TileSpace::Auto);
  Dims size = extents;
  if (!valid.is_none()) {
    const Dims v = dims_of(valid, "valid_shape");
    if (v.size() == size.size()) size = v;  // the descriptor only covers what is valid
  }
  return py::cast(PyTensor{t->tensor.view(offsets, size, here())});
}

/// Outside scopes: the source becomes a part of the target.
py::object assemble_tensors(const PyTensor& target, py::handle source, const Dims& offsets,
                            bool atomic) {
  if (atomic) fail("lang.outside-scope", "an atomic assemble is only possible inside at / spmd");
  const PyTile* tile = as_tile(source);
  const PyTensor* tensor = as_tensor(source);
  if (tile == nullptr && tensor == nullptr)
    fail("front.operand", "assemble takes a tensor or a tile");
  const pl::Tensor part = tensor != nullptr ? tensor->tensor : to_gm(*tile).tensor;
  return py::cast(PyTensor{pl::assemble(target.tensor, part, offsets, here())});
}

py::object assemble(py::handle target, py::handle source, py::handle offset, bool atomic) {
  const Dims offsets = dims_of(offset, "an offset");
  if (const PyTensor* t = as_tensor(target)) {
    if (!in_scope()) return assemble_tensors(*t, source, offsets, atomic);
    const PyTile tile = operand(source, "assemble");
    const bool full_rank = tile.shape.size() == t->tensor.shape().size();
    const Dims extents = full_rank ? tile.shape : Dims{};
    return store_window(py::cast(tile), *t, offsets, extents, atomic);
  }
  const PyTile* into = as_tile(target);
  if (into == nullptr) fail("front.operand", "assemble takes a tensor or a tile");
  const PyTile tile = operand(source, "assemble");
  Dims extents = tile.shape;
  if (extents.size() != into->shape.size()) {
    extents.assign(into->shape.size(), 1);
    extents.back() = tile.tile.cols();
    if (extents.size() >= 2) extents[extents.size() - 2] = tile.tile.rows();
  }
  const auto [row, col] = corner_of(into->shape, offsets, extents);
  return py::cast(wrap(pl::assemble(into->tile, tile.tile, row, col, here()), into->shape));
}

py::object store(py::handle tile, py::handle offset, py::handle target, py::handle shapes,
                 bool atomic) {
  const PyTensor* t = as_tensor(target);
  if (t == nullptr) return assemble(target, tile, offset, atomic);
  if (shapes.is_none()) return assemble(target, tile, offset, atomic);
  return store_window(tile, *t, dims_of(offset, "an offset"), dims_of(shapes, "a shape"), atomic);
}

py::object reshape(py::handle source, py::handle shape, py::handle valid) {
  const Dims dims = dims_of(shape, "a shape");
  if (const PyTensor* t = as_tensor(source))
    return py::cast(PyTensor{t->tensor.reshape(dims, here())});
  const PyTile t = operand(source, "reshape");
  if (!in_scope()) return py::cast(PyTensor{to_gm(t).tensor.reshape(dims, here())});
  const pl::Shape2 s = folded(dims);
  if (product(dims) != product(t.shape))
    fail("lang.tile-reshape",
         "shape " + shape_text(t.shape) + " does not have as many elements as " + shape_text(dims));
  PyTile out{pl::reshape(t.tile, s.rows, s.cols, here()), dims};
  return py::cast(with_valid(std::move(out), valid));
}

py::object transpose(py::handle source, int64_t axis0, int64_t axis1) {
  if (const PyTensor* t = as_tensor(source)) {
    if (!in_scope())
      return py::cast(
          PyTensor{t->tensor.transpose(static_cast<int>(axis0), static_cast<int>(axis1), here())});
  }
  const PyTile t = operand(source, "transpose");
  if (!in_scope()) return transpose(py::cast(to_gm(t)), axis0, axis1);
  const int64_t last = axis0 < axis1 ? axis1 : axis0, first = axis0 < axis1 ? axis0 : axis1;
  if (t.shape.size() != 2 || (first != 0 && first != -2) || (last != 1 && last != -1))
    fail("front.transpose",
         "transpose of a tile of shape " + shape_text(t.shape) + " turns axes 0 and 1 of two");
  return py::cast(wrap(pl::transpose(t.tile, here())));
}

/// pl.PadValue, or the number it stands for: 0, -inf, inf.
isa::PadValue pad_value(py::handle h) {
  if (py::isinstance<isa::PadValue>(h)) return h.cast<isa::PadValue>();
  if (!is_number(h))
    fail("front.pad-value", "fillpad needs pad_value=pl.PadValue.zero, min or max");
  const double number = h.cast<double>();
  if (number == 0) return isa::PadValue::Zero;
  if (std::isinf(number)) return number < 0 ? isa::PadValue::Min : isa::PadValue::Max;
  fail("front.pad-value",
       "fillpad cannot pad with " + std::string(py::str(h)) + "; it has zero, min and max");
}

/// An argument that is only accepted as its default.
void require_default(bool is_default, const char* what) {
  if (!is_default) fail("front.argument", std::string(what) + " is not modelled");
}

void bind_shapes(py::module_& m) {
  m.def("reshape", &reshape, py::arg("input"), py::arg("shape"),
        py::arg("valid_shape") = py::none());
  m.def(
      "transpose",
      [](py::handle a, int64_t axis1, int64_t axis2, py::handle) {
        return transpose(a, axis1, axis2);
      },
      py::arg("input"), py::arg("axis1"), py::arg("axis2"), py::arg("tmp_tile") = py::none());
  m.def(
      "transpose_view",
      [](py::handle a) {
        const PyTile t = operand(a, "transpose_view");
        return wrap(pl::transpose_view(t.tile, here()));
      },
      py::arg("tile"));
  const auto set_validshape = [&](const char* name, const char* input) {
    m.def(
        name,
        [](py::handle a, int64_t rows, int64_t cols) {
          const PyTile t = operand(a, "set_validshape");
          return PyTile{pl::set_validshape(t.tile, rows, cols, here()), t.shape};
        },
        py::arg(input), py::arg("valid_rows"), py::arg("valid_cols"));
  };
  set_validshape("set_validshape", "input");
  set_validshape("tensor_set_validshape", "tensor");
  set_validshape("tile_set_validshape", "tile");
  const auto fillpad = [&](const char* name, const char* input) {
    m.def(
        name,
        [](py::handle a, py::handle pad) {
          const PyTile t = operand(a, "fillpad");
          return wrap(pl::fillpad(t.tile, pad_value(pad), here()), t.shape);
        },
        py::arg(input), py::arg("pad_value") = isa::PadValue::Zero);
  };
  fillpad("fillpad", "value");
  fillpad("tensor_fillpad", "tensor");
  fillpad("tile_fillpad", "tile");
}

void bind_making(py::module_& m) {
  m.def(
      "create_tensor",
      [](py::handle shape, py::handle dtype, py::handle layout, bool manual_dep, py::handle init,
         py::handle valid_shape) {
        require_default(layout.is_none(), "create_tensor with a layout");
        return create_tensor(shape, dtype, init, manual_dep, valid_shape);
      },
      py::arg("shape"), py::arg("dtype"), py::arg("layout") = py::none(),
      py::arg("manual_dep") = false, py::arg("init_value") = py::none(), py::kw_only(),
      py::arg("valid_shape") = py::none());
  m.attr("tensor_create") = m.attr("create_tensor");
  m.def(
      "create_tile",
      [](py::handle shape, py::handle dtype, py::handle target, py::handle transposed,
         py::handle flat) {
        require_default(transposed.is_none() && flat.is_none(),
                        "create_tile with transpose or flat_layout");
        return create_tile(dims_of(shape, "a shape"), dtype_of(dtype, "create_tile"),
                           space_of(target));
      },
      py::arg("shape"), py::arg("dtype"), py::arg("target_memory") = py::none(),
      py::arg("transpose") = py::none(), py::kw_only(), py::arg("flat_layout") = py::none());
  m.attr("tile_create") = m.attr("create_tile");
  m.def(
      "create_l1",
      [](py::handle shape, py::handle dtype, bool transposed) {
        require_default(!transposed, "create_l1 with transpose=True");
        return create_tile(dims_of(shape, "a shape"), dtype_of(dtype, "create_l1"), TileSpace::Mat);
      },
      py::arg("shape"), py::arg("dtype"), py::arg("transpose") = false);
  m.def(
      "full",
      [](py::handle shape, py::handle dtype, double value) {
        const Dims dims = dims_of(shape, "a shape");
        const pl::Shape2 s = folded(dims);
        return PyTile{pl::full(s.rows, s.cols, dtype_of(dtype, "full").type, value, here()), dims};
      },
      py::arg("shape"), py::arg("dtype"), py::arg("value"));
  m.def(
      "arange",
      [](int64_t start, py::handle shape, py::handle dtype) {
        const Dims dims = dims_of(shape, "a shape");
        const pl::Shape2 s = folded(dims);
        if (s.rows != 1) fail("lang.shape", "arange makes one row, not " + shape_text(dims));
        const isa::DType type = dtype.is_none() ? isa::DType::I32 : dtype_of(dtype, "arange").type;
        return PyTile{pl::arange(start, s.cols, type, here()), dims};
      },
      py::arg("start"), py::arg("shape"), py::arg("dtype") = py::none());
}

}  // namespace

bool adds(py::handle atomic) {
  return !atomic.is_none() && atomic.cast<AtomicType>() == AtomicType::Add;
}

void bind_memory(py::module_& m) {
  py::enum_<TileSpace>(m, "MemorySpace")
      .value("Vec", TileSpace::Vec)
      .value("Mat", TileSpace::Mat)
      .value("Acc", TileSpace::Acc)
      .value("DDR", TileSpace::Auto);
  py::enum_<isa::PadValue>(m, "PadValue")
      .value("zero", isa::PadValue::Zero)
      .value("min", isa::PadValue::Min)
      .value("max", isa::PadValue::Max);
  py::enum_<isa::MaskPattern>(m, "MaskPattern")
      .value("P0101", isa::MaskPattern::P0101)
      .value("P1010", isa::MaskPattern::P1010);
  m.attr("tile_MaskPattern") = m.attr("MaskPattern");
  py::enum_<AtomicType>(m, "AtomicType")
      .value("None_", AtomicType::None)
      .value("Add", AtomicType::Add);

  bind_making(m);
  bind_shapes(m);
  m.def(
      "slice",
      [](py::handle input, py::handle shape, py::handle offset, py::handle valid_shape,
         py::handle drop_dims, py::handle pad, bool /*clamp: windows always are*/) {
        const py::object part = slice(input, shape, offset, valid_shape, drop_dims);
        if (pad.is_none()) return part;
        const PyTile t = operand(part, "slice with pad_value");
        return py::cast(wrap(pl::fillpad(t.tile, pad_value(pad), here()), t.shape));
      },
      py::arg("input"), py::arg("shape"), py::arg("offset"), py::arg("valid_shape") = py::none(),
      py::arg("drop_dims") = py::none(), py::arg("pad_value") = py::none(),
      py::arg("clamp") = false);
  m.def(
      "load",
      [](py::handle source, py::handle offsets, py::handle shapes, py::handle valid_shapes,
         py::handle target, py::handle valid_shape, bool /*clamp: windows always are*/) {
        const py::handle valid = valid_shapes.is_none() ? valid_shape : valid_shapes;
        // A tile of an earlier scope is a tensor in GM to its author.
        if (as_tile(source) != nullptr) return slice(source, shapes, offsets, valid, py::none());
        const PyTensor* t = as_tensor(source);
        if (t == nullptr) fail("front.operand", "load takes a tensor");
        const TileSpace space =
            space_of(target) == TileSpace::Mat ? TileSpace::Mat : TileSpace::Auto;
        return load(*t, dims_of(offsets, "offsets"), dims_of(shapes, "shapes"), valid, space);
      },
      py::arg("tensor"), py::arg("offsets"), py::arg("shapes"),
      py::arg("valid_shapes") = py::none(), py::arg("target_memory") = py::none(), py::kw_only(),
      py::arg("valid_shape") = py::none(), py::arg("clamp") = false);
  m.def(
      "store",
      [](py::handle tile, py::handle offsets, py::handle target, py::handle shapes,
         py::handle atomic) { return store(tile, offsets, target, shapes, adds(atomic)); },
      py::arg("tile"), py::arg("offsets"), py::arg("output_tensor"), py::arg("shapes") = py::none(),
      py::arg("atomic") = py::none());
  m.def(
      "assemble",
      [](py::handle target, py::handle source, py::handle offset, py::handle atomic) {
        return assemble(target, source, offset, adds(atomic));
      },
      py::arg("target"), py::arg("source"), py::arg("offset"), py::arg("atomic") = py::none());
  m.def(
      "gather_row",
      [](py::handle dst, py::handle source, py::handle dst_offset, py::handle src_offset,
         py::handle shape, bool transposed, py::handle valid) {
        require_default(!transposed, "gather_row with transpose=True");
        const PyTensor* t = as_tensor(source);
        if (t == nullptr) fail("front.operand", "gather_row takes rows of a tensor");
        const PyTile into = operand(dst, "gather_row");
        const Dims size = dims_of(shape, "a shape");
        const Dims at = dims_of(dst_offset, "dst_offset");
        const Dims extents = valid.is_none() ? size : dims_of(valid, "valid_shape");
        const auto [row, col] = corner_of(into.shape, at, extents_for(size, into.shape.size()));
        if (product(extents) == 0) return into;
        return wrap(pl::gather_row(into.tile, row, col, t->tensor,
                                   dims_of(src_offset, "src_offset"), extents, here()),
                    into.shape);
      },
      py::arg("dst"), py::arg("src"), py::arg("dst_offset"), py::arg("src_offset"),
      py::arg("shapes"), py::arg("transpose") = false, py::kw_only(),
      py::arg("valid_shape") = py::none());
  m.def("prefetch_make_context", [] { return py::none(); });
  m.def(
      "prefetch_async_prefetch",
      [](py::handle source, py::handle) {
        const PyTensor* t = as_tensor(source);
        if (t == nullptr) fail("front.operand", "async_prefetch takes a tensor");
        pl::prefetch(t->tensor, here());
      },
      py::arg("src"), py::arg("ctx") = py::none());
}

}  // namespace front
