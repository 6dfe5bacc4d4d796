#include "traces/chrome.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "traces/chrome_events.h"
#include "traces/sample.h"

using namespace traces;
using nlohmann::json;
using sample::ns;

namespace {

struct Slice {
  int64_t ts, end;
  json event;
};

/// What any reader demands of a trace, checked slowly.
struct Trace {
  json root;
  std::map<std::pair<int, int>, std::vector<Slice>> lanes;
  std::map<std::pair<int, int>, std::string> thread_names;
  std::map<int, std::string> process_names;
  std::vector<std::pair<json, json>> arrows;
  std::vector<json> counters;

  static int64_t in_ns(const json& us) { return std::llround(us.get<double>() * 1000); }
  static std::pair<int, int> lane_of(const json& e) { return {e["pid"], e["tid"]}; }

  explicit Trace(const std::string& text) : root(json::parse(text)) {
    std::map<int64_t, json> open;
    for (const json& e : root["traceEvents"]) {
      const std::string phase = e["ph"];
      if (phase == "X")
        lanes[lane_of(e)].push_back({in_ns(e["ts"]), in_ns(e["ts"]) + in_ns(e["dur"]), e});
      if (phase == "C") counters.push_back(e);
      if (phase == "M" && e["name"] == "thread_name") thread_names[lane_of(e)] = e["args"]["name"];
      if (phase == "M" && e["name"] == "process_name") process_names[e["pid"]] = e["args"]["name"];
      if (phase == "s") open[e["id"]] = e;
      if (phase == "f") {
        REQUIRE(open.count(e["id"]) == 1);
        arrows.push_back({open[e["id"]], e});
        open.erase(e["id"]);
      }
    }
    CHECK(open.empty());
  }

  void check() const {
    for (const auto& [lane, slices] : lanes) {
      INFO("lane " << lane.first << "/" << lane.second);
      CHECK(thread_names.count(lane) == 1);
      CHECK(process_names.count(lane.first) == 1);
      for (size_t a = 0; a < slices.size(); ++a)
        for (size_t b = a + 1; b < slices.size(); ++b)
          CHECK((slices[a].end <= slices[b].ts || slices[b].end <= slices[a].ts));
    }
    for (const auto& [from, to] : arrows) {
      CHECK(in_slice(from));
      CHECK(in_slice(to));
      CHECK(in_ns(from["ts"]) <= in_ns(to["ts"]));
      CHECK(from["name"] == to["name"]);
      CHECK(from["cat"] == "flow");
      CHECK(to["bp"] == "e");
    }
  }

  bool in_slice(const json& e) const {
    const auto lane = lanes.find(lane_of(e));
    if (lane == lanes.end()) return false;
    for (const Slice& s : lane->second)
      if (s.ts <= in_ns(e["ts"]) && in_ns(e["ts"]) < s.end) return true;
    return false;
  }

  int count_arrows(const std::string& name) const {
    int n = 0;
    for (const auto& [from, to] : arrows) n += from["name"] == name;
    return n;
  }

  const Slice& slice(int pid, int tid, size_t index) const {
    return lanes.at({pid, tid}).at(index);
  }
};

}  // namespace

TEST_CASE("the sample's trace keeps every rule and shows every row") {
  const Trace t(chrome_trace(sample::timeline(), sample::graph()));
  t.check();
  std::map<int, int> slices;
  for (const auto& [lane, list] : t.lanes) slices[lane.first] += static_cast<int>(list.size());
  // 6 rows in each core view and the dummy's marker; 9 bars; 4 submits; 5 instructions
  CHECK(slices == std::map<int, int>{{1, 4}, {2, 9}, {3, 6}, {4, 7}, {7, 5}});
  CHECK(t.process_names == std::map<int, std::string>{{1, "AICPU Orchestrator"},
                                                      {2, "AICPU Scheduler"},
                                                      {3, "Scheduler View"},
                                                      {4, "Worker View"},
                                                      {7, "Pipe View"}});
  CHECK_FALSE(t.root.contains("displayTimeUnit"));
  CHECK(t.root["metadata"]["program"] == "demo");
}

