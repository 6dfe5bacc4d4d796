#include "apps/validation.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/run_cli.h"

namespace apps_test {
namespace {

using app::Form;
using app::Metric;
using app::Quantity;
using app::ValidationResult;
using app::ValidationRow;

const Metric kWall{Quantity::Wall, Form::Value, true};
const Metric kModuleBusy{Quantity::Busy, Form::Value, true};
const Metric kCoresBusy{Quantity::CoresBusy, Form::Value, true};
const Metric kSpan{Quantity::Span, Form::Value, false};
const Metric kBusy{Quantity::Busy, Form::Value, false};
const Metric kExec{Quantity::Exec, Form::Value, false};
const Metric kBusyChange{Quantity::Busy, Form::ChangePct, false};
const Metric kGain{Quantity::Busy, Form::GainPct, false};

traces::ScopeSummary scope(const std::string& name, int64_t blocks, int64_t busy_ns,
                           int64_t span_ns) {
  traces::ScopeSummary s;
  s.name = name;
  s.blocks = blocks;
  s.block_busy = traces::Picoseconds(busy_ns * 1000);
  s.busy = traces::Picoseconds(busy_ns * 2000);  // both AIV lanes
  s.lanes = 2 * blocks;
  s.last_end = traces::Picoseconds(span_ns * 1000);
  return s;
}

/// Wall 10 us; scope m: 4 blocks of 2 us on two lanes, busy 16 us, span 3 us; scope n: 2 blocks of
/// 0.5 us on two lanes, busy 2 us, span 2 us.
traces::Summary summary() {
  traces::Summary s;
  s.makespan = traces::Picoseconds(10'000'000);
  s.scopes = {scope("m", 4, 8000, 3000), scope("n", 2, 1000, 2000)};
  return s;
}

traces::Summary with_wall(double us) {
  traces::Summary s;
  s.makespan = traces::Picoseconds(static_cast<int64_t>(us * 1e6));
  return s;
}

ValidationRow row(Metric metric, std::vector<std::string> scopes, std::optional<double> before,
                  std::optional<double> after, std::pair<double, double> bound) {
  ValidationRow r;
  r.id = "R";
  r.title = "title";
  r.metric = metric;
  r.scopes = std::move(scopes);
  r.before = before;
  r.after = after;
  r.bound = bound;
  return r;
}

const char* const kGood = R"(
[[row]]
id = "R1"
title = "t"
program = "p"
mode = "decode"
metric = "scope_span_us"
scopes = ["m", "n"]
a = "era=x"
b = "era=y"
before = 3
after = 1.5
bound = [0.5, 2]
ratio_bound = [1.0, 4.0]
[[skipped]]
id = "S1"
why = "no such kernel"
)";

std::string edited(const std::string& from, const std::string& to) {
  std::string text = kGood;
  return text.replace(text.find(from), from.size(), to);
}

TEST_CASE("a validation table is read field by field") {
  const app::ValidationTable t = app::parse_validation(kGood);
  REQUIRE(t.rows.size() == 1);
  const ValidationRow& r = t.rows[0];
  CHECK(r.id == "R1");
  CHECK(r.title == "t");
  CHECK(r.program == "p");
  CHECK(r.mode == "decode");
  CHECK(r.metric == kSpan);
  CHECK(r.scopes == std::vector<std::string>{"m", "n"});
  CHECK(r.a == "era=x");
  CHECK(r.b == "era=y");
  CHECK(r.before == 3.0);
  CHECK(r.after == 1.5);
  CHECK(r.bound == std::pair(0.5, 2.0));
  CHECK(r.ratio_bound == std::pair(1.0, 4.0));
  CHECK_FALSE(r.change_bound.has_value());
  CHECK(r.set == "");
  CHECK(r.group == "");
  REQUIRE(t.skipped.size() == 1);
  CHECK(t.skipped[0].id == "S1");
  CHECK(t.skipped[0].why == "no such kernel");
}

TEST_CASE("the built-in table is readable and its ids are unique") {
  const app::ValidationTable t = app::parse_validation(app::kValidationToml);
  std::map<std::string, int> seen;
  for (const ValidationRow& r : t.rows) CHECK(++seen[r.id] == 1);
  CHECK(seen.count("L160") == 1);
}

TEST_CASE("error validate.syntax names the line") {
  try {
    app::parse_validation("a = 1\nb = = 2\n");
    FAIL("no error");
  } catch (const isa::Error& e) {
    CHECK(e.id() == "validate.syntax");
    CHECK(std::string(e.what()).find("line 2") != std::string::npos);
  }
}

TEST_CASE("error validate.row") {
  const std::pair<const char*, const char*> edits[] = {
      {"id = \"R1\"", ""},
      {"title = \"t\"", "title = 3"},
      {"program = \"p\"", ""},
      {"mode = \"decode\"", ""},
      {"scope_span_us", "span"},
      {"a = \"era=x\"", ""},
      {"b = \"era=y\"", ""},
      {"scopes = [\"m\", \"n\"]", "scopes = []"},
      {"bound = [0.5, 2]\nratio_bound = [1.0, 4.0]", ""},
      {"scopes = [\"m\", \"n\"]", ""},
      {"scopes = [\"m\", \"n\"]", "scopes = [\"m\"]\ngroup = \"g\""},
      {"scopes = [\"m\", \"n\"]", "group = 3"},
      {"ratio_bound = [1.0, 4.0]", "change_bound = [-10]"},
      {"after = 1.5", "after = 0"},  // gone: of a busy sum only
      {"ratio_bound = [1.0, 4.0]", "set = 570"},
      {"bound = [0.5, 2]", "bound = [0.5]"},
      {"bound = [0.5, 2]", "bound = [2, 0.5]"},
      {"bound = [0.5, 2]", "bound = ['low', 'high']"},
      {"ratio_bound = [1.0, 4.0]", "ratio_bound = 2"},
      {"before = 3\nafter = 1.5", ""},
      {"before = 3", "before = 0"},
      {"after = 1.5", "after = -1.5"},
      {"why = \"no such kernel\"", ""},
      {"[[skipped]]", "[skipped]"}};
  for (const auto& [from, to] : edits) {
    INFO(from << " -> " << to);
    CHECK(error_id([&, f = from, t = to] { app::parse_validation(edited(f, t)); }) ==
          "validate.row");
  }
  CHECK(error_id([] { app::parse_validation("row = [1]"); }) == "validate.row");
  CHECK(error_id([] { app::parse_validation(""); }) == "validate.row");
  // a change in percent needs the published one
  std::string text = edited("scope_span_us", "gain_pct");
  text.replace(text.find("after = 1.5"), 11, "");
  CHECK(error_id([&] { app::parse_validation(text); }) == "validate.row");
}

TEST_CASE("metrics of a summary") {
  const traces::Summary s = summary();
  const auto value = [&](Metric m, std::vector<std::string> scopes) {
    return app::metric_of(row(m, std::move(scopes), 1, 1, {0, 9}), s);
  };
  CHECK(value(kWall, {}) == Approx(10));
  CHECK(value(kSpan, {"m"}) == Approx(3));
  CHECK(value(kBusy, {"m", "n"}) == Approx(18));
  CHECK(value(kExec, {"m"}) == Approx(2));         // 8 us over 4 blocks
  CHECK(value(kExec, {"m", "n"}) == Approx(1.5));  // 9 us over 6 blocks
  CHECK(value(kBusyChange, {"n"}) == Approx(2));
}

TEST_CASE("metrics of the module are sums over lanes") {
  const traces::Summary s = summary();
  const auto value = [&](Metric m) { return app::metric_of(row(m, {}, 1, 1, {0, 9}), s); };
  CHECK(value(kModuleBusy) == Approx(18));  // both AIV lanes of m and n
  CHECK(value(kCoresBusy) == Approx(1.8));
}

TEST_CASE("a group's scopes count as far as they ran") {
  traces::Summary s = summary();
  s.groups = {{"RoPE", {"m", "gone", "n"}}, {"none", {"gone"}}};
  ValidationRow r = row(kBusy, {}, 1, 1, {0, 9});
  r.group = "RoPE";
  CHECK(app::metric_of(r, s) == Approx(18));
  for (const char* group : {"none", "unknown"}) {
    r.group = group;
    CHECK(error_id([&] { app::metric_of(r, s); }) == "validate.group");
  }
}

TEST_CASE("a scope that is published as gone must be gone") {
  ValidationRow r = row(kBusy, {"m"}, 16, 0, {0.5, 2});
  traces::Summary without = summary();
  without.scopes.erase(without.scopes.begin());
  const ValidationResult gone = app::judge(r, summary(), without);
  CHECK(gone.within);
  CHECK(*gone.predicted_after == 0);
  CHECK_FALSE(app::judge(r, summary(), summary()).within);
  r.before = 1;  // 16 predicted
  CHECK_FALSE(app::judge(r, summary(), without).within);
  CHECK(app::median_log_error({gone}) == Approx(0));  // only the side that can be divided
}

TEST_CASE("a direction is judged without absolute bounds") {
  ValidationRow r = row(kWall, {}, 91.3, 126.5, {0, 0});
  r.bound = std::nullopt;
  r.change_bound = {1, 1000};  // slower
  CHECK(app::judge(r, with_wall(1), with_wall(2)).within);
  CHECK(app::judge(r, with_wall(100), with_wall(101)).within);
  CHECK_FALSE(app::judge(r, with_wall(100), with_wall(100.9)).within);
  CHECK_FALSE(app::judge(r, with_wall(100), with_wall(50)).within);
  CHECK_FALSE(app::judge(r, with_wall(0), with_wall(50)).within);  // no change can be told
}

TEST_CASE("changes have their own bound, ends included") {
  ValidationRow r = row(kWall, {}, 100, 96, {0.1, 10});
  r.change_bound = {-25, 0};
  CHECK(app::judge(r, with_wall(100), with_wall(100)).within);
  CHECK(app::judge(r, with_wall(100), with_wall(75)).within);
  CHECK_FALSE(app::judge(r, with_wall(100), with_wall(74.9)).within);
  CHECK_FALSE(app::judge(r, with_wall(100), with_wall(100.1)).within);
}

TEST_CASE("error validate.scope") {
  const ValidationRow r = row(kBusy, {"m", "gone"}, 1, 1, {0, 9});
  CHECK(error_id([&] { app::metric_of(r, summary()); }) == "validate.scope");
}

TEST_CASE("absolute figures are judged by predicted over published, ends included") {
  const ValidationRow r = row(kWall, {}, 20, 10, {0.5, 1.5});
  const auto within = [&](double before, double after) {
    return app::judge(r, with_wall(before), with_wall(after)).within;
  };
  CHECK(within(10, 5));
  CHECK(within(30, 15));
  CHECK_FALSE(within(9.99, 10));
  CHECK_FALSE(within(30.01, 10));
  CHECK_FALSE(within(20, 4.99));
  CHECK_FALSE(within(20, 15.01));
  const ValidationResult v = app::judge(r, with_wall(25), with_wall(8));
  CHECK(*v.predicted_before == Approx(25));
  CHECK(*v.predicted_after == Approx(8));
}

TEST_CASE("only the published side is judged") {
  ValidationRow r = row(kWall, {}, std::nullopt, 10, {0.5, 1.5});
  CHECK(app::judge(r, with_wall(1000), with_wall(10)).within);
  r.before = 10;
  r.after = std::nullopt;
  CHECK(app::judge(r, with_wall(10), with_wall(1000)).within);
  CHECK_FALSE(app::judge(r, with_wall(1000), with_wall(10)).within);
}

TEST_CASE("the ratio before over after has its own bound") {
  ValidationRow r = row(kWall, {}, 20, 10, {0.1, 10});
  r.ratio_bound = {1.5, 2.5};
  CHECK(app::judge(r, with_wall(30), with_wall(12)).within);        // 2.5
  CHECK_FALSE(app::judge(r, with_wall(30), with_wall(11)).within);  // 2.7
  CHECK(app::judge(r, with_wall(15), with_wall(10)).within);        // 1.5
  CHECK_FALSE(app::judge(r, with_wall(14), with_wall(10)).within);  // 1.4
}

TEST_CASE("changes in percent are judged in points, ends included") {
  traces::Summary a, b;
  a.scopes = {scope("m", 4, 8000, 1)};
  b.scopes = {scope("m", 4, 2000, 1)};  // a quarter: -75 %, a gain of 75 %
  const ValidationResult change =
      app::judge(row(kBusyChange, {"m"}, std::nullopt, -70, {-75, -60}), a, b);
  CHECK(*change.predicted_after == Approx(-75));
  CHECK(change.within);
  CHECK_FALSE(app::judge(row(kBusyChange, {"m"}, std::nullopt, -70, {-74, -60}), a, b).within);
  const ValidationResult gain = app::judge(row(kGain, {"m"}, std::nullopt, 70, {60, 75}), a, b);
  CHECK(*gain.predicted_after == Approx(75));
  CHECK(gain.within);
  CHECK_FALSE(app::judge(row(kGain, {"m"}, std::nullopt, 70, {76, 80}), a, b).within);
}

ValidationResult predicted(double before, double after, double published_before,
                           double published_after) {
  return app::judge(row(kWall, {}, published_before, published_after, {0, 9}), with_wall(before),
                    with_wall(after));
}

TEST_CASE("the median error counts every absolute figure once") {
  CHECK(app::median_log_error({}) == 0);
  // errors ln 2 (too slow), ln 4 (too fast): the mean of the two middle ones
  CHECK(app::median_log_error({predicted(20, 2.5, 10, 10)}) == Approx(1.5 * std::log(2.0)));
  std::vector<ValidationResult> odd = {predicted(20, 2.5, 10, 10), predicted(10, 10, 10, 10)};
  odd[1].row.after = std::nullopt;  // errors 0, ln 2, ln 4
  CHECK(app::median_log_error(odd) == Approx(std::log(2.0)));
  ValidationResult failed = predicted(1000, 1000, 1, 1), pct = failed;
  failed.error = "did not run";
  pct.row.metric = kGain;
  odd.push_back(failed);
  odd.push_back(pct);
  CHECK(app::median_log_error(odd) == Approx(std::log(2.0)));
}

TEST_CASE("tables show hits, misses, failures and what cannot be reproduced") {
  ValidationResult hit = predicted(12, 5, 10, 10);
  hit.row.id = "HIT";
  ValidationResult failed;
  failed.row = hit.row;
  failed.row.id = "BAD";
  failed.error = "L0C overflow";
  ValidationResult miss = hit;
  miss.row.id = "OFF";
  miss.within = false;
  app::ValidationTable table;
  table.skipped = {{"S1", "no such kernel"}};
  const std::vector<ValidationResult> results = {hit, miss, failed};
  const std::string text = app::validation_text(results, table, false);
  const auto line_of = [&](const std::string& id) {
    const size_t at = text.find("\n" + id) + 1;
    return text.substr(at, text.find('\n', at) - at);
  };
  CHECK(line_of("HIT").find("10.0 -> 10.0  12.0 -> 5.0  +20 %, -50 %  1.00 / 2.40") !=
        std::string::npos);
  CHECK(line_of("HIT").find("ok") != std::string::npos);
  CHECK(line_of("OFF").find("MISS") != std::string::npos);
  CHECK(line_of("BAD").find("L0C overflow") != std::string::npos);
  CHECK(text.find("1 of 3 rows within") != std::string::npos);
  CHECK(text.find("not reproducible: S1: no such kernel") != std::string::npos);

  const std::string markdown = app::validation_text(results, table, true);
  CHECK(markdown.find("| HIT | title | 10.0 -> 10.0 | 12.0 -> 5.0 | +20 %, -50 % | 1.00 / 2.40 | "
                      "ok |") != std::string::npos);

  CHECK(markdown.find("- not reproducible: S1: no such kernel") != std::string::npos);

  const auto j = nlohmann::json::parse(app::validation_json(results, table));
  REQUIRE(j["rows"].size() == 3);
  CHECK(j["rows"][0]["predicted"] == nlohmann::json::array({12.0, 5.0}));
  CHECK(j["rows"][0]["within"] == true);
  CHECK(j["rows"][2]["error"] == "L0C overflow");
  CHECK(j["rows"][2]["predicted"][0].is_null());
  CHECK(j["skipped"][0]["id"] == "S1");
  CHECK(j["median_log_error"].get<double>() ==
        Approx((std::log(1.2) + std::log(2.0)) / 2));  // ln 1.2, ln 2, twice each
}

TEST_CASE("a set is a table of its own, published and predicted side by side") {
  ValidationResult wall = predicted(1600, 1520, 1508.6, 1450.5);
  wall.row.id = "L146";
  wall.row.title = "module wall";
  wall.row.set = "PR570";
  wall.row.program = "decode_attention_hca";
  wall.row.a = "era=pre570";
  wall.row.b = "era=p570";
  ValidationResult gone = wall, failed = wall, other = predicted(12, 5, 10, 10);
  gone.row.id = "L149";
  gone.row.after = 0;
  gone.predicted_after = 0;
  failed.row.id = "L150";
  failed.error = "did not run";
  other.row.id = "HIT";
  const std::vector<ValidationResult> results = {other, wall, gone, failed};
  const std::string markdown = app::validation_text(results, {}, true);
  const auto has = [&](const std::string& part) {
    INFO(markdown);
    CHECK(markdown.find(part) != std::string::npos);
  };
  has("**PR570 (decode_attention_hca, A: era=pre570, B: era=p570)**\n\n| row |");
  has("| L146 | module wall | 1508.6 | 1450.5 | -3.9 % | 1600.0 | 1520.0 | -5.0 % | ok |");
  has("| L149 | module wall | 1508.6 | gone | -100.0 % | 1600.0 | gone | -100.0 % | ok |");
  has("| L150 | module wall | 1508.6 | 1450.5 | -3.9 % | - | - | - | did not run |");
  CHECK(markdown.find("| HIT |") < markdown.find("PR570"));
  const std::string only = app::validation_text({wall}, {}, false);
  CHECK(only.find("PR570 (decode_attention_hca") == 0);  // no empty table in front
  failed.row.b = "era=p578";  // sides differ: the title says only the set
  CHECK(app::validation_text({wall, failed}, {}, true).find("**PR570**") == 0);
}

}  // namespace
}  // namespace apps_test
