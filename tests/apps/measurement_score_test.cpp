// Predictions beside figures: a fake runner, summaries written by hand.
#include "apps/measurement_score.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/csv.h"
#include "apps/measurement_report.h"

namespace apps_test {
namespace {

using app::Execution;
using app::PlannedRow;
using app::RunOutcome;
using app::ScoredRow;

/// A run of `wall` us with scope "norm": 2 blocks, `busy` us in total.
traces::Summary summary(double wall, double busy, const std::string& scope = "norm") {
  nlohmann::json pipes, memory, waits;
  for (const char* p : {"S", "V", "M", "MTE1", "MTE2", "MTE3", "FIX"}) pipes[p] = 0.0;
  for (const char* m : {"UB", "L1", "L0A", "L0B", "L0C"}) memory[m] = 0;
  for (const char* w : {"data", "buffer", "issue", "queue_full", "barrier", "cross_core", "memory"})
    waits[w] = 0.0;
  nlohmann::json gm;
  for (const char* g : {"asked_bytes", "moved_bytes", "read_bytes", "write_bytes", "dmas", "rows",
                        "lines", "line_misses", "hbm_bytes"})
    gm[g] = 0;
  const nlohmann::json one = {
      {"name", scope},
      {"kind", "AIV"},
      {"tasks", 1},
      {"blocks", 2},
      {"lanes", 2},
      {"busy_us", busy},
      {"block_busy_us", busy},
      {"span_us", 1.0},
      {"start_us", 1.0},
      {"end_us", 2.0},
      {"latency_us", 4.0},
      {"head_us", 1.0},
      {"tail_us", 1.0},
      {"pipes_us", pipes},
      {"gm", gm},
      {"memory_peak_bytes", memory},
      {"waits_us", waits},
      {"instructions", nlohmann::json::object()},
      {"exec_us", {{"mean", busy / 2}, {"min", 0.0}, {"max", busy}}},
      {"cores",
       {{"AIC", {{"lanes", 0}, {"busy_us", 0.0}}}, {"AIV", {{"lanes", 2}, {"busy_us", busy}}}}}};
  const nlohmann::json run = {{"program", "p"},      {"variant", ""},
                              {"mode", ""},          {"knobs", nlohmann::json::object()},
                              {"chip", "a2a3"},      {"soc", "x"},
                              {"seed", 0},           {"golden", nullptr},
                              {"makespan_us", wall}, {"effective_us", wall + 10},
                              {"tasks", 1},          {"blocks", 2},
                              {"instructions", 0},   {"scopes", nlohmann::json::array({one})}};
  return traces::parse_summary(run.dump(), "hand-written");
}

RunOutcome ran(double wall, double busy, const std::string& scope = "norm") {
  return {{{"p", 0, 1, summary(wall, busy, scope)}}, ""};
}

PlannedRow row(const std::string& metric, const std::string& scope, std::optional<double> before,
               std::optional<double> after) {
  PlannedRow p;
  p.row.id = "A";
  p.row.kernel_file = "models/k.py";
  p.row.commit = "2222222";
  p.row.family = "qkv";
  p.row.group = "kernel";
  p.row.metric = metric;
  p.row.scope = scope;
  p.row.before = before;
  p.row.after = after;
  p.metric = app::metric_from_name(metric).value();
  p.scope = app::read_scope_text(scope, p.metric->quantity, {});
  p.before.state = 0;
  p.after.state = 1;
  return p;
}

ScoredRow scored(const PlannedRow& planned, const std::vector<RunOutcome>& outcomes) {
  app::MeasurementPlan plan;
  plan.rows = {planned};
  return app::score_rows(plan, outcomes)[0];
}

}  // namespace

TEST_CASE("both sides of a pair, their errors and their change") {
  const ScoredRow r = scored(row("module_wall_us", "module", 100, 50), {ran(200, 4), ran(50, 2)});
  CHECK(*r.before.predicted == Approx(200));
  CHECK(*r.after.predicted == Approx(50));
  CHECK(*app::log_error(r, r.before) == Approx(std::log(2.0)));
  CHECK(*app::log_error(r, r.after) == Approx(0));
  CHECK(r.change()->measured == Approx(0.5));
  CHECK(r.change()->predicted == Approx(0.25));
  CHECK(r.sign_agrees() == true);
  CHECK(r.reason.empty());
}

TEST_CASE("the sign of changes above 5 % only") {
  const auto sign = [](double before, double after, double p0, double p1) {
    return scored(row("module_wall_us", "module", before, after), {ran(p0, 1), ran(p1, 1)})
        .sign_agrees();
  };
  CHECK_FALSE(sign(100, 96, 100, 50).has_value());
  CHECK(sign(100, 94, 100, 99.9) == true);
  CHECK(sign(100, 94, 100, 101) == false);
  CHECK(sign(100, 94, 100, 100) == false);
  CHECK(sign(100, 106, 100, 120) == true);
}

TEST_CASE("a change in percent needs both runs; its error is none of a time") {
  const ScoredRow r =
      scored(row("busy_change_pct", "norm", std::nullopt, -50), {ran(1, 8), ran(1, 2)});
  CHECK(*r.after.predicted == Approx(-75));
  CHECK_FALSE(r.before.predicted.has_value());
  CHECK_FALSE(app::log_error(r, r.after).has_value());
  CHECK(r.change()->predicted == Approx(0.25));
  CHECK(r.sign_agrees() == true);
  const ScoredRow half = scored(row("busy_change_pct", "norm", std::nullopt, -50),
                                {{{}, "failed: no such module"}, ran(1, 2)});
  CHECK_FALSE(half.predicted());
  CHECK(half.reason == "failed: no such module");
  const ScoredRow speedup =
      scored(row("speedup", "module", std::nullopt, 2), {ran(30, 1), ran(10, 1)});
  CHECK(*speedup.after.predicted == Approx(3));
  CHECK(speedup.change()->measured == Approx(0.5));
}

TEST_CASE("one side that cannot run leaves the other") {
  const ScoredRow r = scored(row("busy_sum_us", "norm", 8, 2), {{{}, "failed: broken"}, ran(1, 3)});
  CHECK_FALSE(r.before.predicted.has_value());
  CHECK(r.before.reason == "failed: broken");
  CHECK(*r.after.predicted == Approx(3));
  CHECK(r.reason.empty());
  CHECK_FALSE(r.change().has_value());
}

TEST_CASE("a scope whose figure is 0 must not be in the run") {
  const ScoredRow gone = scored(row("busy_sum_us", "norm", 8, 0), {ran(1, 8), ran(1, 2, "other")});
  CHECK(*gone.after.predicted == 0);
  CHECK_FALSE(app::log_error(gone, gone.after).has_value());
  const ScoredRow still = scored(row("busy_sum_us", "norm", 8, 0), {ran(1, 8), ran(1, 2)});
  CHECK(*still.after.predicted == Approx(2));
  const ScoredRow unknown =
      scored(row("busy_sum_us", "norm", 8, 0), {ran(1, 8), {{}, "failed: x"}});
  CHECK(unknown.after.reason == "failed: x");
}

TEST_CASE("rows that are not predicted carry the reason") {
  PlannedRow planned = row("busy_sum_us", "norm", 8, 2);
  planned.reason = "no commit";
  CHECK(scored(planned, {}).reason == "no commit");
  planned = row("busy_sum_us", "nothing", std::nullopt, 2);
  CHECK(scored(planned, {ran(1, 1), ran(1, 1)}).reason == "scope nothing is not in the run");
  CHECK(scored(row("busy_sum_us", "norm", std::nullopt, 2), {ran(1, 1), {{}, ""}}).reason ==
        "the file executed nothing");
}

TEST_CASE("notes say how a text was read and that a file failed after its run") {
  RunOutcome failed = ran(1, 2);
  failed.error = "failed: golden";
  const ScoredRow r = scored(row("busy_sum_us", "nor", std::nullopt, 2), {ran(1, 1), failed});
  CHECK(r.reason == "scope nor is not in the run");
  RunOutcome longer = ran(1, 2, "norm_apply");
  longer.error = "failed: golden";
  const ScoredRow noted = scored(row("busy_sum_us", "norm", std::nullopt, 2), {ran(1, 1), longer});
  CHECK(noted.notes == std::vector<std::string>{"read as norm_apply",
                                                "the file failed after its run: failed: golden"});
}

TEST_CASE("of several programs the one the row names counts, of ranks the slowest") {
  RunOutcome two;
  two.executions = {{"k_prefill", 0, 1, summary(30, 1)}, {"k_decode", 0, 1, summary(20, 2)}};
  PlannedRow planned = row("module_wall_us", "module", std::nullopt, 1);
  CHECK(scored(planned, {two, two}).reason ==
        "the file ran k_prefill, k_decode and the row does not say which");
  planned.mode = "decode";
  CHECK(*scored(planned, {two, two}).after.predicted == Approx(20));
  two.executions[0].summary = summary(30, 1, "other");
  planned = row("busy_sum_us", "norm", std::nullopt, 1);
  CHECK(*scored(planned, {two, two}).after.predicted == Approx(2));

  RunOutcome ranks;
  ranks.executions = {{"p", 0, 2, summary(30, 1)}, {"p", 1, 2, summary(40, 2)}};
  planned = row("busy_sum_us", "norm", std::nullopt, 1);
  CHECK(*scored(planned, {ranks, ranks}).after.predicted == Approx(2));
  planned.row.conditions = "EP2 forward, fast rank";
  CHECK(*scored(planned, {ranks, ranks}).after.predicted == Approx(1));
}

TEST_CASE("the benchmark's window adds up the launches of a round") {
  RunOutcome two;
  two.executions = {{"a", 0, 1, summary(30, 1)}, {"b", 0, 1, summary(20, 2)}};
  CHECK(*scored(row("effective_us", "module", std::nullopt, 1), {two, two}).after.predicted ==
        Approx(40 + 30));
}

TEST_CASE("scores count times; counts stand apart") {
  std::vector<ScoredRow> rows = {
      scored(row("module_wall_us", "module", 100, 100), {ran(200, 1), ran(400, 1)}),
      scored(row("busy_sum_us", "norm", std::nullopt, 1), {ran(1, 1), ran(1, 1)}),
      scored(row("task_count", "norm", std::nullopt, 1), {ran(1, 1), ran(1, 1)})};
  rows[1].row.family = "hc";
  const app::Scores s = app::score(rows);
  CHECK(s.overall.rows == 2);
  CHECK(s.overall.figures == 3);
  CHECK(*s.overall.median == Approx(std::log(2.0)));
  CHECK(*s.overall.p90 == Approx(std::log(2.0) * 1.8));  // between ln 2 and ln 4
  CHECK(*s.overall.bias == Approx(2));
  CHECK(*s.counts.median == Approx(std::log(2.0)));  // 2 lanes, published as 1
  REQUIRE(s.families.size() == 2);
  CHECK(s.families[0].name == "hc");
  CHECK(s.families[1].figures == 2);
  CHECK(s.metrics.size() == 2);
  CHECK(s.groups.size() == 1);
  CHECK(s.sweeps.empty());
}

TEST_CASE("a sweep is ranked") {
  std::vector<ScoredRow> rows;
  for (const double measured : {1.0, 2.0, 3.0})
    rows.push_back(scored(row("module_wall_us", "module", std::nullopt, measured),
                          {ran(1, 1), ran(10 * measured, 1)}));
  const app::Scores s = app::score(rows);
  REQUIRE(s.sweeps.size() == 1);
  CHECK(s.sweeps[0].name == "2222222 k.py module_wall_us");
  CHECK(*s.sweeps[0].rank == Approx(1));
}

TEST_CASE("reports: table, markdown, CSV and JSON") {
  std::vector<ScoredRow> rows = {
      scored(row("module_wall_us", "module", 100, 50), {ran(200, 4), ran(50, 2)}),
      scored(row("busy_sum_us", "gone, \"x\"", std::nullopt, 2), {ran(1, 1), ran(1, 1)})};
  rows[1].row.id = "B";
  const std::string text = app::measurement_text(rows, false);
  CHECK(text.find("100.0 -> 50.00") != std::string::npos);
  CHECK(text.find("2.00 -> 1.00") != std::string::npos);
  CHECK(text.find("-50.0 % / -75.0 %") != std::string::npos);
  CHECK(text.find("1 of 2 rows predicted") != std::string::npos);
  CHECK(text.find("not predicted: B: scope gone is not in the run") != std::string::npos);
  const std::string markdown = app::measurement_text(rows, true);
  CHECK(markdown.find("| A | k.py | module | module_wall_us | 100.0 -> 50.00 | 200.0 -> 50.00 | "
                      "2.00 -> 1.00 | +0.69 -> +0.00 | -50.0 % / -75.0 % | yes |") !=
        std::string::npos);
  CHECK(markdown.find("- not predicted: B") != std::string::npos);

  const auto records = app::parse_csv(app::measurement_csv(rows), "own");
  REQUIRE(records.size() == 3);
  CHECK(records[0].fields.size() == records[1].fields.size());
  CHECK(records[1].fields[0] == "A");
  CHECK(records[2].fields[4] == "gone, \"x\"");
  CHECK(records[2].fields.back() == "scope gone is not in the run");

  const auto json = nlohmann::json::parse(app::measurement_json(rows));
  CHECK(json["rows"].size() == 2);
  CHECK(json["rows"][0]["before"]["ratio"].get<double>() == Approx(2));
  CHECK(json["rows"][0]["sign_agrees"] == true);
  CHECK(json["rows"][1]["after"]["predicted"].is_null());
  CHECK(json["overall"]["signs_right"] == 1);
}

}  // namespace apps_test
