// Rows of a table, the files and arguments that answer them.
#include "apps/measurement_plan.h"

#include <catch2/catch.hpp>
#include <map>

#include "apps/run_cli.h"

namespace apps_test {
namespace {

using app::MeasurementRow;
using Words = std::vector<std::string>;

const char* const kProgram = R"(
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("-p", "--platform", type=str, default="a2a3",
                        choices=["a2a3", "a2a3sim"])
    parser.add_argument("-d", "--device", type=int, default=0)
    parser.add_argument("--mode", choices=["decode", "prefill", "all"], default="all",
                        help="which (decode, prefill) form")
    parser.add_argument("--start-pos", type=int, default=None)
    parser.add_argument("--ep", type=int, default=1, choices=(1, 2, 4))
    parser.add_argument("--enable-l2-swimlane", action="store_true", default=False)
)";

MeasurementRow row(const std::string& id) {
  MeasurementRow r;
  r.id = id;
  r.repo = "pypto-lib";
  r.commit_before = "1111111";
  r.commit = "2222222";
  r.platform = "a2a3";
  r.kernel_file = "models/k.py";
  r.scope = "module";
  r.family = "qkv";
  r.group = "decode-kernel";
  r.metric = "module_wall_us";
  r.before = 2;
  r.after = 1;
  return r;
}

class FakeTree : public app::SourceTree {
 public:
  std::map<std::string, std::string> files = {{"1111111:models/k.py", kProgram},
                                              {"2222222:models/k.py", kProgram}};
  bool has_commit(const std::string& commit) const override {
    return commit == "1111111" || commit == "2222222";
  }
  bool read(const std::string& commit, const std::string& file, std::string& text) const override {
    const auto found = files.find(commit + ":" + file);
    if (found == files.end()) return false;
    text = found->second;
    return true;
  }
};

app::PlannedRow planned(const MeasurementRow& r, const FakeTree& tree = {}) {
  return app::plan_measurements({r}, {}, tree).rows[0];
}

Words arguments(const std::string& conditions, const std::string& scope = "module") {
  MeasurementRow r = row("A");
  r.conditions = conditions;
  r.scope = scope;
  r.group = "g";
  return app::script_arguments(app::read_script(kProgram), r, true);
}

}  // namespace

TEST_CASE("the options of a file are read from its source") {
  const app::Script s = app::read_script(kProgram);
  CHECK(s.has_main);
  REQUIRE(s.options.size() == 6);
  CHECK(s.find("-p") == s.find("--platform"));
  CHECK(s.find("--nothing") == nullptr);
  CHECK(s.find("--mode")->choices == Words{"decode", "prefill", "all"});
  CHECK(s.find("--ep")->choices == Words{"1", "2", "4"});
  CHECK_FALSE(s.find("--enable-l2-swimlane")->takes_value);
  CHECK(s.find("--start-pos")->takes_value);
  CHECK_FALSE(app::read_script("x = 1").has_main);
  const app::Script level = app::read_script(
      "p.add_argument('--enable-l2-swimlane', type=int, nargs=\"?\", const=1,\n"
      "  help='it\\'s (odd), \"really\"', choices=(0, 1, 2))");
  CHECK(level.find("--enable-l2-swimlane")->value_is_optional);
  CHECK(level.find("--enable-l2-swimlane")->choices == Words{"0", "1", "2"});
  CHECK(app::read_script("a.add_argument(").options.empty());
}

TEST_CASE("arguments come from the platform and the row's texts") {
  const Words base = {"-p", "a2a3sim", "--enable-l2-swimlane"};
  const auto plus = [&](Words more) {
    Words out = base;
    out.insert(out.end(), more.begin(), more.end());
    return out;
  };
  CHECK(arguments("T=8") == base);
  CHECK(arguments("decode T=128") == plus({"--mode", "decode"}));
  CHECK(arguments("decode / prefill", "module, prefill") == plus({"--mode", "prefill"}));
  CHECK(arguments("decode / prefill") == base);
  CHECK(arguments("8 runs", "all scopes") == base);
  CHECK(arguments("start_pos=8192") == plus({"--start-pos", "8192"}));
  CHECK(arguments("start pos 128, EP2") == plus({"--start-pos", "128", "--ep", "2"}));
  CHECK(arguments("8k context") == plus({"--start-pos", "8192"}));
}

