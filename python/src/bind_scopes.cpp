// Scopes (= tasks), runtime scopes and loops.
#include <memory>

#include "lang/session_impl.h"
#include "python/src/values.h"

namespace front {
namespace {

using isa::Site;
using pl::TaskId;

/// What `optimizations=[...]` may hold.
struct Optimization {
  enum class Kind { Split, Slots, Chunked };
  Kind kind = Kind::Chunked;
  pl::SplitMode split = pl::SplitMode::None;
  int slot_num = 0;
};

struct ScopeArguments {
  pl::ScopeOptions options;
  bool chunked = false;
};

void apply(const Optimization& o, ScopeArguments& a) {
  if (o.kind == Optimization::Kind::Chunked) a.chunked = true;
  if (o.kind == Optimization::Kind::Split) a.options.split = o.split;
  if (o.slot_num > 0) a.options.slot_num = o.slot_num;
}

/// Task handles; slots nobody has filled (None) and lists inside the list are what they seem.
void add_deps(py::handle deps, std::vector<TaskId>& out) {
  if (deps.is_none()) return;
  if (py::isinstance<TaskId>(deps)) {
    out.push_back(deps.cast<TaskId>());
    return;
  }
  if (!PySequence_Check(deps.ptr()))
    fail("front.deps", "deps holds " + std::string(py::str(py::repr(deps))) + ", not a task");
  for (py::handle d : deps) add_deps(d, out);
}

void add_no_dep(py::handle tensors, pl::ScopeOptions& options) {
  for (py::handle t : tensors) {
    const PyTensor* tensor = as_tensor(t);
    if (tensor == nullptr) fail("front.operand", "no_dep takes tensors in global memory");
    options.no_dep.push_back(tensor->tensor);
  }
}

ScopeArguments arguments_of(const py::kwargs& kwargs, const char* what) {
  ScopeArguments a;
  for (const auto& [key, value] : kwargs) {
    const std::string name = py::str(key);
    if (name == "name_hint" || name == "name") {
      a.options.name = value.is_none() ? "" : std::string(py::str(value));
    } else if (name == "deps") {
      add_deps(value, a.options.deps);
    } else if (name == "allow_early_resolve") {
      a.options.allow_early_resolve = value.cast<bool>();
    } else if (name == "sync_start") {
      a.options.sync_start = value.cast<bool>();
    } else if (name == "no_dep" || name == "no_dep_args") {
      if (!value.is_none()) add_no_dep(value, a.options);
    } else if (name == "predicate") {
      if (!value.is_none()) fail("front.scope-option", "a predicate of a task is not modelled");
    } else if (name == "scalars") {
      a.options.scalars = value.cast<int>();
    } else if (name == "optimization") {
      if (!value.is_none()) apply(value.cast<Optimization&>(), a);
    } else if (name == "optimizations") {
      if (!value.is_none())
        for (py::handle o : value) apply(o.cast<Optimization&>(), a);
    } else if (name == "split") {
      if (!value.is_none()) a.options.split = value.cast<pl::SplitMode>();
    } else if (name != "level" && name != "role" && name != "dumps" && name != "windowize") {
      fail("front.scope-option", std::string(what) + " has no option '" + name + "'");
    }
  }
  return a;
}

/// Upstream names a scope without a hint after its function.
void name_scope(pl::ScopeOptions& options) {
  if (options.name.empty()) options.name = function_name() + "_incore";
}

class At;
thread_local At* chunked_scope = nullptr;  ///< the scope whose chunked loops become tasks

/// `with pl.at(...)`. Under the chunked optimizer (before July 2026) its chunked parallel loops are
/// tasks of their own, what stands between them is one task (kernel-language.md §3.1, 5).
class At {
 public:
  explicit At(ScopeArguments a) : arguments_(std::move(a)), site_(here()) {}
  ~At() {
    if (chunked_scope == this) chunked_scope = nullptr;
  }