TEST_CASE("worker and scheduler slices") {
  const Trace t(chrome_trace(sample::timeline(), sample::graph()));
  CHECK(t.thread_names.at({4, 10020}) == "AIV_2");
  CHECK(t.thread_names.at({4, 10000}) == "AIC_0");
  const Slice& worker = t.slice(4, 10020, 0);  // receive -> end
  CHECK(worker.ts == 1140);
  CHECK(worker.end == 2200);
  CHECK(worker.event["name"] == "norm_aiv(r1t0)");
  const json& args = worker.event["args"];
  CHECK(args["event-hint"] == "Task:r1t0, FuncId:0, CoreId:2");
  CHECK(args["fanin-hint"] == "0: []");
  CHECK(args["fanout-hint"] == "1: [r1t1]");
  CHECK(args["duration-us"] == 1.06);
  CHECK(args["kernel-duration-us"] == 1.0);
  CHECK(args["local_setup_us"] == 0.06);
  CHECK(args["taskId"] == 4294967296);
  CHECK(args["pipe-busy-us"] == json({{"MTE2", 0.6}, {"V", 0.3}}));
  CHECK(args["gm-moved-bytes"] == 2048);

  // Rows 3 and 5 are dispatched to core 2 together: the second goes to the sub-lane.
  CHECK(t.lanes.at({3, 10020}).size() == 2);
  const Slice& second = t.slice(3, 10021, 0);
  CHECK(second.ts == 3100);
  CHECK(second.end == 7000);
  CHECK(second.event["args"]["aicpu-duration-us"] == 3.9);
  CHECK(t.thread_names.at({3, 10021}) == "AIV_2");
}

TEST_CASE("scheduler, orchestrator and dummy lanes") {
  const Trace t(chrome_trace(sample::timeline(), sample::graph()));
  CHECK(t.lanes.at({2, 30000}).size() == 8);
  CHECK(t.slice(2, 30000, 0).event["name"] == "dispatch(2)");
  CHECK(t.slice(2, 30000, 0).event["args"]["shared_at_start (aic,aiv,mix)"] == "0,2,0");
  CHECK(t.slice(2, 30001, 0).event["name"] == "resolve(1)");  // nested: lane of its own
  CHECK(t.slice(4, 19001, 0).event["name"] == "dummy(r1t3)");
  CHECK(t.slice(1, 4000, 2).event["name"] == "submit(r3t2)");
  CHECK(t.thread_names.at({1, 4000}) == "Orch_0");
  CHECK(t.thread_names.at({2, 30000}) == "Sched_0");
}

TEST_CASE("pipe lanes: operands, bytes and wait reason; overlaps move to a sub-lane") {
  const Trace t(chrome_trace(sample::timeline(), sample::graph()));
  std::map<std::string, std::vector<Slice>> by_name;
  for (const auto& [lane, slices] : t.lanes)
    if (lane.first == 7) by_name[t.thread_names.at(lane)] = slices;
  REQUIRE(by_name.count("AIV_2.MTE2") == 1);
  const json& load = by_name["AIV_2.MTE2"][0].event;
  CHECK(load["name"] == "TLOAD");
  CHECK(load["args"] == json({{"index", 0},
                              {"site", "demo.cpp:12"},
                              {"dst", "UB FP32 [4x16]"},
                              {"gm", "x"},
                              {"rows", 4},
                              {"row-bytes", 64},
                              {"bytes", 256}}));
  const json& matmul = by_name["AIC_0.CUBE"][0].event;
  CHECK(matmul["args"]["wait"] == "memory");
  CHECK(matmul["args"]["wait-us"] == 0.12);
  CHECK(by_name["AIV_2.VECTOR"][0].ts == 1830);
  CHECK(by_name["AIV_2.VECTOR#1"][0].ts == 1880);  // starts before the first ends at 1900
  CHECK(by_name["AIV_2.MTE3"][0].end == 2200);
}

TEST_CASE("arrows: dependencies in both views, dispatch, completion, submission") {
  const Trace t(chrome_trace(sample::timeline(), sample::graph()));
  // 0 -> 1: one anchor to two functions; 1 -> 2: two to one; each in two views
  CHECK(t.count_arrows("dependency") == (2 + 2) * 2);
  CHECK(t.count_arrows("complete") == 6);
  CHECK(t.count_arrows("dispatch") == 6 * 2);
  CHECK(t.count_arrows("submit->dispatch") == 3);
  CHECK(t.count_arrows("hb_violation") == 0);
  for (const auto& [from, to] : t.arrows) {
    if (from["name"] != "dependency") continue;
    CHECK(from["args"]["bind_id"] == from["id"]);
    CHECK(from["args"]["input_task_count"] == 1);
  }
}

