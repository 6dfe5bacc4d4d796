// Programs of several ranks: the world they run in and what a rank does with its peers.
#include "lang/session_impl.h"
#include "python/src/values.h"

namespace front {
namespace {

using pl::NotifyOp;
using pl::WaitCmp;

constexpr const char* kRankFailed = "front.rank-failed";

/// Ranks are Python calls on threads of their own; the interpreter's lock is free while one waits.
class World {
 public:
  explicit World(int ranks) : world_(ranks, options()) {}

  int64_t alloc_window(py::handle bytes) {
    return static_cast<int64_t>(world_.alloc_window(integer_of(bytes, "a window")).value);
  }

  void run(const py::function& body) {
    std::exception_ptr raised;  // the first exception of Python code
    try {
      world_.run([&](int rank) {
        py::gil_scoped_acquire locked;
        try {
          body(rank);
        } catch (const py::error_already_set&) {
          if (!raised) raised = std::current_exception();
          throw isa::Error(kRankFailed, "rank " + std::to_string(rank) + " has failed");
        }
      });
    } catch (const isa::Error& e) {
      if (e.id() != kRankFailed) throw;
      std::rethrow_exception(raised);
    }
  }

 private:
  static pl::WorldOptions options() {
    pl::WorldOptions o;
    o.while_blocked = [](const std::function<void()>& wait) {
      py::gil_scoped_release unlocked;
      wait();
    };
    return o;
  }

