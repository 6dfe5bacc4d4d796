#include "traces/report.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "traces/sample.h"
#include "traces/text_table.h"

using namespace traces;
using Catch::Matchers::Contains;

namespace {

std::vector<std::string> words(const std::string& text, const std::string& line_with) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.find(line_with) == std::string::npos) continue;
    std::istringstream cells(line);
    std::vector<std::string> all;
    for (std::string w; cells >> w;) all.push_back(w);
    return all;
  }
  return {};
}

}  // namespace

TEST_CASE("columns are aligned by characters, not bytes") {
  TextTable table({{"name", TextTable::Align::Left}, {"n"}});
  table.add({"a → b", "1"});
  table.rule();
  table.add({"abcdef", "200"});
  CHECK(table.text() ==
        "name      n\n"
        "------  ---\n"
        "a → b     1\n"
        "------  ---\n"
        "abcdef  200\n");
  CHECK(table.markdown() == "| name | n |\n| --- | ---: |\n| a → b | 1 |\n| abcdef | 200 |\n");
  CHECK(sample::error_id([&] { table.add({"1", "2", "3"}); }) == "traces.table");
  TextTable pipes({{"a"}});
  pipes.add({"x|y"});
  CHECK_THAT(pipes.markdown(), Contains("x\\|y"));
}

TEST_CASE("short numbers") {
  CHECK(short_us(0) == "0.00");
  CHECK(short_us(9.994) == "9.99");
  CHECK(short_us(9.996) == "10.0");
  CHECK(short_us(1234.56) == "1234.6");
  CHECK(signed_us(-0.5) == "-0.50");
  CHECK(signed_us(12.34) == "+12.3");
  CHECK(short_bytes(9999) == "9999 B");
  CHECK(short_bytes(10000) == "10.0 KB");
  CHECK(short_bytes(5242880) == "5.24 MB");
}

TEST_CASE("the scope table of a run") {
  const std::string text = scope_table(summarize(sample::timeline(), sample::graph(), {}));
  CHECK(words(text, "norm") ==
        std::vector<std::string>{"norm", "AIV", "2", "3", "3.40", "1.13", "1.40", "5.70", "0.18",
                                 "MTE2", "44%", "3072", "B", "1.50x", "50%", "memory", "0.40"});
  CHECK(words(text, "proj") == std::vector<std::string>{"proj", "MIX", "1", "1", "4.50", "2.25",
                                                        "2.50", "2.60", "0.25", "M", "33%", "0",
                                                        "B", "-", "-", "cross_core", "2.00"});
  CHECK(words(text, "total") ==
        std::vector<std::string>{"total", "4", "4", "7.90", "6.00", "3072", "B"});
}

TEST_CASE("upstream's text report: columns and values") {
  const std::string text = swimlane_report(sample::timeline(), sample::graph());
  CHECK(words(text, "Func_ID") ==
        std::vector<std::string>{"Func_ID", "Func_Name", "Count", "Avg", "Exec(us)", "Avg",
                                 "Latency(us)", "Exec%", "Avg", "Head", "OH(us)", "Avg", "Tail",
                                 "OH(us)", "Avg", "Prop(us)", "Avg", "Local(us)"});
  // norm_aiv: rows 0, 1, 5: exec 1000+1400+1000, latency 1500+1890+3900, head 200+240+2800,
  // tail 300+250+100, propagation 140+140+2710, local 60+100+90
  CHECK(words(text, "norm_aiv") == std::vector<std::string>{"0", "norm_aiv", "3", "1.13", "2.43",
                                                            "46.64%", "1.08", "0.22", "1.00",
                                                            "0.08"});
  CHECK(words(text, "proj_aic") == std::vector<std::string>{"1", "proj_aic", "1", "2.00", "2.50",
                                                            "80.00%", "0.20", "0.30", "0.14",
                                                            "0.06"});
  // all six rows: exec 7950, latency 13390
  CHECK(words(text, "TOTAL") == std::vector<std::string>{"TOTAL", "6", "7.95", "13.39", "59.37%"});
  CHECK_THAT(text, Contains("Total Test Time: 6.00 us"));
}

TEST_CASE("level 1 knows no scheduler") {
  const std::string text = swimlane_report(sample::timeline(), sample::graph(), 1);
  CHECK(words(text, "proj_aic") ==
        std::vector<std::string>{"1", "proj_aic", "1", "2.00", "-", "-", "-", "-", "-", "0.06"});
  CHECK_THAT(text, Contains("AICore Observed Span: 5.70 us"));
  CHECK_THAT(text, !Contains("Total Test Time"));
}

TEST_CASE("memory report and hints") {
  MemoryLine line{"qproj", "AIC",  "L0C",
                  65536,   131072, {{"q.cpp:7", "[128x128] FP32", 256, 65536}}};
  const std::string text = memory_report({line, {"norm", "AIV", "UB", 10, 0, {}}});
  CHECK(words(text, "50.0%") ==
        std::vector<std::string>{"qproj", "AIC", "L0C", "65536", "131072", "50.0%"});
  CHECK(words(text, "0x000100") ==
        std::vector<std::string>{"0x000100", "65536", "[128x128]", "FP32", "q.cpp:7"});
  CHECK(words(text, "norm").back() == "0.0%");
  CHECK(hint_log({{"PH001", "qproj", "q.cpp:9", "rows of 64 B"}}) ==
        "[PH001] qproj (q.cpp:9): rows of 64 B\n");
  CHECK(hint_log({}).empty());
}
