#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "traces/sample.h"
#include "traces/swimlane.h"

using namespace traces;
using nlohmann::json;
using sample::ns;

namespace {

json written(RecordsFormat format, int level) {
  return json::parse(swimlane_json(sample::timeline(), sample::graph(), {format, level}));
}

constexpr int64_t kBase = 5000000;  // a tenth of a second at 50 MHz

}  // namespace

TEST_CASE("ticks round down and start above zero") {
  CHECK(ticks(ns(0), 50'000'000) == kBase);
  CHECK(ticks(Picoseconds(19'999), 50'000'000) == kBase);
  CHECK(ticks(Picoseconds(20'000), 50'000'000) == kBase + 1);
  CHECK(ticks(ns(7), 1'000'000'000) == 100'000'000 + 7);
  // two hours: picoseconds times hertz would overflow 64 bits
  CHECK(ticks(Picoseconds(7'200'000'000'000'000), 1'000'000'000) == 7'200'100'000'000);
}

TEST_CASE("generation A: six columns, tables of August 2026") {
  const json j = written(RecordsFormat::A, 4);
  CHECK(j["chip_swimlane_level"] == 4);
  CHECK(j["metadata"]["clock_freq_hz"] == 50000000);
  CHECK(j["metadata"]["num_cores"] == 6);
  CHECK(j["metadata"]["core_types"] == json({"aic", "aic", "aiv", "aiv", "aiv", "aiv"}));
  CHECK(j["metadata"]["core_to_thread"] == json({0, 1, 0, 0, 1, 1}));
  REQUIRE(j["aicore_tasks"].size() == 6);
  // start 1200 ns = 60 ticks, end 2200 = 110, received at 1140 = 57
  CHECK(j["aicore_tasks"][0] == json({2, 4294967296, 1, kBase + 60, kBase + 110, 3}));
  // start 5900 = 295, received at 5810 = 290.5 -> 290
  CHECK(j["aicore_tasks"][5] == json({2, 12884901890, 3, kBase + 295, kBase + 345, 5}));
  CHECK(j["aicpu_tasks"][0] == json({2, 1, kBase + 50, kBase + 125}));
  CHECK(j["aicpu_tasks"].size() == 6);
  REQUIRE(j["aicpu_scheduler_phases"].size() == 2);
  const json& dispatch = j["aicpu_scheduler_phases"][0][0];
  CHECK(dispatch == json({{"kind", "dispatch"},
                          {"start_cycles", kBase + 47},
                          {"end_cycles", kBase + 52},
                          {"loop_iter", 3},
                          {"tasks_processed", 2},
                          {"pop_hit", 2},
                          {"pop_miss", 0},
                          {"shared_at_start", {0, 2, 0}},
                          {"shared_at_end", {0, 0, 0}}}));
  CHECK_FALSE(j["aicpu_scheduler_phases"][0][1].contains("pop_hit"));  // complete
  CHECK(j["aicpu_scheduler_phases"][1][0]["task_id"] == 4294967299);
  REQUIRE(j["aicpu_orchestrator_phases"].size() == 1);
  CHECK(j["aicpu_orchestrator_phases"][0][1] == json({{"submit_idx", 1},
                                                      {"task_id", 4294967297},
                                                      {"start_cycles", kBase + 25},
                                                      {"end_cycles", kBase + 45}}));
  CHECK_FALSE(j.contains("scheduler_tasks"));
}

TEST_CASE("generation C: seven columns, exact key sets") {
  const json j = written(RecordsFormat::C, 4);
  CHECK(j["metadata"]["runtime"] == "tensormap_and_ringbuffer");
  for (const json& row : j["aicore_tasks"]) CHECK(row.size() == 7);
  CHECK(j["scheduler_tasks"]["producer"] == "aicpu");
  for (const json& row : j["scheduler_tasks"]["records"]) CHECK(row.size() == 5);
  CHECK(j["scheduler_tasks"]["records"][0] == json({2, 1, kBase + 50, kBase + 125, 1}));
  const json& streams = j["scheduler_records"]["streams"];
  REQUIRE(streams.size() == 2);
  const std::set<std::string> seven = {"start_cycles", "end_cycles",      "run_epoch", "loop_iter",
                                       "kind",         "tasks_processed", "task_id"};
  for (const json& stream : streams) {
    CHECK(stream["capture"]["committed"] == stream["records"].size());
    CHECK(stream["platform"] == "a2a3");
    for (const json& record : stream["records"]) {
      std::set<std::string> keys;
      for (const auto& item : record.items()) keys.insert(item.key());
      CHECK(keys == seven);
    }
    for (size_t m = 0; m < stream["metrics"].size(); ++m) {
      CHECK(stream["metrics"][m]["record_index"] == m);
      for (const std::string& key : seven) CHECK_FALSE(stream["metrics"][m].contains(key));
    }
  }
  CHECK(streams[0]["records"][0]["task_id"].is_null());
  CHECK(streams[1]["records"][0]["task_id"] == 4294967299);
  CHECK(j["aicpu_orchestrator_phases"][0][0]["run_epoch"] == 1);
  CHECK_FALSE(j.contains("aicpu_tasks"));
  CHECK_FALSE(j.contains("aicpu_scheduler_phases"));
}

TEST_CASE("each level adds its tables") {
  for (RecordsFormat format : {RecordsFormat::A, RecordsFormat::C}) {
    const bool a = format == RecordsFormat::A;
    const char* phases = a ? "aicpu_scheduler_phases" : "scheduler_records";
    for (int level = 1; level <= 4; ++level) {
      const json j = written(format, level);
      CHECK(j["chip_swimlane_level"] == level);
      CHECK(j["aicore_tasks"].size() == 6);
      const json& tasks = a ? j["aicpu_tasks"] : j["scheduler_tasks"]["records"];
      CHECK(tasks.size() == (level >= 2 ? 6u : 0u));
      CHECK(j.contains(phases) == (level >= 3));
      CHECK(j["metadata"].contains("core_to_thread") == (level >= 3));
      CHECK(j.contains("aicpu_orchestrator_phases") == (level >= 4));
    }
  }
  for (int level : {0, 5})
    CHECK(sample::error_id([&] { written(RecordsFormat::A, level); }) == "traces.records-level");
}

TEST_CASE("format names") {
  CHECK(records_format_from_name("2026-08") == RecordsFormat::A);
  CHECK(records_format_from_name("2026-09") == RecordsFormat::C);
  CHECK(sample::error_id([] { records_format_from_name("2025"); }) == "traces.records-format");
}

TEST_CASE("the strict rules are checked before anything is written") {
  const SwimlaneRecords good =
      make_records(sample::timeline(), sample::graph(), {RecordsFormat::C, 4});
  std::string message;
  auto broken = [&](auto spoil) {
    SwimlaneRecords r = good;
    spoil(r);
    return sample::error_id([&] { records_json(r); }, &message);
  };
  const std::string refused = "traces.swimlane";
  CHECK(broken([](auto&) {}) == "");
  CHECK(broken([](auto& r) { r.core_tasks[0].start = 0; }) == refused);
  CHECK(broken([](auto& r) { r.core_tasks[0].end = r.core_tasks[0].start - 1; }) == refused);
  CHECK(broken([](auto& r) { r.core_tasks[0].end = r.core_tasks[0].start; }) == "");
  CHECK(broken([](auto& r) { r.core_tasks[0].receive_to_start = -1; }) == refused);
  CHECK(broken([](auto& r) { r.core_tasks[0].receive_to_start = r.core_tasks[0].start; }) ==
        refused);
  CHECK(broken([](auto& r) { r.core_tasks[0].core = 6; }) == refused);
  CHECK(broken([](auto& r) { r.core_tasks[3].reg_task_id = 1; }) == refused);
  CHECK(message ==
        "aicore_tasks row 3 (core 2, reg_task_id 1): core and reg_task_id occur twice "
        "[traces.swimlane]");
  CHECK(broken([](auto& r) { r.scheduler_tasks[3].reg_task_id = 1; }) == refused);
  CHECK(broken([](auto& r) { r.scheduler_tasks[1].dispatch = 0; }) == refused);
  CHECK(broken([](auto& r) { r.scheduler_tasks[1].finish = 7; }) == refused);
  CHECK(broken([](auto& r) { r.scheduler_tasks.pop_back(); }) == refused);
  CHECK(message.find("has no row in scheduler_tasks") != std::string::npos);
  CHECK(broken([](auto& r) { r.phases[0][1].end = r.phases[0][1].start - 1; }) == refused);
  CHECK(broken([](auto& r) { r.submits[2].end = r.submits[2].start - 1; }) == refused);
  // rows 0 and 3 share core 2: touching is fine, one tick more is not
  CHECK(broken([](auto& r) { r.core_tasks[0].end = r.core_tasks[3].start; }) == "");
  CHECK(broken([](auto& r) { r.core_tasks[0].end = r.core_tasks[3].start + 1; }) == refused);
}

TEST_CASE("a scheduler row alone is not an error") {
  SwimlaneRecords r = make_records(sample::timeline(), sample::graph());
  r.core_tasks.pop_back();
  CHECK_NOTHROW(check_records(r));
}

TEST_CASE("a phase of an unknown scheduler thread is refused") {
  Timeline t = sample::timeline();
  t.phases[9].thread = 2;
  CHECK(sample::error_id([&] { make_records(t, sample::graph()); }) == "traces.timeline");
}
