// One execution: a session while the program runs, then lowering, replay and files.
#include <pybind11/stl.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "apps/output.h"
#include "apps/run.h"
#include "chips/chip.h"
#include "python/src/values.h"

namespace front {
namespace {

namespace fs = std::filesystem;

/// Upstream's whole blocks run with PTO2_RING_HEAP at 2 GiB; the runtime's default is too small for
/// them on the device as well.
constexpr const char* kRingHeap = "2147483648";

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// CPU time of the process, all threads: unlike seconds_since the same on a busy machine.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// What a recording amounts to, before lowering.
struct Size {
  int64_t operations = 0, macs = 0;
};

Size size_of(const pl::RecordedProgram& program) {
  Size size;
  for (const pl::ScopeRecord& scope : program.scopes)
    for (const pl::BlockRecord& block : scope.blocks)
      for (const pl::Op& op : block.ops.elements()) {
        if (op.kind != pl::Op::Kind::Instr) continue;
        const bool run = op.opcode == isa::Opcode::SREAD || op.opcode == isa::Opcode::SWRITE;
        size.operations += run ? std::max<int64_t>(op.gm.cols, 1) : 1;
        if (op.opcode == isa::Opcode::TMATMUL || op.opcode == isa::Opcode::TMATMUL_ACC)
          size.macs += int64_t{op.dst.rows} * op.dst.cols * op.src[0].cols;
      }
  return size;
}

/// Moves the files of `from` over those of `to` and removes `from`. Folders take the place of older
/// ones, or with `add` bring their files to them.
void merge_into(const fs::path& from, const fs::path& to, bool add) {
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
    const fs::path target = to / entry.path().filename();
    if (add && entry.is_directory() && fs::is_directory(target)) {
      merge_into(entry.path(), target, true);
      continue;
    }
    fs::remove_all(target);
    fs::rename(entry.path(), target);
  }
  fs::remove_all(from);
}

class Run {
 public:
  Run(const std::string& name, const std::string& chip, const std::string& soc,
      std::vector<std::string> overrides, int threads, bool auto_scope) {
    request_.program = name;
    request_.chip = chip;
    request_.soc = soc;
    request_.threads = threads;
    request_.golden = false;
    const char* heap = std::getenv("PTO2_RING_HEAP");
    overrides.insert(overrides.begin(),
                     std::string("runtime.heap_bytes=") + (heap != nullptr ? heap : kRingHeap));
    request_.chip_overrides = std::move(overrides);
    chip_ = chips::load_chip(chip, soc, request_.chip_overrides);
    pl::SessionOptions options;
    options.threads = threads;
    options.mask_scatter = chip_.mask_scatter;
    options.a5_casts = chip_.wide_casts;
    options.loop_scopes = auto_scope;
    options.inputs_may_be_written = true;
    // Upstream's programs may rely on zeros where nobody has written (kernel-language.md §1.3).
    options.poison = std::getenv("A2A3SIM_POISON") != nullptr;
    options.keep_initial = std::getenv("A2A3SIM_VERIFY_LOWERING") != nullptr;
    request_.verify_lowering = options.keep_initial;
    session_ = std::make_unique<pl::Session>(name, options);
    started_ = std::chrono::steady_clock::now();
    started_cpu_ = cpu_seconds();
  }

  ~Run() { abandon(); }

  /// `owner` keeps the memory at `address` alive (a torch tensor).
  PyTensor tensor(const std::string& name, const PyDType& dtype, py::handle shape,
                  uintptr_t address, const py::object& owner, const std::string& role) {
    auto* keep = new py::object(owner);
    std::shared_ptr<uint8_t> bytes(reinterpret_cast<uint8_t*>(address), [keep](uint8_t*) {
      py::gil_scoped_acquire locked;
      delete keep;
    });
    const Dims dims = dims_of(shape, "a shape");
    if (role == "in") return {session().input(name, dtype.type, dims, std::move(bytes))};
    if (role == "inout") return {session().inout(name, dtype.type, dims, std::move(bytes))};
    if (role == "out") return {session().output(name, dtype.type, dims, std::move(bytes))};
    fail("front.role", "tensor '" + name + "' is neither in, inout nor out but " + role);
  }

  /// Ends the program; what it recorded stays here until it is replayed.
  void end() {
    execute_s_ = seconds_since(started_);
    execute_cpu_s_ = cpu_seconds() - started_cpu_;
    recorded_ = std::make_unique<pl::RecordedProgram>(session().finish());
    session_.reset();
  }

  py::dict finish(const py::dict& options) {
    end();
    return replay({this}, options)[0].cast<py::dict>();
  }

