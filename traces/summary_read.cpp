// summary.json read back.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "isa/error.h"
#include "traces/summary.h"

namespace traces {
namespace {

using Json = nlohmann::json;

/// A JSON object that knows where it is, for errors.
class Reader {
 public:
  Reader(const Json& json, std::string file, std::string path)
      : json_(json), file_(std::move(file)), path_(std::move(path)) {
    if (!json_.is_object()) fail("summary.type", "expected an object");
  }

  const Json& at(const std::string& key) const {
    const auto it = json_.find(key);
    if (it == json_.end())
      throw isa::Error("summary.missing-key", file_, "key '" + path_ + key + "' is missing");
    return *it;
  }
  Reader object(const std::string& key) const { return {at(key), file_, path_ + key + "."}; }
  std::vector<Reader> objects(const std::string& key) const {
    const Json& list = at(key);
    if (!list.is_array()) fail("summary.type", "'" + path_ + key + "' is not a list");
    std::vector<Reader> readers;
    for (size_t i = 0; i < list.size(); ++i)
      readers.emplace_back(list[i], file_, fmt::format("{}{}[{}].", path_, key, i));
    return readers;
  }
  std::string text(const std::string& key) const {
    const Json& v = at(key);
    if (!v.is_string()) fail("summary.type", "'" + path_ + key + "' is not a text");
    return v.get<std::string>();
  }
  bool flag(const std::string& key) const {
    const Json& v = at(key);
    if (!v.is_boolean()) fail("summary.type", "'" + path_ + key + "' is not true or false");
    return v.get<bool>();
  }
  int64_t count(const std::string& key) const {
    const Json& v = at(key);
    if (!v.is_number_integer()) fail("summary.type", "'" + path_ + key + "' is not an integer");
    if (!v.is_number_unsigned() && v.get<int64_t>() < 0)
      fail("summary.value", fmt::format("'{}{}' is negative: {}", path_, key, v.get<int64_t>()));
    return v.get<int64_t>();
  }
  double number(const std::string& key) const {
    const Json& v = at(key);
    if (!v.is_number()) fail("summary.type", "'" + path_ + key + "' is not a number");
    return v.get<double>();
  }
  Picoseconds us(const std::string& key) const {
    const double value = number(key);
    // 2^53 ps: beyond it a double no longer holds every picosecond.
    if (value < 0 || value > 9e9)
      fail("summary.value", fmt::format("'{}{}' is not a time in us: {}", path_, key, value));
    return Picoseconds(std::llround(value * 1e6));
  }
  std::map<std::string, int64_t> counts(const std::string& key) const {
    const Reader inner = object(key);
    std::map<std::string, int64_t> result;
    for (const auto& item : inner.json_.items()) result[item.key()] = inner.count(item.key());
    return result;
  }
  bool has(const std::string& key) const { return json_.contains(key); }
  std::vector<std::string> text_list(const std::string& key) const {
    const Json& list = at(key);
    std::vector<std::string> result;
    if (!list.is_array()) fail("summary.type", "'" + path_ + key + "' is not a list");
    for (const Json& item : list) {
      if (!item.is_string()) fail("summary.type", "'" + path_ + key + "' is not a list of texts");
      result.push_back(item.get<std::string>());
    }
    return result;
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> result;
    for (const auto& item : json_.items()) result.push_back(item.key());
    return result;
  }
  std::map<std::string, std::string> texts(const std::string& key) const {
    const Reader inner = object(key);
    std::map<std::string, std::string> result;
    for (const auto& item : inner.json_.items()) result[item.key()] = inner.text(item.key());
    return result;
  }
  [[noreturn]] void fail(const char* id, const std::string& message) const {
    throw isa::Error(id, file_, message);
  }