  TaskId enter() {
    name_scope(arguments_.options);
    if (arguments_.chunked) chunked_scope = this;
    open();
    return task_;
  }
  void exit(bool failed) {
    if (chunked_scope == this) chunked_scope = nullptr;
    if (failed)
      scope_.reset();
    else
      close(made_tasks_);
  }
  /// Ends the task so far and starts the next one.
  void split() {
    close(true);
    open();
  }
  TaskId task() const { return task_; }

 private:
  void open() {
    scope_ = std::make_unique<pl::OpenScope>(1, arguments_.options, site_);
    task_ = scope_->task();
    scope_->next_block();
    forget_loads();
  }
  void close(bool drop_if_empty) {
    forget_loads();
    if (drop_if_empty && !scope_->has_recorded()) {
      scope_.reset();
      return;
    }
    task_ = scope_->close();
    scope_.reset();
    made_tasks_ = true;
  }

  ScopeArguments arguments_;
  Site site_;
  std::unique_ptr<pl::OpenScope> scope_;
  TaskId task_;
  bool made_tasks_ = false;
};

/// `for b in pl.spmd(n, ...)`.
class Spmd {
 public:
  Spmd(int64_t blocks, ScopeArguments a)
      : blocks_(blocks), arguments_(std::move(a)), site_(here()) {
    name_scope(arguments_.options);
  }
  int64_t next() {
    if (!scope_) {
      if (done_) throw py::stop_iteration();
      scope_ = std::make_unique<pl::OpenScope>(blocks_, arguments_.options, site_);
      task_ = scope_->task();
    }
    forget_loads();
    if (scope_->next_block()) return scope_->block();
    scope_->close();
    scope_.reset();
    done_ = true;
    throw py::stop_iteration();
  }
  TaskId task() const { return task_; }

 private:
  int64_t blocks_;
  ScopeArguments arguments_;
  Site site_;
  std::unique_ptr<pl::OpenScope> scope_;
  TaskId task_;
  bool done_ = false;
};

/// Blocks that meet at barriers: the body is a callable, one fibre per block.
TaskId spmd_lockstep(int64_t blocks, const py::function& body, const py::kwargs& kwargs) {
  ScopeArguments a = arguments_of(kwargs, "spmd");
  name_scope(a.options);
  const Site site = here();
  py::gil_scoped_release unlocked;
  return pl::spmd(
      blocks, a.options,
      [&](int64_t block) {
        py::gil_scoped_acquire locked;
        forget_loads();
        body(block);
      },
      site);
}

struct Runtime {
  bool manual = false;
  std::unique_ptr<pl::RuntimeScope> scope;
};

/// `for i in pl.range(...)` and friends.
class Loop {
 public:
  Loop(pl::LoopKind kind, int64_t begin, int64_t end, int64_t step, int stage, int64_t chunk)
      : begin_(begin), end_(end), step_(step), chunk_(chunk), site_(here()) {
    if (step <= 0)
      fail("lang.loop-step", "the loop's step is " + std::to_string(step) + ", not positive");
    if (pl::active_session() != nullptr)
      range_ = std::make_unique<pl::LoopRange>(kind, begin, end, step, stage, site_);
    at_ = begin;
    scope_ = chunk > 0 && in_scope() ? chunked_scope : nullptr;
  }

  /// The next index; nothing at the end.
  std::optional<int64_t> next() {
    if (at_ >= end_) {
      if (scope_ != nullptr && index_ > 0)
        finish_chunks();
      else if (it_)
        ++*it_;
      it_.reset();
      return std::nullopt;
    }
    if (scope_ != nullptr)
      next_in_chunk();
    else if (range_)
      next_plain();
    const int64_t value = at_;
    at_ += step_;
    ++index_;
    return value;
  }