TEST_CASE("a consumer that starts before its producer has ended is shown as a violation") {
  Timeline timeline = sample::timeline();
  timeline.lanes[1].end = ns(3210);  // task 0 ends after task 1's first start at 3200
  timeline.lanes[1].finish = ns(3250);
  const Trace late(chrome_trace(timeline, sample::graph()));
  late.check();
  CHECK(late.count_arrows("hb_violation") == 4);
  timeline.lanes[1].end = ns(3200);  // just in time
  const Trace in_time(chrome_trace(timeline, sample::graph()));
  CHECK(in_time.count_arrows("hb_violation") == 0);
}

TEST_CASE("an arrow that would have to point backwards is left out") {
  std::string text;
  const Sink sink = [&](std::string_view piece) { text += piece; };
  ChromeEvents events(sink);
  const ChromeSlice early{1, 1, 100, 200}, late{1, 2, 300, 400};
  CHECK(events.arrow("x", early, 500, late, 0));
  CHECK(events.arrow("x", early, 150, early, 120));
  CHECK_FALSE(events.arrow("x", late, 350, early, 150));
  const Trace t([&] {
    events.process(1, "p", 1);
    events.thread(1, 1, "a", 1);
    events.thread(1, 2, "b", 2);
    for (const ChromeSlice& s : {early, late}) {
      events.begin_slice(s, "\"s\"", "c");
      events.end();
    }
    events.finish("{}");
    return text;
  }());
  t.check();
  REQUIRE(t.arrows.size() == 2);
  CHECK(Trace::in_ns(t.arrows[0].first["ts"]) == 199);  // the last moment inside
  CHECK(Trace::in_ns(t.arrows[0].second["ts"]) == 300);
}

TEST_CASE("counters follow the queue and the busy cores, within the bound") {
  const Trace all(chrome_trace(sample::timeline(), sample::graph()));
  std::vector<json> queue, busy;
  for (const json& c : all.counters) (c["name"] == "busy_cores" ? busy : queue).push_back(c);
  REQUIRE(queue.size() == 4);  // 2 AIV at 950, 0 at 1050, 1 and 1 at 2950, 0 at 3120
  CHECK(queue[0]["ts"] == 0.95);
  CHECK(queue[0]["args"] == json({{"AIC", 0}, {"AIV", 2}, {"MIX", 0}}));
  CHECK(queue[2]["args"] == json({{"AIC", 0}, {"AIV", 1}, {"MIX", 1}}));
  // starts 1200, 1250, ends 2200, 2650, starts 3200, 3300, ends 5200, 5800, start 5900, end 6900
  REQUIRE(busy.size() == 10);
  CHECK(busy[1]["args"] == json({{"AIC", 0}, {"AIV", 2}}));
  CHECK(busy[5]["args"] == json({{"AIC", 1}, {"AIV", 1}}));
  CHECK(busy[9]["args"] == json({{"AIC", 0}, {"AIV", 0}}));

  ChromeOptions few;
  few.counter_points = 3;
  const Trace thinned(chrome_trace(sample::timeline(), sample::graph(), few));
  CHECK(thinned.counters.size() <= 6);
  CHECK(thinned.counters.back()["args"] == json({{"AIC", 0}, {"AIV", 0}}));  // the end is kept
}

TEST_CASE("stamps survive readers that round and readers that cut off") {
  int longer = 0;
  for (int64_t ns = 0; ns < 3'000'000; ns += 7) {
    Text out;
    append_ns_as_us(out, ns);
    const double us = std::strtod(to_string(out).c_str(), nullptr);
    if (std::llround(us * 1000) != ns || static_cast<int64_t>(us * 1000.0) != ns)
      FAIL(ns << " ns written as " << to_string(out));
    longer += to_string(out).size() > fmt::format("{}.000", ns / 1000).size();
  }
  CHECK(longer > 0);  // there are such stamps
}