 private:
  const Json& json_;
  std::string file_, path_;
};

isa::TaskKind read_kind(const Reader& scope) {
  const std::string text = scope.text("kind");
  for (isa::TaskKind kind : {isa::TaskKind::AIC, isa::TaskKind::AIV, isa::TaskKind::MIX})
    if (text == isa::name(kind)) return kind;
  scope.fail("summary.value", "scope kind '" + text + "' is none of AIC, AIV, MIX");
}

/// What files of older versions do not have.
void read_scope_additions(const Reader& in, ScopeSummary& s) {
  if (in.has("op_costs")) {
    const Reader costs = in.object("op_costs");
    for (const std::string& opcode : costs.keys()) {
      const Reader cost = costs.object(opcode);
      s.op_costs[opcode] = {cost.count("bytes"), cost.us("busy_us"), cost.us("advance_us")};
    }
  }
  if (in.has("start_us")) s.first_start = in.us("start_us");
  if (in.has("end_us")) s.last_end = in.us("end_us");
  if (in.has("latency_us")) s.latency = in.us("latency_us");
  if (!in.has("cores")) return;
  const Reader cores = in.object("cores");
  for (const isa::CoreKind kind : {isa::CoreKind::AIC, isa::CoreKind::AIV}) {
    const Reader share = cores.object(std::string(isa::name(kind)));
    s.cores[static_cast<size_t>(kind)] = {share.count("lanes"), share.us("busy_us")};
  }
}

ScopeSummary read_scope(const Reader& in) {
  ScopeSummary s;
  s.name = in.text("name");
  s.kind = read_kind(in);
  s.tasks = in.count("tasks");
  s.blocks = in.count("blocks");
  s.lanes = in.count("lanes");
  s.busy = in.us("busy_us");
  s.block_busy = in.us("block_busy_us");
  const Reader exec = in.object("exec_us");
  s.exec_mean = exec.us("mean");
  s.exec_min = exec.us("min");
  s.exec_max = exec.us("max");
  s.span = in.us("span_us");
  s.head = in.us("head_us");
  s.tail = in.us("tail_us");
  const Reader pipes = in.object("pipes_us");
  for (int p = 0; p < isa::kPipes; ++p)
    s.pipes[p] = pipes.us(std::string(isa::name(static_cast<isa::Pipe>(p))));
  const Reader gm = in.object("gm");
  s.gm.asked_bytes = gm.count("asked_bytes");
  s.gm.moved_bytes = gm.count("moved_bytes");
  s.gm.read_bytes = gm.count("read_bytes");
  s.gm.write_bytes = gm.count("write_bytes");
  s.gm.dmas = gm.count("dmas");
  s.gm.rows = gm.count("rows");
  s.gm.lines = gm.count("lines");
  s.gm.line_misses = gm.count("line_misses");
  s.gm.hbm_bytes = gm.count("hbm_bytes");
  const Reader peaks = in.object("memory_peak_bytes");
  for (int m = 1; m < isa::kMemSpaces; ++m)
    s.memory_peak[m] = peaks.count(std::string(isa::name(static_cast<isa::MemSpace>(m))));
  const Reader waits = in.object("waits_us");
  for (int w = 0; w < kWaitReasons; ++w) {
    const std::string reason(name(static_cast<WaitReason>(w)));
    if (waits.has(reason) || static_cast<WaitReason>(w) != WaitReason::Peer)
      s.waits[w] = waits.us(reason);
  }
  s.instructions = in.counts("instructions");
  read_scope_additions(in, s);
  return s;
}

/// What files of older versions do not have.
void read_additions(const Reader& in, Summary& summary) {
  if (in.has("effective_us")) summary.effective = in.us("effective_us");
  if (in.has("groups"))
    for (const Reader& group : in.objects("groups"))
      summary.groups.push_back({group.text("name"), group.text_list("scopes")});
  if (in.has("observer_effect") && !in.at("observer_effect").is_null())
    summary.observer_effect = in.flag("observer_effect");
  if (in.has("clock_mhz")) summary.clock_mhz = in.number("clock_mhz");
}

std::optional<Golden> read_golden(const Reader& root) {
  if (root.at("golden").is_null()) return std::nullopt;
  const Reader in = root.object("golden");
  Golden golden;
  golden.passed = in.flag("passed");
  for (const Reader& o : in.objects("outputs")) {
    GoldenOutput output;
    output.name = o.text("name");
    output.passed = o.flag("passed");
    const Json& err = o.at("max_abs_err");
    if (!err.is_null() && !err.is_number()) o.fail("summary.type", "'max_abs_err' is not a number");
    output.max_abs_err =
        err.is_null() ? std::numeric_limits<double>::quiet_NaN() : err.get<double>();
    output.bad = o.count("bad");
    output.total = o.count("total");
    golden.outputs.push_back(std::move(output));
  }
  return golden;
}

}  // namespace

Summary parse_summary(const std::string& json, const std::string& where) {
  Json root;
  try {
    root = Json::parse(json);
  } catch (const Json::parse_error& e) {
    throw isa::Error("summary.syntax", where,
                     fmt::format("not a JSON document, near byte {}", e.byte));
  }
  const Reader in(root, where, "");
  Summary summary;
  summary.run.program = in.text("program");
  summary.run.variant = in.text("variant");
  summary.run.mode = in.text("mode");
  summary.run.knobs = in.texts("knobs");
  summary.run.chip = in.text("chip");
  summary.run.soc = in.text("soc");
  summary.run.seed = static_cast<uint64_t>(in.count("seed"));
  summary.golden = read_golden(in);
  summary.makespan = in.us("makespan_us");
  summary.tasks = in.count("tasks");
  summary.blocks = in.count("blocks");
  summary.instructions = in.count("instructions");
  read_additions(in, summary);
  for (const Reader& scope : in.objects("scopes")) summary.scopes.push_back(read_scope(scope));
  return summary;
}

Summary read_summary(const std::string& path) {
  namespace fs = std::filesystem;
  const fs::path file = fs::is_directory(path) ? fs::path(path) / "summary.json" : fs::path(path);
  std::ifstream in(file, std::ios::binary);
  if (!in)
    throw isa::Error("summary.file", path,
                     fs::is_directory(path) ? "no summary.json in this folder" : "cannot be read");
  std::ostringstream text;
  text << in.rdbuf();
  return parse_summary(text.str(), file.string());
}

}  // namespace traces