  /// Lowers, replays and writes what `runs` recorded: one program, or those of all ranks of a
  /// world, which meet again in simulated time. Gives one result for each.
  static py::list replay(const std::vector<Run*>& runs, const py::dict& options) {
    const auto flag = [&](const char* name) {
      return options.contains(name) && options[name].cast<bool>();
    };
    app::OutputOptions files;
    files.swimlane = flag("swimlane");
    files.pmu = flag("pmu");
    files.deps = flag("dep_gen");
    app::RunRequest request = runs.front()->request_;
    if (files.swimlane) request.level = options["swimlane"].cast<int>();
    // profiling costs time only when it is on; "observer" decides otherwise
    request.observer_effect = options.contains("observer") ? flag("observer") : files.swimlane;
    request.detail = flag("detail");
    request.mode = options.contains("mode") ? std::string(py::str(options["mode"])) : "";
    const std::string out_dir =
        options.contains("out_dir") ? std::string(py::str(options["out_dir"])) : "";
    const int dispatch = options.contains("dispatch") ? options["dispatch"].cast<int>() : 0;

    const auto start = std::chrono::steady_clock::now();
    const double start_cpu = cpu_seconds();
    std::vector<app::RunResult> results;
    double replay_s = 0, replay_cpu_s = 0, write_s = 0;
    {
      py::gil_scoped_release unlocked;
      app::Progress progress;
      const chips::Chip& chip = runs.front()->chip_;
      const bool alone = runs.front()->recorded_->ranks == 1;
      if (alone) {
        results.push_back(app::replay(*runs.front()->recorded_, chip, request, progress));
      } else {
        std::vector<const pl::RecordedProgram*> programs;
        for (const Run* run : runs) programs.push_back(run->recorded_.get());
        results = app::replay_ranks(programs, chip, request, progress);
      }
      replay_s = seconds_since(start);
      replay_cpu_s = cpu_seconds() - start_cpu;
      if (!out_dir.empty()) write(results, request, files, out_dir, alone ? -1 : dispatch);
      write_s = seconds_since(start) - replay_s;
    }
    py::list all;
    for (size_t r = 0; r < runs.size(); ++r) {
      py::dict out = describe(results[r], *runs[r]);
      out["replay_s"] = replay_s;
      out["replay_cpu_s"] = replay_cpu_s;
      out["write_s"] = write_s;
      all.append(out);
    }
    return all;
  }

  /// Gives the recording up, for example when the program has failed.
  void abandon() {
    forget_loads();
    session_.reset();
    recorded_.reset();
  }

 private:
  pl::Session& session() {
    if (!session_) fail("lang.no-session", "the run has finished");
    return *session_;
  }

  static py::dict describe(const app::RunResult& result, const Run& run) {
    const Size size = size_of(*run.recorded_);
    py::dict out;
    out["summary"] = traces::summary_json(result.summary);
    out["wall_us"] = result.summary.makespan.us();
    out["tasks"] = result.summary.tasks;
    out["blocks"] = result.summary.blocks;
    out["instructions"] = result.summary.instructions;
    out["operations"] = size.operations;
    out["gmac"] = static_cast<double>(size.macs) / 1e9;
    out["execute_s"] = run.execute_s_;
    out["execute_cpu_s"] = run.execute_cpu_s_;
    py::list diagnostics, hazards;
    for (const pl::Diagnostic& d : result.diagnostics)
      diagnostics.append(d.where + ": " + d.message + " [" + d.id + "]");
    for (const std::string& h : result.hazards) hazards.append(h);
    out["diagnostics"] = diagnostics;
    out["hazards"] = hazards;
    if (result.lowering_check)
      out["lowering_difference"] =
          result.lowering_check->equal ? "" : result.lowering_check->first_difference;
    return out;
  }

  static void write(const std::vector<app::RunResult>& results, const app::RunRequest& request,
                    const app::OutputOptions& files, const std::string& out_dir, int dispatch) {
    const fs::path staging = fs::path(out_dir) / ".a2a3sim";
    traces::OutputFolder folder(staging.string());
    if (dispatch < 0)
      app::write_result(folder, results.front(), request, files);
    else
      app::write_rank_results(folder, results, request, files, dispatch);
    folder.commit();
    merge_into(staging, out_dir, dispatch > 0);
  }

  app::RunRequest request_;
  chips::Chip chip_;
  std::unique_ptr<pl::Session> session_;
  std::unique_ptr<pl::RecordedProgram> recorded_;  ///< once the program has ended
  std::chrono::steady_clock::time_point started_;
  double started_cpu_ = 0, execute_s_ = 0, execute_cpu_s_ = 0;
};

}  // namespace

void bind_run(py::module_& m) {
  py::class_<Run>(m, "Run", "One execution of one program on one chip")
      .def(py::init<const std::string&, const std::string&, const std::string&,
                    std::vector<std::string>, int, bool>(),
           py::arg("name"), py::arg("chip") = "a2a3", py::arg("soc") = "",
           py::arg("overrides") = std::vector<std::string>{}, py::arg("threads") = 0,
           py::arg("auto_scope") = true)
      .def("tensor", &Run::tensor, py::arg("name"), py::arg("dtype"), py::arg("shape"),
           py::arg("data_ptr"), py::arg("owner"), py::arg("role"))
      .def("finish", &Run::finish, py::arg("options"))
      .def("end", &Run::end)
      .def_static("replay", &Run::replay, py::arg("runs"), py::arg("options"))
      .def("abandon", &Run::abandon);
}

}  // namespace front
