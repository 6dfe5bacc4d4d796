// What Python holds: tensors, tiles and how arguments become C++ values.
//
// A tile keeps the shape its author wrote (any rank) beside the two-dimensional tile of the device;
// leading dimensions are folded into rows (kernel-language.md §1.3).
#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>

#include "lang/pl.h"
#include "python/src/site.h"

namespace front {

namespace py = pybind11;
using pl::Dims;

struct PyTensor {
  pl::Tensor tensor;
};

struct PyTile {
  pl::Tile tile;
  Dims shape;
};

/// pl.FP32 and friends. INDEX, BOOL and TASK_ID are names of their own over a stored type.
struct PyDType {
  std::string name;
  isa::DType type = isa::DType::F32;
  bool scalar_only = false;  ///< INDEX, TASK_ID: no tensor has it

  bool is_float() const {
    return type == isa::DType::F32 || type == isa::DType::BF16 || type == isa::DType::F16;
  }
};

/// How a store meets what is there.
enum class AtomicType { None, Add };
bool adds(py::handle atomic);  ///< None: no

[[noreturn]] void fail(const char* id, const std::string& message);

bool in_scope();  ///< inside at / spmd, where operations work on tiles

/// A list, tuple or single integer as dimensions.
Dims dims_of(py::handle h, const char* what);
int64_t integer_of(py::handle h, const char* what);
bool is_number(py::handle h);

const PyTile* as_tile(py::handle h);
const PyTensor* as_tensor(py::handle h);

/// A tile operand: a tile as it is; a whole tensor is loaded, once per block (kernel-language.md
/// §2.4). Error "front.operand" naming the operation.
PyTile operand(py::handle h, const char* op);
/// Forgets implicit loads: of all tensors at the start of a block, of one once it is written.
void forget_loads();
void forget_loads(isa::BufferId buffer);

int64_t product(const Dims& dims);
/// The two device dimensions of a shape.
pl::Shape2 folded(const Dims& shape);
/// `tile` in the shape of `like` where rows still match (the last dimension is the tile's).
PyTile wrap(pl::Tile tile, const Dims& like);
PyTile wrap(pl::Tile tile);
/// A tile in orchestration code becomes the GM temporary it travels through.
PyTensor to_gm(const PyTile& tile);

std::string shape_text(const Dims& dims);

/// Window of a subscript `t[a:b, i, :]`: integers drop their dimension in `kept`.
struct Window {
  Dims offsets, extents, kept;
  bool element = false;  ///< integers only: one element
};
Window window_of(py::handle subscript, const Dims& shape);

/// The part of a tile a window names, as a tile of shape `kept`.
PyTile sub_tile(const PyTile& t, const Dims& offsets, const Dims& extents, const Dims& kept);
/// Row and column of the first element of a window of a folded shape. Error "front.window" when
/// the window is not a block of rows and columns.
std::pair<int64_t, int64_t> corner_of(const Dims& shape, const Dims& offsets, const Dims& extents);

py::object load_window(const PyTensor& t, const Dims& offsets, const Dims& extents,
                       const Dims& kept, pl::Shape2 valid = {},
                       pl::TileSpace space = pl::TileSpace::Auto);
py::object store_window(py::handle value, const PyTensor& t, const Dims& offsets,
                        const Dims& extents, bool atomic);

py::object read_element(py::handle source, const Dims& index);
void write_element(py::handle target, const Dims& index, py::handle value);

void bind_values(py::module_& m);
void bind_memory(py::module_& m);
void bind_vector(py::module_& m);
void bind_cube(py::module_& m);
void bind_scalars(py::module_& m);
void bind_scopes(py::module_& m);
void bind_run(py::module_& m);
void bind_ranks(py::module_& m);

}  // namespace front
