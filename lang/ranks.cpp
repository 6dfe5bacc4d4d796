#include "lang/ranks.h"

#include <algorithm>
#include <cstring>

#include "lang/op_common.h"
#include "lang/session_impl.h"
#include "lang/window.h"

namespace pl {
namespace {

std::string text(const Dims& dims) {
  std::string s = "[";
  for (size_t i = 0; i < dims.size(); ++i) s += (i ? ", " : "") + std::to_string(dims[i]);
  return s + "]";
}

Session::Impl& session_of_world(const char* what, Site site) {
  Session::Impl& session = current_session(site);
  if (session.seat.world == nullptr)
    fail("lang.no-world", site,
         std::string(what) + " needs a program of several ranks (pl::World)");
  return session;
}

/// Checks that `t` is a window and the peer exists; the own rank becomes an ordinary access.
int16_t peer_of(const char* what, const Tensor& t, int64_t peer, Site site) {
  Session::Impl& session = session_of_world(what, site);
  if (!t.present()) fail("lang.no-tensor", site, "the tensor has never been assigned");
  const isa::GmBuffer& buffer = session.buffer(t.buffer()).info;
  if (buffer.window == isa::GmBuffer::kNoWindow)
    fail("lang.no-window", site,
         std::string(what) + " of tensor '" + buffer.name + "', which is no window");
  const int ranks = session.seat.world->ranks;
  if (peer < 0 || peer >= ranks)
    fail("lang.peer", site,
         std::string(what) + " with rank " + std::to_string(peer) + ", the world has ranks 0.." +
             std::to_string(ranks - 1));
  return peer == session.seat.rank ? isa::GmAccess::kOwn : static_cast<int16_t>(peer);
}

/// One flag of a window.
isa::GmAccess flag_access(const char* what, const Tensor& t, int16_t peer, const Dims& index,
                          Site site) {
  if (t.dtype() != DType::I32)
    fail("lang.flag", site,
         std::string(what) + " of a window of " + std::string(isa::name(t.dtype())) +
             "; flags are INT32");
  bool inside = index.size() == t.shape().size();
  isa::GmAccess gm;
  gm.offset = t.offset();
  for (size_t i = 0; inside && i < index.size(); ++i) {
    inside = index[i] >= 0 && index[i] < t.shape()[i];
    gm.offset += index[i] * t.strides()[i];
  }
  if (!inside)
    fail(
        "lang.flag", site,
        std::string(what) + " of flag " + text(index) + " of a window of shape " + text(t.shape()));
  gm.buffer = t.buffer();
  gm.dtype = t.dtype();
  gm.peer = peer;
  gm.row_stride = 1;
  gm.rows = gm.cols = 1;
  return gm;
}

uint8_t* flag_address(Block& b, const isa::GmAccess& gm) {
  return b.run().session.gm_data(gm) + gm.offset * static_cast<int64_t>(isa::size_of(gm.dtype));
}

/// One end of a bulk copy: all of it inside the tensor.
GmWindow copy_end(const Tensor& t, int16_t peer, const Dims& offsets, const Dims& shape,
                  Site site) {
  GmWindow w = fold_window(t, offsets, shape, "lang.copy-window", site);
  if (w.transposed || w.gm.rows != w.rows || w.gm.cols != w.cols)
    fail("lang.copy-window", site,
         "part " + describe_window(t, offsets, shape) + " does not lie in rows inside the tensor");
  w.gm.peer = peer;
  return w;
}

isa::GmAccess chunk_of(isa::GmAccess gm, int64_t row, int64_t col, int64_t rows, int64_t cols) {
  gm.offset += row * gm.row_stride + col;
  gm.rows = static_cast<int32_t>(std::min(rows, gm.rows - row));
  gm.cols = static_cast<int32_t>(std::min(cols, gm.cols - col));
  return gm;
}

/// TPUT and TGET: load and store through one or two staging tiles in UB.
void copy(Block& b, const GmWindow& from, const GmWindow& to, const CopyOptions& options,
          Site site) {
  if (from.rows != to.rows || from.cols != to.cols || from.gm.dtype != to.gm.dtype)
    fail("lang.copy-window", site,
         "copies [" + std::to_string(from.rows) + "x" + std::to_string(from.cols) + "] " +
             std::string(isa::name(from.gm.dtype)) + " to [" + std::to_string(to.rows) + "x" +
             std::to_string(to.cols) + "] " + std::string(isa::name(to.gm.dtype)));
  if (options.pipeline && (options.chunk_rows <= 0 || options.chunk_cols <= 0))
    fail("lang.copy-chunk", site, "pipeline needs chunk_rows and chunk_cols");
  const int64_t rows = options.chunk_rows > 0 ? std::min(options.chunk_rows, from.rows) : from.rows;
  const int64_t cols = options.chunk_cols > 0 ? std::min(options.chunk_cols, from.cols) : from.cols;
  std::vector<Tile> stages;
  for (int i = 0; i < (options.pipeline ? 2 : 1); ++i)
    stages.push_back(b.make(from.gm.dtype, rows, cols, rows, cols, site, TileSpace::Vec));
  size_t chunk = 0;
  for (int64_t r = 0; r < from.rows; r += rows)
    for (int64_t c = 0; c < from.cols; c += cols) {
      const isa::GmAccess source = chunk_of(from.gm, r, c, rows, cols);
      const Tile& stage = stages[chunk++ % stages.size()];
      TileRef ref = stage.ref();
      ref.valid_rows = static_cast<uint16_t>(source.rows);
      ref.valid_cols = static_cast<uint16_t>(source.cols);
      const Tile part(stage.data(), ref);
      b.load(part, source, site);
      b.store(part, chunk_of(to.gm, r, c, rows, cols), options.atomic, site);
    }
}

/// Offsets and shape of a copy that names none: the whole tensor.
void complete(const Tensor& whole, Dims& dst_offsets, Dims& src_offsets, Dims& shape) {
  if (shape.empty()) shape = whole.shape();
  if (dst_offsets.empty()) dst_offsets = Dims(whole.shape().size(), 0);
  if (src_offsets.empty()) src_offsets = Dims(whole.shape().size(), 0);
}

}  // namespace

int my_rank(Site site) { return session_of_world("my_rank", site).seat.rank; }
int rank_count(Site site) { return session_of_world("rank_count", site).seat.world->ranks; }

Tensor window(WindowId window, DType dtype, Dims shape, const std::string& name, Site site) {
  Session::Impl& session = session_of_world("window", site);
  if (window.value >= session.seat.world->windows.size())
    fail("lang.no-window", site, "the world has no such window");
  Dims strides(shape.size(), 1);
  int64_t bytes = static_cast<int64_t>(isa::size_of(dtype));
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i] <= 0) fail("lang.shape", site, "a window of shape " + text(shape));
    if (i > 0) strides[i - 1] = strides[i] * shape[i];
    bytes *= shape[i];
  }
  const int64_t room = session.seat.world->windows[window.value].bytes;
  if (shape.empty() || bytes > room)
    fail("lang.window-bytes", site,
         "shape " + text(shape) + " of " + std::string(isa::name(dtype)) + " needs " +
             std::to_string(bytes) + " bytes, the window has " + std::to_string(room));
  return {session.window_buffer(window, name, dtype, shape), dtype, shape, strides, 0};
}

