#include "apps/csv.h"

#include <catch2/catch.hpp>

#include "apps/measurements.h"
#include "apps/run_cli.h"
#include "apps/statistics.h"

namespace apps_test {
namespace {

using Fields = std::vector<std::string>;

std::vector<Fields> fields(const std::string& text) {
  std::vector<Fields> out;
  for (const app::CsvRecord& r : app::parse_csv(text, "t.csv")) out.push_back(r.fields);
  return out;
}

std::string message(const std::string& text) {
  try {
    app::parse_csv(text, "t.csv");
  } catch (const isa::Error& e) {
    return e.what();
  }
  return "";
}

const std::string kHeader =
    "id,repo,commit_before,commit,platform,kernel_file,scope,family,group,kind,metric,unit,"
    "value_before,value_after,conditions\n";

const std::string kRow =
    "A,pypto-lib,,c0ffee11,a2a3,k.py,module,qkv,g,pair,module_wall_us,us,2,1,T=8\n";

}  // namespace

TEST_CASE("csv: quotes, commas and line breaks inside a field") {
  CHECK(fields("a,b\n\"1,2\",\"say \"\"x\"\"\"\n") ==
        std::vector<Fields>{{"a", "b"}, {"1,2", "say \"x\""}});
  CHECK(fields("a,\"two\nlines\"\nc,d") == std::vector<Fields>{{"a", "two\nlines"}, {"c", "d"}});
  CHECK(fields("\xEF\xBB\xBFid,b\r\n1,\r\n\r\n") == std::vector<Fields>{{"id", "b"}, {"1", ""}});
  CHECK(fields("5\" disk,x\n") == std::vector<Fields>{{"5\" disk", "x"}});
  CHECK(fields("").empty());
  CHECK(app::parse_csv("a,\"two\nlines\"\nc,d", "t")[1].line == 3);
}

TEST_CASE("error csv.syntax names the line") {
  CHECK(message("a\nb,\"c\nd") == "t.csv:2: a quoted field never ends [csv.syntax]");
  CHECK(message("a\n\"b\"c\n") == "t.csv:2: text after the closing quote of a field [csv.syntax]");
}

TEST_CASE("csv fields that are written can be read") {
  const Fields odd = {"plain", "a,b", "say \"x\"", "two\nlines", ""};
  CHECK(fields(app::csv_line(odd)) == std::vector<Fields>{odd});
  CHECK(app::csv_line({"a", "b c"}) == "a,b c\n");
}

TEST_CASE("a table of measurements: columns by name, others ignored") {
  const auto rows = app::parse_measurements(
      "note,unit,id,repo,commit_before,commit,platform,kernel_file,scope,family,group,kind,metric,"
      "value_before,value_after,conditions\n"
      "x, us ,A,pypto-lib,f00d,c0ffee11,a2a3,k.py,\"m, n\",qkv,g,pair,module_wall_us,1.5,,T=8\n",
      "t.csv");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].id == "A");
  CHECK(rows[0].unit == "us");
  CHECK(rows[0].scope == "m, n");
  CHECK(rows[0].before == 1.5);
  CHECK_FALSE(rows[0].after.has_value());
  CHECK(rows[0].problem.empty());
}

TEST_CASE("a figure that is no number is the row's own problem") {
  std::string text = kHeader + kRow;
  text.replace(text.find(",2,1,"), 5, ",~2,1,");
  const auto rows = app::parse_measurements(text, "t.csv");
  CHECK(rows[0].problem == "value_before is not a number: '~2'");
  CHECK(rows[0].after == 1.0);
}

TEST_CASE("tables of measurements that cannot be read") {
  const auto error = [](const std::string& text) {
    try {
      app::parse_measurements(text, "t.csv");
    } catch (const isa::Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(error(kHeader + kRow).empty());
  CHECK(error("") == "t.csv: the table has no header [measurements.empty]");
  std::string other = kHeader;
  other.replace(other.find("conditions"), 10, "condition");
  CHECK(error(other) == "t.csv: column 'conditions' is missing [measurements.column]");
  CHECK(error(kHeader + "A,b\n") ==
        "t.csv:2: the row has 2 fields, the header 15 [measurements.row]");
}

TEST_CASE("a row without an id is called by its line") {
  CHECK(app::parse_measurements(kHeader + kRow + kRow.substr(1), "t.csv")[1].id == "line 3");
}

TEST_CASE("rows are selected by id, family and group, in table order") {
  std::string b = kRow, c = kRow;
  b.replace(0, 1, "B").replace(b.find(",qkv,"), 5, ",hc,");
  c.replace(0, 1, "C").replace(c.find(",g,"), 3, ",h,");
  const auto rows = app::parse_measurements(kHeader + kRow + b + c, "t.csv");
  const auto ids = [&](const std::vector<std::string>& names) {
    std::string out;
    for (const auto& row : app::select_measurements(rows, names)) out += row.id;
    return out;
  };
  CHECK(ids({}) == "ABC");
  CHECK(ids({"C", "A"}) == "AC");
  CHECK(ids({"hc"}) == "B");
  CHECK(ids({"h", "hc"}) == "BC");
  CHECK(error_id([&] { ids({"A", "none"}); }) == "validate.unknown-row");
}

TEST_CASE("quantiles lie between the neighbours") {
  CHECK_FALSE(app::quantile({}, 0.5).has_value());
  CHECK(*app::quantile({3}, 0.9) == 3);
  CHECK(*app::quantile({4, 1, 2}, 0.5) == 2);
  CHECK(*app::quantile({1, 2, 3, 4}, 0.5) == Approx(2.5));
  CHECK(*app::quantile({0, 10}, 0.9) == Approx(9));
  CHECK(*app::mean({1, 2, 6}) == Approx(3));
}

TEST_CASE("rank correlation sees order only; equal values share a rank") {
  CHECK_FALSE(app::rank_correlation({1, 2}, {1, 2}).has_value());
  CHECK_FALSE(app::rank_correlation({1, 2, 3}, {5, 5, 5}).has_value());
  CHECK(*app::rank_correlation({1, 2, 3}, {10, 200, 3000}) == Approx(1));
  CHECK(*app::rank_correlation({1, 2, 3}, {3, 2, 1}) == Approx(-1));
  // ranks 0 1 2 3 and 0 2 1 3: 1 - 6 * 2 / (4 * 15)
  CHECK(*app::rank_correlation({1, 2, 3, 4}, {1, 3, 2, 4}) == Approx(0.8));
  // ranks 0 1 2 and 0.5 0.5 2: covariance 1.5, variances 2 and 1.5
  CHECK(*app::rank_correlation({1, 2, 3}, {1, 1, 2}) == Approx(1.5 / std::sqrt(3.0)));
}

}  // namespace apps_test
