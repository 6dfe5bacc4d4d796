// summary.json, out and in.
#include <fmt/compile.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "isa/error.h"
#include "traces/json_text.h"
#include "traces/summary.h"

namespace traces {
namespace {

using Json = nlohmann::json;

// --- writing ---

template <class... Args>
void put(Text& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

void put_text(Text& out, std::string_view key, std::string_view value) {
  put(out, "\"{}\": ", key);
  append_json_string(out, value);
}

void put_us(Text& out, std::string_view key, Picoseconds value) {
  put(out, "\"{}\": ", key);
  append_us_exact(out, value);
}

void put_run(Text& out, const RunInfo& run) {
  append(out, "  ");
  put_text(out, "program", run.program);
  append(out, ",\n  ");
  put_text(out, "variant", run.variant);
  append(out, ",\n  ");
  put_text(out, "mode", run.mode);
  append(out, ",\n  \"knobs\": {");
  const char* separator = "";
  for (const auto& [knob, value] : run.knobs) {
    append(out, separator);
    append_json_string(out, knob);
    append(out, ": ");
    append_json_string(out, value);
    separator = ", ";
  }
  append(out, "},\n  ");
  put_text(out, "chip", run.chip);
  append(out, ",\n  ");
  put_text(out, "soc", run.soc);
  put(out, ",\n  \"seed\": {},\n  \"threads\": null,\n", run.seed);
}

void put_golden(Text& out, const std::optional<Golden>& golden) {
  if (!golden) {
    append(out, "  \"golden\": null,\n");
    return;
  }
  put(out, "  \"golden\": {{\"passed\": {}, \"outputs\": [", golden->passed);
  const char* separator = "\n    ";
  for (const GoldenOutput& o : golden->outputs) {
    append(out, separator);
    append(out, "{");
    put_text(out, "name", o.name);
    put(out, ", \"passed\": {}, \"max_abs_err\": ", o.passed);
    if (std::isfinite(o.max_abs_err))
      put(out, "{}", o.max_abs_err);
    else
      append(out, "null");
    put(out, ", \"bad\": {}, \"total\": {}}}", o.bad, o.total);
    separator = ",\n    ";
  }
  append(out, "]},\n");
}

void put_gm(Text& out, const ScopeSummary& s) {
  put(out,
      "     \"gm\": {{\"asked_bytes\": {}, \"moved_bytes\": {}, \"overfetch\": ", s.gm.asked_bytes,
      s.gm.moved_bytes);
  append_ratio(out, s.gm.moved_bytes, s.gm.asked_bytes);
  append(out, ", \"l2_hit_rate\": ");
  append_ratio(out, s.gm.lines - s.gm.line_misses, s.gm.lines);
  put(out,
      ", \"read_bytes\": {}, \"write_bytes\": {}, \"dmas\": {}, \"rows\": {}, \"lines\": {}, "
      "\"line_misses\": {}, \"hbm_bytes\": {}}},\n",
      s.gm.read_bytes, s.gm.write_bytes, s.gm.dmas, s.gm.rows, s.gm.lines, s.gm.line_misses,
      s.gm.hbm_bytes);
}

void put_scope(Text& out, const ScopeSummary& s) {
  append(out, "    {");
  put_text(out, "name", s.name);
  put(out, ", \"kind\": \"{}\", \"tasks\": {}, \"blocks\": {}, \"lanes\": {},\n     ",
      isa::name(s.kind), s.tasks, s.blocks, s.lanes);
  put_us(out, "busy_us", s.busy);
  append(out, ", ");
  put_us(out, "block_busy_us", s.block_busy);
  append(out, ",\n     \"exec_us\": {");
  put_us(out, "mean", s.exec_mean);
  append(out, ", ");
  put_us(out, "min", s.exec_min);
  append(out, ", ");
  put_us(out, "max", s.exec_max);
  append(out, "}, ");
  put_us(out, "span_us", s.span);
  append(out, ", ");
  put_us(out, "head_us", s.head);
  append(out, ", ");
  put_us(out, "tail_us", s.tail);
  append(out, ",\n     \"pipes_us\": {");
  for (int p = 0; p < isa::kPipes; ++p) {
    append(out, p == 0 ? "" : ", ");
    put_us(out, isa::name(static_cast<isa::Pipe>(p)), s.pipes[p]);
  }
  append(out, "},\n");
  put_gm(out, s);
  append(out, "     \"memory_peak_bytes\": {");
  for (int m = 1; m < isa::kMemSpaces; ++m)  // GM is no memory of a core
    put(out, "{}\"{}\": {}", m == 1 ? "" : ", ", isa::name(static_cast<isa::MemSpace>(m)),
        s.memory_peak[m]);
  append(out, "},\n     \"waits_us\": {");
  for (int w = 0; w < kWaitReasons; ++w) {
    append(out, w == 0 ? "" : ", ");
    put_us(out, name(static_cast<WaitReason>(w)), s.waits[w]);
  }
  append(out, "},\n     \"instructions\": {");
  const char* separator = "";
  for (const auto& [opcode, count] : s.instructions) {
    append(out, separator);
    append_json_string(out, opcode);
    put(out, ": {}", count);
    separator = ", ";
  }
  append(out, "}}");
}

// --- reading ---

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
  Picoseconds us(const std::string& key) const {
    const Json& v = at(key);
    if (!v.is_number()) fail("summary.type", "'" + path_ + key + "' is not a number");
    const double value = v.get<double>();
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
  for (int w = 0; w < kWaitReasons; ++w)
    s.waits[w] = waits.us(std::string(name(static_cast<WaitReason>(w))));
  s.instructions = in.counts("instructions");
  return s;
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

std::string summary_json(const Summary& summary) {
  Text out;
  append(out, "{\n");
  put_run(out, summary.run);
  put_golden(out, summary.golden);
  append(out, "  ");
  put_us(out, "makespan_us", summary.makespan);
  append(out, ",\n  ");
  put_us(out, "busy_us", summary.busy());
  append(out, ",\n  \"cores_busy_mean\": ");
  append_ratio(out, summary.busy().value, summary.makespan.value);
  put(out, ",\n  \"tasks\": {},\n  \"blocks\": {},\n  \"instructions\": {},\n  \"scopes\": [\n",
      summary.tasks, summary.blocks, summary.instructions);
  for (size_t i = 0; i < summary.scopes.size(); ++i) {
    put_scope(out, summary.scopes[i]);
    append(out, i + 1 == summary.scopes.size() ? "\n" : ",\n");
  }
  append(out, "  ]\n}\n");
  return to_string(out);
}

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
