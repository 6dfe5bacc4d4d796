// GM tensors: creation, loads, stores.
#include <algorithm>
#include <cstring>

#include "lang/op_common.h"
#include "lang/session_impl.h"
#include "lang/window.h"

namespace pl {
namespace {

Tensor create(const std::string& name, const Dims& shape, DType dtype, const CreateOptions& options,
              Site site) {
  if (current_block() != nullptr)
    fail("lang.inside-scope", site, "create_tensor belongs to the orchestration; use create_tile");
  Session::Impl& session = current_session(site);
  if (shape.empty()) fail("lang.rank", site, "create_tensor without dimensions");
  for (int64_t d : shape)
    if (d <= 0) fail("lang.shape", site, "create_tensor with an extent of " + std::to_string(d));
  const isa::BufferId id =
      session.add_buffer(name.empty() ? "tensor" + std::to_string(session.buffer_count()) : name,
                         dtype, shape, isa::BufferRole::Temp, nullptr);
  GmStorage& gm = session.buffer(id);
  gm.storage.manual_dep = options.manual_dep;
  if (options.init_value) {
    gm.storage.filled = true;
    gm.storage.fill_value = *options.init_value;
    std::shared_ptr<uint8_t> initial = allocate_gm(gm.info.bytes, dtype, false);
    const auto size = static_cast<int64_t>(isa::size_of(dtype));
    isa::set_scalar({initial.get(), dtype, 1, 1, 1, 1, 1}, 0, 0, *options.init_value);
    for (int64_t byte = size; byte < gm.info.bytes; byte += size)
      std::memcpy(initial.get() + byte, initial.get(), static_cast<size_t>(size));
    std::memcpy(gm.data(), initial.get(), static_cast<size_t>(gm.info.bytes));
    gm.storage.initial = std::move(initial);
    gm.written.reset();
  }
  if (options.partly_written && gm.written) {
    gm.storage.initial = allocate_gm(gm.info.bytes, dtype, true);
    gm.written.reset();
  }
  OrchEvent& alloc = session.record.orchestration.emplace_back();
  alloc.kind = OrchEvent::Kind::Alloc;
  alloc.buffer = id;

  Dims strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return {id, dtype, shape, strides, 0};
}

void narrow(isa::GmAccess& gm, int64_t rows, int64_t cols) {
  gm.rows = static_cast<int32_t>(std::min<int64_t>(gm.rows, rows));
  gm.cols = static_cast<int32_t>(std::min<int64_t>(gm.cols, cols));
}

/// A window of a transposed view: load it as it lies in GM, then turn it (one column: an alias).
Tile load_transposed(Block& b, const GmWindow& w, TileSpace space, Site site) {
  if (space == TileSpace::Mat)
    fail("lang.load-window", site, "a transposed view cannot be loaded into L1; use b_trans");
  Tile lying = b.make(w.gm.dtype, w.cols, w.rows, w.gm.rows, w.gm.cols, site, space);
  b.load(lying, w.gm, site);
  return w.rows == 1 ? reshape(lying, 1, w.cols, site) : transpose(lying, site);
}

Tile load_window(Block& b, GmWindow w, Shape2 valid, TileSpace space, Site site) {
  if (valid.rows < 0 || valid.cols < 0 || valid.rows > w.rows || valid.cols > w.cols)
    fail("lang.valid-shape", site,
         "valid shape [" + std::to_string(valid.rows) + "x" + std::to_string(valid.cols) +
             "] of a window [" + std::to_string(w.rows) + "x" + std::to_string(w.cols) + "]");
  if (valid.rows != 0 || valid.cols != 0) {
    if (w.transposed)
      narrow(w.gm, valid.cols, valid.rows);
    else
      narrow(w.gm, valid.rows, valid.cols);
  }
  if (w.transposed) return load_transposed(b, w, space, site);
  Tile t = b.make(w.gm.dtype, w.rows, w.cols, w.gm.rows, w.gm.cols, site, space);
  b.load(t, w.gm, site);
  return t;
}

/// A window takes a tile of its shape, or the valid part of a larger tile: padded tiles are stored
/// to the narrow windows they came from (kernel-language.md §2.4).
bool fits(const Tile& tile, const GmWindow& w) {
  const auto axis = [](int64_t size, int64_t valid, int64_t window) {
    return window == size || (window < size && valid <= window);
  };
  return axis(tile.rows(), tile.valid_rows(), w.rows) &&
         axis(tile.cols(), tile.valid_cols(), w.cols);
}

/// The window a store without an extent goes to: the tile's shape on the last two axes.
Dims default_extent(const Tile& tile, const Tensor& t) {
  if (t.shape().size() == 1) return {tile.rows() * tile.cols()};
  return {tile.rows(), tile.cols()};
}

}  // namespace

Tensor create_tensor(Dims shape, DType dtype, bool manual_dep, Site site) {
  CreateOptions options;
  options.manual_dep = manual_dep;
  return create("", shape, dtype, options, site);
}

Tensor create_tensor(const std::string& name, Dims shape, DType dtype, CreateOptions options,
                     Site site) {
  return create(name, shape, dtype, options, site);
}

Tile load_from(const Tensor& t, int16_t peer, const Dims& offsets, const Dims& extent, Shape2 valid,
               Site site) {
  Block& b = require_block("load", site);
  GmWindow w = fold_window(t, offsets, extent, "lang.load-window", site);
  w.gm.peer = peer;
  return load_window(b, w, valid, TileSpace::Auto, site);
}

Tile load(const Tensor& t, const Dims& offsets, const Dims& extent, Shape2 valid, Site site) {
  return load_from(t, isa::GmAccess::kOwn, offsets, extent, valid, site);
}

Tile load(const Tensor& t, Site site) {
  return load(t, Dims(t.shape().size(), 0), t.shape(), {}, site);
}

Tile load_l1(const Tensor& t, const Dims& offsets, const Dims& extent, Shape2 valid, Site site) {
  Block& b = require_block("load_l1", site);
  return load_window(b, fold_window(t, offsets, extent, "lang.load-window", site), valid,
                     TileSpace::Mat, site);
}

Tile gather_row(const Tile& dst, int64_t row, int64_t col, const Tensor& t, const Dims& offsets,
                const Dims& extent, Site site) {
  Block& b = require_block("gather_row", site);
  const Tile& target = b.use(dst, site);
  const GmWindow w = fold_window(t, offsets, extent, "lang.load-window", site);
  if (w.transposed) fail("lang.load-window", site, "gather_row from a transposed view");
  if (target.dtype() != t.dtype())
    fail("lang.dtype", site,
         "gather_row of " + std::string(isa::name(t.dtype())) + " into " + describe(target));
  Tile window = target.window(row, col, w.rows, w.cols, site);
  b.load(Tile(window.data(), with_valid(window.ref(), w.gm.rows, w.gm.cols)), w.gm, site);
  return target;
}

void store_to(const Tile& tile, const Dims& offsets, const Tensor& t, int16_t peer, bool atomic,
              const Dims& extent, Site site) {
  Block& b = require_block("store", site);
  const Tile* src = &b.use(tile, site);
  Tile row;
  if (t.shape().size() == 1 && extent.empty() && src->cols() == 1) {
    row = reshape(*src, 1, src->rows(), site);  // a column goes to a rank-1 tensor as it lies
    src = &row;
  }
  GmWindow w = fold_window(t, offsets, extent.empty() ? default_extent(*src, t) : extent,
                           "lang.store-window", site);
  if (w.transposed || !fits(*src, w))
    fail("lang.store-window", site,
         "tile " + describe(*src) + " does not fit the window [" + std::to_string(w.rows) + "x" +
             std::to_string(w.cols) + "]" +
             (w.transposed ? " of a transposed view; transpose the tile instead"
                           : "; both must have the same size"));
  // FIXPIPE converts a cube result on its way out; nothing else does.
  const bool converts =
      src->data()->from_cube && (t.dtype() == DType::BF16 || t.dtype() == DType::F16);
  if (src->dtype() != t.dtype() && !converts)
    fail("lang.dtype", site,
         "tile " + describe(*src) + " stored to a tensor of " + std::string(isa::name(t.dtype())));
  if (atomic && t.dtype() != DType::F32 && t.dtype() != DType::I32 && t.dtype() != DType::BF16)
    fail("lang.atomic-dtype", site,
         "atomic add to " + std::string(isa::name(t.dtype())) + "; FP32, INT32 and BF16 can");
  narrow(w.gm, src->valid_rows(), src->valid_cols());
  w.gm.peer = peer;
  b.store(*src, w.gm, atomic, site);
}

Tensor store(const Tile& tile, const Dims& offsets, const Tensor& t, bool atomic,
             const Dims& extent, Site site) {
  store_to(tile, offsets, t, isa::GmAccess::kOwn, atomic, extent, site);
  return t;
}

Tensor assemble(const Tensor& target, const Tile& tile, const Dims& offsets, bool atomic,
                Site site) {
  return store(tile, offsets, target, atomic, {}, site);
}

void prefetch(const Tensor& t, Site site) {
  if (!t.present()) fail("lang.no-tensor", site, "the tensor has never been assigned");
  current_session(site);
}

}  // namespace pl