  pl::World world_;
};

const pl::Tensor& tensor_of(py::handle h, const char* what) {
  const PyTensor* t = as_tensor(h);
  if (t == nullptr) fail("front.operand", std::string(what) + " needs a tensor in global memory");
  return t->tensor;
}

Dims optional_dims(py::handle h, const char* what) {
  return h.is_none() ? Dims() : dims_of(h, what);
}

pl::CopyOptions copy_options(bool atomic, py::handle rows, py::handle cols, bool pipeline) {
  pl::CopyOptions o;
  o.atomic = atomic;
  o.chunk_rows = integer_of(rows, "chunk_rows");
  o.chunk_cols = integer_of(cols, "chunk_cols");
  o.pipeline = pipeline;
  return o;
}

void remote_store(py::handle source, py::handle target, py::handle peer, py::handle offsets,
                  bool atomic) {
  const PyTile tile = operand(source, "remote_store");
  const pl::Tensor& t = tensor_of(target, "remote_store");
  pl::remote_store(tile.tile, t, integer_of(peer, "peer"), dims_of(offsets, "offsets"), atomic,
                   here());
  forget_loads(t.buffer());
}

PyTile remote_load(py::handle target, py::handle peer, py::handle offsets, py::handle shape,
                   py::handle valid_shape) {
  const Dims extent = dims_of(shape, "a shape");
  const pl::Shape2 valid =
      valid_shape.is_none() ? pl::Shape2{} : folded(dims_of(valid_shape, "a valid shape"));
  return wrap(pl::remote_load(tensor_of(target, "remote_load"), integer_of(peer, "peer"),
                              dims_of(offsets, "offsets"), extent, valid, here()),
              extent);
}

void put(py::handle dst, py::handle peer, py::handle src, py::handle dst_offsets,
         py::handle src_offsets, py::handle shape, bool atomic, py::handle chunk_rows,
         py::handle chunk_cols, bool pipeline) {
  const pl::Tensor& target = tensor_of(dst, "put");
  pl::put(target, integer_of(peer, "peer"), tensor_of(src, "put"),
          optional_dims(dst_offsets, "dst_offsets"), optional_dims(src_offsets, "src_offsets"),
          optional_dims(shape, "a shape"), copy_options(atomic, chunk_rows, chunk_cols, pipeline),
          here());
  forget_loads(target.buffer());
}

void get(py::handle dst, py::handle peer, py::handle src, py::handle dst_offsets,
         py::handle src_offsets, py::handle shape, py::handle chunk_rows, py::handle chunk_cols,
         bool pipeline) {
  const pl::Tensor& target = tensor_of(dst, "get");
  pl::get(target, integer_of(peer, "peer"), tensor_of(src, "get"),
          optional_dims(dst_offsets, "dst_offsets"), optional_dims(src_offsets, "src_offsets"),
          optional_dims(shape, "a shape"), copy_options(false, chunk_rows, chunk_cols, pipeline),
          here());
  forget_loads(target.buffer());
}

}  // namespace

void bind_ranks(py::module_& m) {
  py::class_<World>(m, "World", "The ranks of one host program and their windows")
      .def(py::init<int>(), py::arg("ranks"))
      .def("alloc_window", &World::alloc_window, py::arg("bytes"))
      .def("run", &World::run, py::arg("body"),
           "Calls body(rank) for all ranks, one at a time; a rank that waits hands over");
  py::enum_<NotifyOp>(m, "pld_NotifyOp")
      .value("AtomicAdd", NotifyOp::AtomicAdd)
      .value("Set", NotifyOp::Set);
  py::enum_<WaitCmp>(m, "pld_WaitCmp").value("Eq", WaitCmp::Eq).value("Ge", WaitCmp::Ge);
  m.def(
      "pld_window",
      [](int64_t window, const PyDType& dtype, py::handle shape, const std::string& name) {
        return PyTensor{pl::window(pl::WindowId(static_cast<uint32_t>(window)), dtype.type,
                                   dims_of(shape, "a shape"), name, here())};
      },
      py::arg("window"), py::arg("dtype"), py::arg("shape"), py::arg("name"));
  m.def(
      "pld_rank", [](py::handle) { return pl::my_rank(here()); }, py::arg("ctx"));
  m.def(
      "pld_nranks", [](py::handle) { return pl::rank_count(here()); }, py::arg("ctx"));
  m.def(
      "pld_notify",
      [](py::handle target, py::handle peer, py::handle offsets, py::handle value, NotifyOp op) {
        pl::notify(tensor_of(target, "notify"), integer_of(peer, "peer"),
                   dims_of(offsets, "offsets"), integer_of(value, "value"), op, here());
      },
      py::arg("target"), py::arg("peer"), py::arg("offsets"), py::arg("value"), py::kw_only(),
      py::arg("op"));
  m.def(
      "pld_wait",
      [](py::handle signal, py::handle offsets, py::handle expected, WaitCmp cmp) {
        pl::wait(tensor_of(signal, "wait"), dims_of(offsets, "offsets"),
                 integer_of(expected, "expected"), cmp, here());
        forget_loads();  // peers have written since
      },
      py::arg("signal"), py::arg("offsets"), py::arg("expected"), py::kw_only(), py::arg("cmp"));
  m.def(
      "pld_remote_store",
      [](py::handle source, py::handle target, py::handle peer, py::handle offsets,
         py::handle atomic) { remote_store(source, target, peer, offsets, adds(atomic)); },
      py::arg("src"), py::arg("target"), py::arg("peer"), py::arg("offsets"), py::kw_only(),
      py::arg("atomic") = py::none());
  m.def("pld_remote_load", &remote_load, py::arg("target"), py::arg("peer"), py::arg("offsets"),
        py::arg("shape"), py::arg("valid_shape") = py::none());
  m.def(
      "pld_put",
      [](py::handle dst, py::handle peer, py::handle src, py::handle dst_offsets,
         py::handle src_offsets, py::handle shape, py::handle atomic, py::handle chunk_rows,
         py::handle chunk_cols, bool pipeline) {
        put(dst, peer, src, dst_offsets, src_offsets, shape, adds(atomic), chunk_rows, chunk_cols,
            pipeline);
      },
      py::arg("dst"), py::arg("peer"), py::arg("src"), py::arg("dst_offsets") = py::none(),
      py::arg("src_offsets") = py::none(), py::arg("shape") = py::none(), py::kw_only(),
      py::arg("atomic") = py::none(), py::arg("chunk_rows") = 0, py::arg("chunk_cols") = 0,
      py::arg("pipeline") = false);
  m.def("pld_get", &get, py::arg("dst"), py::arg("peer"), py::arg("src"),
        py::arg("dst_offsets") = py::none(), py::arg("src_offsets") = py::none(),
        py::arg("shape") = py::none(), py::kw_only(), py::arg("chunk_rows") = 0,
        py::arg("chunk_cols") = 0, py::arg("pipeline") = false);
}

}  // namespace front