TEST_CASE("the swimlane switch in its three forms; not for the benchmark's window") {
  const auto with = [](const std::string& form, bool swimlane = true) {
    return app::script_arguments(
        app::read_script("p.add_argument(\"--enable-l2-swimlane\", " + form + ")"), row("A"),
        swimlane);
  };
  CHECK(with("action=\"store_true\"") == Words{"--enable-l2-swimlane"});
  CHECK(with("type=int, nargs=\"?\", const=1") == Words{"--enable-l2-swimlane"});
  CHECK(with("type=int, choices=[0, 1, 2]") == Words{"--enable-l2-swimlane", "2"});
  CHECK(with("type=int, choices=[0, 1]") == Words{"--enable-l2-swimlane", "1"});
  CHECK(with("action=\"store_true\"", false).empty());
  MeasurementRow r = row("A");
  r.metric = "effective_us";
  const app::MeasurementPlan plan = app::plan_measurements({r}, {}, FakeTree());
  CHECK(plan.states[0].args == Words{"-p", "a2a3sim", "--mode", "decode"});
}

TEST_CASE("a state that many rows need is one state, in a fixed order") {
  MeasurementRow b = row("B"), c = row("C");
  b.scope = "norm";
  b.metric = "busy_sum_us";
  c.before.reset();
  const app::MeasurementPlan plan = app::plan_measurements({row("A"), b, c}, {}, FakeTree());
  REQUIRE(plan.states.size() == 2);
  CHECK(plan.states[0].commit == "1111111");
  CHECK(plan.rows[0].before.state == 0u);
  CHECK(plan.rows[1].after.state == 1u);
  CHECK_FALSE(plan.rows[2].before.state.has_value());
  CHECK(plan.rows[2].after.state == 1u);
  CHECK(app::plan_measurements({row("A"), b, c}, {"C"}, FakeTree()).states.size() == 1);
}

TEST_CASE("a figure of a layer runs the layer's file") {
  MeasurementRow layer = row("A"), part = row("B");
  layer.group = part.group = "decode-layer";
  layer.family = "layer";
  layer.conditions = part.conditions = "one run";
  part.kernel_file = "models/part.py";
  FakeTree tree;
  const auto file = [&] {
    const app::MeasurementPlan plan = app::plan_measurements({layer, part}, {"B"}, tree);
    return plan.states.empty() ? plan.rows[0].after.reason : plan.states[0].file;
  };
  CHECK(file() == "models/k.py");
  part.conditions = "another run";
  CHECK(file() == "2222222 has no file models/part.py");
}

TEST_CASE("rows that cannot be answered say why") {
  const auto reason = [](auto edit) {
    MeasurementRow r = row("A");
    edit(r);
    const app::PlannedRow p = planned(r);
    return p.reason.empty() ? p.after.reason : p.reason;
  };
  CHECK(reason([](MeasurementRow&) {}) == "");
  CHECK(reason([](MeasurementRow& r) { r.repo = "simpler"; }) == "repo simpler is not pypto-lib");
  CHECK(reason([](MeasurementRow& r) { r.repo = "hw-native-sys/pypto-lib"; }) == "");
  CHECK(reason([](MeasurementRow& r) { r.problem = "value_after is not a number: 'x'"; }) ==
        "value_after is not a number: 'x'");
  CHECK(reason([](MeasurementRow& r) { r.metric = "row_us"; }) ==
        "metric row_us is not modelled: the run keeps no time per row of a loop");
  CHECK(reason([](MeasurementRow& r) { r.before = r.after = std::nullopt; }) ==
        "the row has no figure");
  CHECK(reason([](MeasurementRow& r) { r.commit = ""; }) == "no commit");
  CHECK(reason([](MeasurementRow& r) { r.kernel_file = ""; }) == "no kernel file");
  CHECK(reason([](MeasurementRow& r) { r.commit_before = ""; }) ==
        "value_before without commit_before: figures of variants of one commit");
  CHECK(reason([](MeasurementRow& r) {
          r.metric = "wall_change_pct";
          r.commit_before = "";
        }) == "a change needs commit_before and value_after");
  CHECK(reason([](MeasurementRow& r) { r.platform = "910B"; }) ==
        "platform '910B' is neither a2a3 nor a5");
  CHECK(reason([](MeasurementRow& r) { r.scope = "barrier fold"; }) ==
        "'barrier fold' is not the whole module");
  CHECK(reason([](MeasurementRow& r) { r.commit = "3333333"; }) ==
        "commit 3333333 is not in the checkout");
  CHECK(reason([](MeasurementRow& r) { r.kernel_file = "models/gone.py"; }) ==
        "2222222 has no file models/gone.py");
  FakeTree tree;
  tree.files["2222222:models/k.py"] = "def f(): pass";
  CHECK(planned(row("A"), tree).after.reason == "models/k.py has no main at 2222222");
  CHECK(planned(row("A"), tree).before.state.has_value());
}

}  // namespace apps_test
