#include "traces/picture.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#include "traces/sample.h"
#include "traces/viewer_template.h"

using namespace traces;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// "" if tags are balanced and quoted, else what is wrong. Enough of XML for what we write.
std::string xml_fault(const std::string& text) {
  std::vector<std::string> open;
  size_t at = 0;
  while ((at = text.find_first_of("<&", at)) != std::string::npos) {
    if (text[at] == '&') {
      const size_t end = text.find(';', at);
      if (end == std::string::npos || end - at > 6) return "bare &";
      at = end;
      continue;
    }
    const size_t end = text.find('>', at);
    if (end == std::string::npos) return "unclosed tag";
    const std::string tag = text.substr(at + 1, end - at - 1);
    if (count(tag, "\"") % 2 != 0) return "odd quotes in <" + tag;
    if (tag.find('<') != std::string::npos) return "< inside <" + tag;
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return "unexpected <" + tag;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
    at = end;
  }
  return open.empty() ? "" : "unclosed " + open.back();
}

}  // namespace

TEST_CASE("the fault finder finds faults") {
  CHECK(xml_fault("<a><b x=\"1\"/>t &lt;</a>").empty());
  CHECK_FALSE(xml_fault("<a><b></a>").empty());
  CHECK_FALSE(xml_fault("<a>x & y</a>").empty());
  CHECK_FALSE(xml_fault("<a b=\"1></a>").empty());
}

TEST_CASE("the SVG shows every row in its scope's colour") {
  const std::string svg = swimlane_svg(sample::timeline(), sample::graph());
  CHECK(xml_fault(svg).empty());
  CHECK(count(svg, "<title>") == 6);
  CHECK(count(svg, "fill=\"" + scope_colour(0) + "\"") == 3 + 1);  // norm's rows and the legend
  CHECK(count(svg, "fill=\"" + scope_colour(1) + "\"") == 2 + 1);
  CHECK_THAT(svg, Contains("proj AIC_0 block 0: 2.000 us"));
  CHECK_THAT(svg, Contains(">AIC x2<"));
  CHECK_THAT(svg, Contains(">AIV x4<"));
  // Time runs from the first submit at 100 ns to the last finish at 7000: 6900 ns over the 1120
  // pixels between the margins 64 and 16. Row 0 starts at 1200 ns and takes 1000.
  CHECK_THAT(svg, Contains("<rect x=\"242.55\" y=\"60\" width=\"162.32\" height=\"7\""));
  CHECK(svg == swimlane_svg(sample::timeline(), sample::graph()));
}

TEST_CASE("SVG text is escaped, an empty run has a picture too") {
  SvgOptions options;
  options.title = "a < b & \"c\"";
  const std::string svg = swimlane_svg(sample::timeline(), sample::graph(), options);
  CHECK(xml_fault(svg).empty());
  CHECK_THAT(svg, Contains("a &lt; b &amp; &quot;c&quot;"));
  CHECK(xml_fault(swimlane_svg(Timeline{}, isa::TaskGraph{})).empty());
}

TEST_CASE("the viewer's data: times from the first submit, in ns") {
  const Timeline timeline = sample::timeline();
  const isa::TaskGraph graph = sample::graph();
  const json j = json::parse(viewer_data({{"one", timeline, graph}}));
  REQUIRE(j["runs"].size() == 1);
  const json& r = j["runs"][0];
  CHECK(r["label"] == "one");
  CHECK(r["cores"] == json({"AIC", "AIC", "AIV", "AIV", "AIV", "AIV"}));
  CHECK(r["scopes"] == json({"norm", "proj"}));
  CHECK(r["tasks"] == json({{0, "r1t0"}, {1, "r1t1"}, {0, "r3t2"}, {-1, "r1t3"}}));
  CHECK(r["edges"] == json({{0, 1}, {1, 2}, {2, 3}}));
  CHECK(r["makespan"] == 6000);
  REQUIRE(r["rows"].size() == 6);
  CHECK(r["rows"][0] == json({2,
                              0,
                              0,
                              1,
                              900,
                              1040,
                              1100,
                              2100,
                              2400,
                              1024,
                              2048,
                              4,
                              {0, 0, 300, 0, 600, 0, 0},
                              {0, 0, 0, 0, 0, 0, 0}}));
  CHECK(r["rows"][4][3] == 0);  // the idle lane
  REQUIRE(r["instrs"].size() == 5);
  CHECK(j["opcodes"][r["instrs"][4][2].get<size_t>()] == "TMATMUL");
  CHECK(j["waits"][r["instrs"][4][6].get<size_t>()] == "memory");
  CHECK(r["instrs"][4][7] == 120);
  ViewerOptions rows_only;
  rows_only.instructions = false;
  CHECK_FALSE(json::parse(viewer_data({{"one", timeline, graph}}, rows_only))["runs"][0].contains(
      "instrs"));
}

TEST_CASE("the viewer's page holds its data and nothing from elsewhere") {
  const Timeline timeline = sample::timeline();
  isa::TaskGraph graph = sample::graph();
  graph.tasks[0].name = graph.tasks[2].name = "</script><b>";
  const std::string page = viewer_html({{"a", timeline, graph}, {"b", timeline, graph}});
  CHECK(page.find(kViewerDataMark) == std::string::npos);
  CHECK(count(page, "</script>") == 1);
  CHECK(count(page, "src=") + count(page, "href=") + count(page, "http") == 0);
  const size_t from = page.find("const data = ") + 13, to = page.find(";\n", from);
  const json j = json::parse(page.substr(from, to - from));
  CHECK(j["runs"].size() == 2);
  CHECK(j["runs"][0]["scopes"][0] == "</script><b>");
  CHECK(page == viewer_html({{"a", timeline, graph}, {"b", timeline, graph}}));
}

TEST_CASE("the viewer takes one or two runs") {
  const Timeline t = sample::timeline();
  const isa::TaskGraph g = sample::graph();
  CHECK(sample::error_id([&] { viewer_html({}); }) == "traces.viewer");
  CHECK(sample::error_id([&] {
          viewer_html({{"a", t, g}, {"b", t, g}, {"c", t, g}});
        }) == "traces.viewer");
}