 private:
  void next_plain() {
    if (!it_)
      it_.emplace(range_->begin());
    else
      ++*it_;
  }
  /// Every `chunk` iterations are one task with a loop of its own.
  void next_in_chunk() {
    if (index_ % chunk_ != 0) {
      ++*it_;
      return;
    }
    if (it_) ++*it_;
    it_.reset();
    scope_->split();
    const int64_t trips = std::min<int64_t>(chunk_, (end_ - at_ + step_ - 1) / step_);
    range_ = std::make_unique<pl::LoopRange>(pl::LoopKind::Parallel, 0, trips, 1, 1, site_);
    it_.emplace(range_->begin());
  }
  void finish_chunks() {
    if (it_) ++*it_;
    it_.reset();
    scope_->split();
  }

  int64_t begin_, end_, step_, chunk_;
  Site site_;
  std::unique_ptr<pl::LoopRange> range_;
  std::optional<pl::LoopRange::iterator> it_;
  At* scope_ = nullptr;
  int64_t at_ = 0, index_ = 0;
};

/// The bounds of range(end), range(begin, end) and range(begin, end, step).
std::unique_ptr<Loop> make_loop(pl::LoopKind kind, const py::args& args, int stage, int64_t chunk,
                                const char* what) {
  if (args.empty() || args.size() > 3)
    fail("front.loop", std::string(what) + " takes end; begin, end; or begin, end, step");
  int64_t bounds[3] = {0, 0, 1};
  if (args.size() == 1) {
    bounds[1] = integer_of(args[0], "a loop bound");
  } else {
    for (size_t i = 0; i < args.size(); ++i) bounds[i] = integer_of(args[i], "a loop bound");
  }
  return std::make_unique<Loop>(kind, bounds[0], bounds[1], bounds[2], stage, chunk);
}

/// tp_iternext of Loop. A slot, since loops are short and many: a C++ exception at the end of each
/// would cost more than its iterations.
PyObject* next_of_loop(PyObject* self) noexcept {
  try {
    const std::optional<int64_t> index = py::handle(self).cast<Loop&>().next();
    return index ? PyLong_FromLongLong(*index) : nullptr;  // null without an error: the end
  } catch (py::error_already_set& e) {
    e.restore();
  } catch (const isa::Error& e) {
    PyErr_SetString(py::module_::import("pypto._core").attr("Error").ptr(), e.what());
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  }
  return nullptr;
}

void bind_loops(py::module_& m) {
  const py::class_<Loop> loop_class(m, "Loop");
  auto* loop_type = reinterpret_cast<PyTypeObject*>(loop_class.ptr());
  loop_type->tp_iter = PyObject_SelfIter;
  loop_type->tp_iternext = &next_of_loop;
  PyType_Modified(loop_type);
  const auto loop = [&](const char* name, pl::LoopKind kind) {
    m.def(
        name,
        [=](const py::args& args, py::handle chunk) {
          return make_loop(kind, args, 1, chunk.is_none() ? 0 : integer_of(chunk, "chunk"), name);
        },
        py::kw_only(), py::arg("chunk") = py::none());
  };
  loop("range", pl::LoopKind::Range);
  loop("parallel", pl::LoopKind::Parallel);
  loop("unroll", pl::LoopKind::Unroll);
  m.def(
      "pipeline",
      [](const py::args& args, int stage) {
        return make_loop(pl::LoopKind::Pipeline, args, stage, 0, "pipeline");
      },
      py::kw_only(), py::arg("stage"));

  struct Lanes {
    std::unique_ptr<pl::LaneLoop> loop;
    pl::SplitMode mode;
  };
  static thread_local pl::SplitMode lane_mode = pl::SplitMode::None;
  static thread_local int64_t lane = -1;
  py::class_<Lanes>(m, "Lanes")
      .def("__iter__", [](py::object self) { return self; })
      .def("__next__", [](Lanes& l) {
        if (!l.loop->next()) {
          lane = -1;
          throw py::stop_iteration();
        }
        lane_mode = l.mode;
        return lane = l.loop->lane();
      });
  m.def(
      "split_aiv",
      [](int64_t lanes, pl::SplitMode mode) {
        if (lanes != 2)
          fail("front.split-aiv", "a core has 2 vector lanes, not " + std::to_string(lanes));
        return std::make_unique<Lanes>(Lanes{std::make_unique<pl::LaneLoop>(here()), mode});
      },
      py::arg("n") = 2, py::arg("mode") = pl::SplitMode::None);
  m.def(
      "aiv_shard",
      [](py::handle a) {
        const PyTile t = operand(a, "aiv_shard");
        if (lane < 0) fail("lang.aiv-shard", "aiv_shard belongs into a split_aiv loop");
        return wrap(pl::aiv_shard(t.tile, lane, lane_mode, here()));
      },
      py::arg("x"));
}

}  // namespace

void bind_scopes(py::module_& m) {
  enum class Level { CoreGroup };
  py::enum_<Level>(m, "Level").value("CORE_GROUP", Level::CoreGroup);
  py::enum_<pl::SplitMode>(m, "SplitMode")
      .value("NONE", pl::SplitMode::None)
      .value("UP_DOWN", pl::SplitMode::UpDown)
      .value("LEFT_RIGHT", pl::SplitMode::LeftRight);
  py::class_<Optimization>(m, "Optimization");
  m.attr("chunked_loop_optimizer") = Optimization{};
  m.attr("auto_chunk") = Optimization{};
  m.def(
      "split",
      [](pl::SplitMode mode, py::handle slot_num) {
        const int slots = slot_num.is_none() ? 0 : slot_num.cast<int>();
        return Optimization{Optimization::Kind::Split, mode, slots};
      },
      py::arg("mode"), py::arg("slot_num") = py::none());
  m.def(
      "cross_core_slot",
      [](int slot_num) {
        return Optimization{Optimization::Kind::Slots, pl::SplitMode::None, slot_num};
      },
      py::arg("slot_num"));

  py::class_<At>(m, "At")
      .def("__enter__", &At::enter)
      .def("__exit__", [](At& a, const py::object& type, const py::object&, const py::object&) {
        a.exit(!type.is_none());
      });
  m.def(
      "at",
      [](py::handle, py::handle, const py::kwargs& kwargs) {
        return std::make_unique<At>(arguments_of(kwargs, "at"));
      },
      py::arg("level") = py::none(), py::arg("role") = py::none());
  py::class_<Spmd>(m, "Spmd")
      .def("__iter__", [](py::object self) { return self; })
      .def("__next__", &Spmd::next)
      .def_property_readonly("task", &Spmd::task, "the task all blocks belong to");
  m.def(
      "spmd",
      [](py::handle blocks, const py::kwargs& kwargs) {
        return std::make_unique<Spmd>(integer_of(blocks, "the number of blocks"),
                                      arguments_of(kwargs, "spmd"));
      },
      py::arg("core_num"));
  m.def("spmd_lockstep", &spmd_lockstep);
  m.def(
      "system_task_dummy",
      [](py::handle deps, const std::string& name) {
        std::vector<TaskId> tasks;
        add_deps(deps, tasks);
        return pl::task_dummy(tasks, name.empty() ? "dummy" : name, here());
      },
      py::arg("deps") = py::none(), py::arg("name_hint") = "");
  m.def("get_block_idx", [] { return pl::get_block_idx(here()); });
  m.def("system_syncall", [](const py::args&, const py::kwargs&) {
    const Site site = here();
    py::gil_scoped_release unlocked;
    pl::syncall(site);
  });

  py::class_<Runtime>(m, "RuntimeScope")
      .def("__enter__",
           [](Runtime& r) { r.scope = std::make_unique<pl::RuntimeScope>(r.manual, here()); })
      .def("__exit__", [](Runtime& r, const py::args&) { r.scope.reset(); });
  m.def("scope", [] { return std::make_unique<Runtime>(Runtime{false, nullptr}); });
  m.def("manual_scope", [] { return std::make_unique<Runtime>(Runtime{true, nullptr}); });
  bind_loops(m);
}

}  // namespace front
