#include "apps/cli_fixtures.h"

#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "apps/request.h"
#include "apps/run_cli.h"
#include "kernels/manifest.h"
#include "kernels/program.h"

namespace apps_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

/// `text` with the only-once text `from` replaced.
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  if (at == std::string::npos) throw std::logic_error("fixture: no '" + from + "'");
  return text.replace(at, from.size(), to);
}

void edit(const fs::path& file, const std::string& from, const std::string& to) {
  write_file(file, replaced(read_file(file), from, to));
}

void make_inputs(const fs::path& root) {
  const kernels::Program& p = kernels::find_program("rmsnorm");
  const kernels::Knobs knobs = p.resolve("decode", app::parse_settings({kSmallRmsnorm}));
  const fs::path good = root / "good";
  kernels::save_tensors(good, p.make_inputs(knobs, "decode", 1));
  const auto variant = [&](const char* name) {
    fs::copy(good, root / name, fs::copy_options::recursive);
    return root / name;
  };
  const auto with_manifest = [&](const char* name, const std::function<void(ordered_json&)>& f) {
    const fs::path file = variant(name) / "manifest.json";
    ordered_json j = ordered_json::parse(read_file(file));
    f(j["tensors"]);
    write_file(file, j.dump(1));
  };
  fs::create_directories(root / "no_manifest");
  write_file(variant("bad_json") / "manifest.json", "{\"tensors\": [");
  write_file(variant("no_list") / "manifest.json", "{\"tensors\": 3}");
  write_file(variant("not_object") / "manifest.json", "{\"tensors\": [7]}");
  with_manifest("missing_tensor", [](ordered_json& t) { t.erase(1); });
  with_manifest("no_x", [](ordered_json& t) { t.erase(0); });
  with_manifest("misspelt_tensor", [](ordered_json& t) { t[1]["name"] = "ww"; });
  with_manifest("twice", [](ordered_json& t) { t.push_back(t[0]); });
  with_manifest("no_shape", [](ordered_json& t) { t[0].erase("shape"); });
  with_manifest("text_shape", [](ordered_json& t) { t[0]["shape"] = "8x128"; });
  with_manifest("wrong_shape", [](ordered_json& t) { t[0]["shape"] = {16, 128}; });
  with_manifest("wrong_dtype", [](ordered_json& t) { t[0]["dtype"] = "fp32"; });
  with_manifest("unknown_dtype", [](ordered_json& t) { t[0]["dtype"] = "bf17"; });
  with_manifest("wrong_role", [](ordered_json& t) { t[0]["role"] = "output"; });
  with_manifest("unknown_role", [](ordered_json& t) { t[0]["role"] = "in"; });
  with_manifest("escape", [](ordered_json& t) { t[0]["file"] = "../good/x.npy"; });
  with_manifest("absolute", [&](ordered_json& t) { t[0]["file"] = (good / "x.npy").string(); });
  with_manifest("no_file", [](ordered_json& t) { t[0]["file"] = "y.npy"; });
  const std::string x = read_file(good / "x.npy");
  write_file(variant("npy_short") / "x.npy", x.substr(0, x.size() - 2));
  write_file(variant("npy_header") / "x.npy", x.substr(0, 20));
  write_file(variant("npy_empty") / "x.npy", "");
  write_file(variant("npy_long") / "x.npy", x + "!");
  edit(variant("npy_magic") / "x.npy", "NUMPY", "NUMPI");
  edit(variant("npy_fortran") / "x.npy", "False", "True ");
  edit(variant("npy_dtype") / "x.npy", "<u2", "<f4");
  edit(variant("npy_shape") / "x.npy", "(8, 128)", "(128, 8)");
  edit(variant("npy_version") / "x.npy", std::string("NUMPY\x01", 6), "NUMPY\x09");
}

void make_chips(const fs::path& root) {
  const std::string chip = read_file(fs::path(CHIPS_FOLDER) / "a2a3.toml");
  const std::string latency = "latency = { value = 265,";  // of mte2
  const auto variant = [&](const char* name, const std::string& from, const std::string& to) {
    write_file(root / name, replaced(chip, from, to));
  };
  write_file(root / "good.toml", chip);
  write_file(root / "empty.toml", "");
  write_file(root / "syntax.toml", "name = \"mine\"\n\n[soc\ndefault = 1\n");
  variant("unknown_key.toml", latency, "latencie = { value = 265,");
  variant("missing_key.toml", "\n[mte2]\n", "\n[mte2]\n#");
  variant("range.toml", latency, "latency = { value = -1,");
  variant("type.toml", latency, "latency = { value = \"fast\",");
  variant("no_source.toml", "source = \"hardware.md §1.1\", confidence = \"documented\" }",
          "confidence = \"documented\" }");
  variant("confidence.toml", "confidence = \"documented\" }", "confidence = \"sure\" }");
  variant("cores.toml", "aiv = { value = 48,", "aiv = { value = 47,");
  variant("default_soc.toml", "default = \"910_9382\"", "default = \"910_0\"");
}

constexpr char kRow[] = R"([[row]]
id = "R1"
title = "a row"
program = "rmsnorm"
mode = "decode"
metric = "module_wall_us"
scopes = []
a = "stage=1"
b = "stage=2"
before = 2.0
after = 1.0
bound = [0.5, 2.0]
)";

constexpr char kMeasurements[] =
    "id,repo,commit_before,commit,platform,kernel_file,scope,family,group,kind,metric,unit,"
    "value_before,value_after,conditions\n"
    "M1,simpler,,,a2a3,,module,f,g,absolute,module_wall_us,us,,1,\n";

void make_tables(const fs::path& root) {
  const auto variant = [&](const char* name, const std::string& from, const std::string& to) {
    write_file(root / name, replaced(kRow, from, to));
  };
  write_file(root / "good.toml", kRow);
  write_file(root / "empty.toml", "");
  write_file(root / "syntax.toml", "[[row]]\nid = \n");
  write_file(root / "numbers.toml", "row = [1, 2]\n");
  write_file(root / "no_list.toml", "[row]\nid = 'R1'\n");
  variant("metric.toml", "module_wall_us", "module_wall");
  variant("no_id.toml", "id = \"R1\"\n", "");
  variant("bound.toml", "[0.5, 2.0]", "[2.0, 0.5]");
  variant("zero.toml", "after = 1.0", "after = 0.0");
  variant("setting.toml", "\"stage=1\"", "\"stage\"");
  write_file(root / "good.csv", kMeasurements);
  write_file(root / "empty.csv", "");
  write_file(root / "no_metric.csv", replaced(kMeasurements, "metric", "metrik"));
  write_file(root / "short_row.csv", replaced(kMeasurements, ",1,\n", "\n"));
  write_file(root / "open_quote.csv", replaced(kMeasurements, "simpler", "\"simpler"));
}

}  // namespace

void make_fixtures(const fs::path& folder) {
  make_inputs(folder / "inputs");
  make_chips(folder / "chips");
  make_tables(folder / "tables");
  write_file(folder / "file", "mine\n");
  write_file(folder / "foreign" / "thesis.txt", "mine\n");
  write_file(folder / "broken" / "summary.json", "{\"program\": ");
  write_file(folder / "stranger" / "summary.json", "{\"program\": \"x\"}");
  fs::create_directories(folder / "empty");
}

}  // namespace apps_test