TEST_CASE("times below a microsecond keep their nanoseconds; slices of nothing stay visible") {
  Text out;
  append_ns_as_us(out, 7);
  append(out, " ");
  append_ns_as_us(out, 1234567);
  CHECK(to_string(out) == "0.007 1234.567");
  Timeline t = sample::timeline();
  t.lanes[4].receive = t.lanes[4].start = t.lanes[4].end = t.lanes[4].finish = t.lanes[4].dispatch =
      Picoseconds(2999999);
  const Trace trace(chrome_trace(t, sample::graph()));
  trace.check();
  CHECK(trace.slice(4, 10030, 1).ts == 2999);
  CHECK(trace.slice(4, 10030, 1).end == 3000);
}

TEST_CASE("the Pipe View can be left out and does not appear without instructions") {
  ChromeOptions none;
  none.pipes = false;
  CHECK(Trace(chrome_trace(sample::timeline(), sample::graph(), none)).process_names.count(7) == 0);
  Timeline t = sample::timeline();
  t.instrs.clear();
  CHECK(Trace(chrome_trace(t, sample::graph())).process_names.count(7) == 0);
}

TEST_CASE("ten slices at once on a core is the limit") {
  LanePacker packer(2, "AIC_0");
  CHECK(packer.place(0, 10) == 0);
  CHECK(packer.place(9, 20) == 1);
  CHECK(packer.place(10, 30) == 0);
  std::string message;
  CHECK(sample::error_id([&] { packer.place(19, 40); }, &message) == "traces.lane-overflow");
  CHECK(message == "AIC_0: more than 2 slices at once at 19 ns [traces.lane-overflow]");
  CHECK(packer.place(20, 40) == 1);
}

TEST_CASE("an instruction the program does not have is refused") {
  Timeline t = sample::timeline();
  t.instrs[3].instr = 4;
  CHECK(sample::error_id([&] { chrome_trace(t, sample::graph()); }) == "traces.timeline");
  t = sample::timeline();
  t.instrs[3].lane_row = 6;
  CHECK(sample::error_id([&] { chrome_trace(t, sample::graph()); }) == "traces.timeline");
}

TEST_CASE("names that need quoting stay valid JSON") {
  isa::TaskGraph g = sample::graph();
  g.program = "a\"b\\c\n</script>";
  g.func_names[0] = "weird \"name\"";
  const Trace t(chrome_trace(sample::timeline(), g));
  CHECK(t.root["metadata"]["program"] == g.program);
  CHECK(t.slice(4, 10020, 0).event["name"] == "weird \"name\"(r1t0)");
}

TEST_CASE("gzip: what goes in comes out, the same bytes every time") {
  const std::string text = chrome_trace(sample::timeline(), sample::graph());
  const std::string packed = gzip(text);
  CHECK(packed == gzip(text));
  CHECK(packed.size() < text.size() / 3);
  CHECK(packed.substr(0, 2) == "\x1f\x8b");
  CHECK(packed.substr(4, 4) == std::string(4, '\0'));  // no time stamp
  CHECK(gunzip(packed) == text);
  CHECK(gunzip(gzip("")) == "");
  CHECK(gunzip(gzip(std::string(1 << 20, 'x'))) == std::string(1 << 20, 'x'));
  CHECK(sample::error_id([&] { gunzip(packed.substr(0, packed.size() / 2)); }) == "traces.gzip");
  CHECK(sample::error_id([&] { gunzip("no gzip at all"); }) == "traces.gzip");
  CHECK(sample::error_id([&] { gzip(text, 11); }) == "traces.gzip");
}

TEST_CASE("a run of 72 cores keeps the rules too, twice the same") {
  const sample::Run run = sample::synthetic(3, 6);
  const std::string text = chrome_trace(run.timeline, run.graph);
  const Trace t(text);
  t.check();
  CHECK(t.count_arrows("complete") == 3 * (24 + 48));
  CHECK(t.count_arrows("dependency") == 5 * 2);
  int instructions = 0;
  for (const auto& [lane, slices] : t.lanes)
    if (lane.first == 7) instructions += static_cast<int>(slices.size());
  CHECK(instructions == 3 * (24 + 48) * 6);
  const sample::Run again = sample::synthetic(3, 6);
  CHECK(chrome_trace(again.timeline, again.graph) == text);
}