void remote_store(const Tile& tile, const Tensor& target, int64_t peer, const Dims& offsets,
                  bool atomic, Site site) {
  require_block("remote_store", site);
  const int16_t to = peer_of("remote_store", target, peer, site);
  store_to(tile, offsets, target, to, atomic, {}, site);
}

Tile remote_load(const Tensor& target, int64_t peer, const Dims& offsets, const Dims& extent,
                 Shape2 valid, Site site) {
  require_block("remote_load", site);
  const int16_t from = peer_of("remote_load", target, peer, site);
  return load_from(target, from, offsets, extent, valid, site);
}

void put(const Tensor& dst, int64_t peer, const Tensor& src, Dims dst_offsets, Dims src_offsets,
         Dims shape, const CopyOptions& options, Site site) {
  Block& b = require_block("put", site);
  const int16_t to = peer_of("put", dst, peer, site);
  complete(src, dst_offsets, src_offsets, shape);
  copy(b, copy_end(src, isa::GmAccess::kOwn, src_offsets, shape, site),
       copy_end(dst, to, dst_offsets, shape, site), options, site);
}

void get(const Tensor& dst, int64_t peer, const Tensor& src, Dims dst_offsets, Dims src_offsets,
         Dims shape, const CopyOptions& options, Site site) {
  Block& b = require_block("get", site);
  const int16_t from = peer_of("get", src, peer, site);
  complete(src, dst_offsets, src_offsets, shape);
  copy(b, copy_end(src, from, src_offsets, shape, site),
       copy_end(dst, isa::GmAccess::kOwn, dst_offsets, shape, site), options, site);
}

void notify(const Tensor& target, int64_t peer, const Dims& index, int64_t value, NotifyOp op,
            Site site) {
  Block& b = require_block("notify", site);
  const int16_t to = peer_of("notify", target, peer, site);
  const isa::GmAccess gm = flag_access("notify", target, to, index, site);
  Op& recorded = b.append(isa::Opcode::TNOTIFY, site);
  recorded.gm = gm;
  recorded.attr.imm = static_cast<double>(value);
  recorded.attr.atomic = op == NotifyOp::AtomicAdd;
  uint8_t* flag = flag_address(b, gm);
  const int64_t before = op == NotifyOp::AtomicAdd ? isa::get_integer(flag, gm.dtype) : 0;
  isa::set_integer(flag, gm.dtype, before + value);
}

void wait(const Tensor& signal, const Dims& index, int64_t expected, WaitCmp cmp, Site site) {
  Block& b = require_block("wait", site);
  const Seat seat = session_of_world("wait", site).seat;
  peer_of("wait", signal, seat.rank, site);
  const isa::GmAccess gm = flag_access("wait", signal, isa::GmAccess::kOwn, index, site);
  Op& recorded = b.append(isa::Opcode::TWAIT, site);
  recorded.gm = gm;
  recorded.attr.imm = static_cast<double>(expected);
  recorded.attr.cmp = cmp == WaitCmp::Eq ? isa::CmpOp::Eq : isa::CmpOp::Ge;
  const uint8_t* flag = flag_address(b, gm);
  const auto value = [flag] { return isa::get_integer(flag, DType::I32); };
  const auto there = [=] { return cmp == WaitCmp::Eq ? value() == expected : value() >= expected; };
  if (there()) return;
  const std::string who = "rank " + std::to_string(seat.rank) + " in " + where(site) +
                          " for flag " + b.buffer(gm.buffer).info.name + text(index);
  seat.world->turns.wait(seat.rank, there, [=] {
    return who + " = " + std::to_string(value()) + " to be " +
           (cmp == WaitCmp::Eq ? "" : "at least ") + std::to_string(expected);
  });
}

}  // namespace pl
