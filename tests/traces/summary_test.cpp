#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "traces/sample.h"
#include "traces/summary.h"

using namespace traces;
using sample::ns;

namespace {

Summary sample_summary() {
  RunInfo run;
  run.program = "demo";
  run.variant = "plain";
  run.mode = "decode";
  run.knobs = {{"tile", "32"}, {"layout", "split \"half\""}};
  run.chip = "a2a3";
  run.soc = "910_9382";
  run.seed = 18446744073709551615u;
  Golden golden{false, {{"q", true, 0.125, 0, 64}, {"kv", false, std::nan(""), 3, 8}}};
  return summarize(sample::timeline(), sample::graph(), run, golden);
}

}  // namespace

TEST_CASE("a scope sums its lanes with work") {
  const Summary s = sample_summary();
  REQUIRE(s.scopes.size() == 2);
  const ScopeSummary& norm = s.scopes[0];
  CHECK(norm.name == "norm");
  CHECK(norm.kind == isa::TaskKind::AIV);
  CHECK(norm.tasks == 2);
  CHECK(norm.blocks == 3);
  CHECK(norm.lanes == 3);
  CHECK(norm.busy == ns(1000 + 1400 + 1000));
  CHECK(norm.block_busy == norm.busy);
  CHECK(norm.exec_min == ns(1000));
  CHECK(norm.exec_max == ns(1400));
  CHECK(norm.exec_mean == Picoseconds(1133333));
  CHECK(norm.span == ns(6900 - 1200));
  CHECK(norm.first_start == ns(1200 - 1000));  // since the first dispatch
  CHECK(norm.last_end == ns(6900 - 1000));
  CHECK(norm.latency == ns((1500 + 1890 + 3900) / 3));
  CHECK(norm.cores[static_cast<size_t>(isa::CoreKind::AIC)].lanes == 0);
  CHECK(norm.cores[static_cast<size_t>(isa::CoreKind::AIV)].lanes == 3);
  CHECK(norm.cores[static_cast<size_t>(isa::CoreKind::AIV)].busy == ns(3400));
  CHECK(norm.tail == Picoseconds((300 + 250 + 100) * 1000 / 3));
  CHECK(norm.pipes[static_cast<size_t>(isa::Pipe::MTE2)] == ns(1500));
  CHECK(norm.pipes[static_cast<size_t>(isa::Pipe::V)] == ns(300));
  CHECK(norm.main_pipe() == isa::Pipe::MTE2);
  CHECK(norm.main_wait() == WaitReason::Memory);
  CHECK(norm.gm.asked_bytes == 2048);
  CHECK(norm.gm.moved_bytes == 3072);
  CHECK(norm.overfetch() == 1.5);
  CHECK(norm.l2_hit_rate() == 0.5);  // 5 of 10 lines missed
  CHECK(norm.memory_peak[static_cast<size_t>(isa::MemSpace::UB)] == 4096);
  CHECK(norm.instructions ==
        std::map<std::string, int64_t>{{"TLOAD", 3}, {"TADD", 4}, {"TSTORE", 3}});
}

TEST_CASE("times of a function's opcodes go to the scope that calls it, bytes come from its code") {
  Timeline t = sample::timeline();
  t.op_times.resize(3);  // norm_aiv, proj_aic, proj_aiv
  auto at = [&](size_t func, isa::Opcode op) -> OpTimes& {
    return t.op_times[func][static_cast<size_t>(op)];
  };
  at(0, isa::Opcode::TADD) = {ns(100), ns(80)};
  at(1, isa::Opcode::TSTORE) = {ns(30), ns(20)};  // the cube's
  at(2, isa::Opcode::TSTORE) = {ns(5), ns(4)};    // the vector lanes'
  const Summary s = summarize(t, sample::graph(), {});
  const auto& norm = s.scopes[0].op_costs;
  CHECK(norm.size() == 3);
  CHECK(norm.at("TADD").busy == ns(100));
  CHECK(norm.at("TADD").advance == ns(80));
  CHECK(norm.at("TLOAD").bytes == 3 * 4 * 16 * 4);
  CHECK(s.scopes[1].op_costs.at("TSTORE").busy == ns(35));
  CHECK(s.scopes[1].op_costs.at("TSTORE").advance == ns(24));
  CHECK(sample_summary().scopes[0].op_costs.empty());  // not recorded
}

TEST_CASE("head overhead starts at the previous end when the task was waiting for its core") {
  // 200 and 240 after their dispatches; the third was dispatched 2800 before its start, but the
  // core was free only for 100.
  CHECK(sample_summary().scopes[0].head == ns((200 + 240 + 100) / 3));
}

TEST_CASE("a mixed block: both working lanes are busy, the idle one counts nowhere") {
  const Summary s = sample_summary();
  const ScopeSummary& proj = s.scopes[1];
  CHECK(proj.kind == isa::TaskKind::MIX);
  CHECK(proj.lanes == 2);
  CHECK(proj.busy == ns(2000 + 2500));
  CHECK(proj.block_busy == ns(5800 - 3200));
  CHECK(proj.exec_min == ns(2000));
  CHECK(proj.cores[static_cast<size_t>(isa::CoreKind::AIC)].lanes == 1);
  CHECK(proj.cores[static_cast<size_t>(isa::CoreKind::AIC)].busy == ns(2000));
  CHECK(proj.cores[static_cast<size_t>(isa::CoreKind::AIV)].lanes == 1);
  CHECK(proj.cores[static_cast<size_t>(isa::CoreKind::AIV)].busy == ns(2500));
  CHECK(proj.head == ns((200 + 300) / 2));
  CHECK(proj.memory_peak[static_cast<size_t>(isa::MemSpace::L0C)] == 131072);
}

TEST_CASE("totals of a run") {
  const Summary s = sample_summary();
  CHECK(s.tasks == 4);  // the dummy is a submitted task
  CHECK(s.blocks == 4);
  CHECK(s.instructions == 16);
  CHECK(s.makespan == ns(6000));
  CHECK(*s.effective == ns(7101 - 100));  // first submission to the dummy's phase
  CHECK(s.span() == ns(6900 - 1200));
  CHECK(s.busy() == ns(7900));
  CHECK(s.cores_busy_mean() == Approx(7900.0 / 6000));
  CHECK(s.find("proj") == &s.scopes[1]);
  CHECK(s.find("join") == nullptr);
}

TEST_CASE("an empty run has no division by zero") {
  const Summary s = summarize(Timeline{}, isa::TaskGraph{}, {});
  CHECK(s.cores_busy_mean() == 0);
  CHECK(s.scopes.empty());
  CHECK(parse_summary(summary_json(s), "x").makespan == Picoseconds(0));
}

TEST_CASE("summary.json has the published schema") {
  const auto j = nlohmann::json::parse(summary_json(sample_summary()));
  for (const char* key :
       {"program", "variant", "mode", "knobs", "chip", "soc", "seed", "threads", "golden",
        "makespan_us", "busy_us", "cores_busy_mean", "tasks", "blocks", "instructions", "scopes"})
    CHECK(j.contains(key));
  CHECK(j["threads"].is_null());  // folders must not differ with the number of host threads
  CHECK(j["seed"] == 18446744073709551615u);
  CHECK(j["knobs"]["layout"] == "split \"half\"");
  CHECK(j["makespan_us"] == 6.0);
  CHECK(j["golden"]["outputs"][0]["max_abs_err"] == 0.125);
  CHECK(j["golden"]["outputs"][1]["max_abs_err"].is_null());
  const auto& norm = j["scopes"][0];
  CHECK(norm["kind"] == "AIV");
  CHECK(norm["busy_us"] == 3.4);
  CHECK(norm["latency_us"] == 2.43);
  CHECK(norm["start_us"] == 0.2);
  CHECK(norm["end_us"] == 5.9);
  CHECK(norm["cores"] == nlohmann::json::parse(R"({"AIC": {"lanes": 0, "busy_us": 0.0},
                                                   "AIV": {"lanes": 3, "busy_us": 3.4}})"));
  CHECK(j["effective_us"] == 7.001);
  CHECK(norm["exec_us"] == nlohmann::json({{"mean", 1.133333}, {"min", 1.0}, {"max", 1.4}}));
  CHECK(norm["head_us"] == 0.18);
  CHECK(norm["pipes_us"].size() == 7);
  CHECK(norm["pipes_us"]["MTE2"] == 1.5);
  CHECK(norm["gm"]["overfetch"] == 1.5);
  CHECK(norm["gm"]["l2_hit_rate"] == 0.5);
  CHECK(norm["memory_peak_bytes"] ==
        nlohmann::json({{"UB", 4096}, {"L1", 0}, {"L0A", 0}, {"L0B", 0}, {"L0C", 0}}));
  CHECK(norm["waits_us"]["memory"] == 0.4);
  CHECK(norm["instructions"]["TADD"] == 4);
}

TEST_CASE("a summary survives being written and read") {
  const Summary s = sample_summary();
  const std::string text = summary_json(s);
  const Summary back = parse_summary(text, "there");
  CHECK(summary_json(back) == text);
  CHECK(back.scopes[0].exec_mean == s.scopes[0].exec_mean);
  CHECK(back.run.seed == s.run.seed);
  CHECK(std::isnan(back.golden->outputs[1].max_abs_err));
  Summary unchecked = s;
  unchecked.golden.reset();
  CHECK_FALSE(parse_summary(summary_json(unchecked), "there").golden.has_value());
}

TEST_CASE("a summary of an older version lacks the newer figures") {
  auto j = nlohmann::json::parse(summary_json(sample_summary()));
  j.erase("effective_us");
  for (auto& scope : j["scopes"])
    for (const char* key : {"start_us", "end_us", "latency_us", "cores"}) scope.erase(key);
  const Summary old = parse_summary(j.dump(), "old");
  CHECK_FALSE(old.effective.has_value());
  CHECK(old.scopes[0].latency == Picoseconds(0));
  CHECK(old.scopes[0].cores[1].lanes == 0);
}

TEST_CASE("unreadable summaries are explained") {
  const std::string good = summary_json(sample_summary());
  std::string message;
  auto error = [&](const std::string& text) {
    return sample::error_id([&] { parse_summary(text, "a/summary.json"); }, &message);
  };
  auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
  };
  CHECK(error(good) == "");
  CHECK(error("{\"program\": ") == "summary.syntax");
  CHECK(error("[1]") == "summary.type");
  CHECK(error(replaced("\"soc\"", "\"sock\"")) == "summary.missing-key");
  CHECK(message == "a/summary.json: key 'soc' is missing [summary.missing-key]");
  CHECK(error(replaced("\"span_us\"", "\"spam_us\"")) == "summary.missing-key");
  CHECK(message.find("'scopes[0].span_us'") != std::string::npos);
  CHECK(error(replaced("\"tasks\": 4", "\"tasks\": 4.5")) == "summary.type");
  CHECK(error(replaced("\"tasks\": 4", "\"tasks\": -4")) == "summary.value");
  CHECK(error(replaced("\"makespan_us\": 6", "\"makespan_us\": -6")) == "summary.value");
  CHECK(error(replaced("\"makespan_us\": 6.000000", "\"makespan_us\": \"6\"")) == "summary.type");
  CHECK(error(replaced("\"passed\": false", "\"passed\": 0")) == "summary.type");
  CHECK(error(replaced("\"kind\": \"MIX\"", "\"kind\": \"AIX\"")) == "summary.value");
  CHECK(error(replaced("\"program\": \"demo\"", "\"program\": 7")) == "summary.type");
  CHECK(error(replaced("\"scopes\": [", "\"scopes\": 1, \"x\": [")) == "summary.type");
  CHECK(error(replaced("\"max_abs_err\": null", "\"max_abs_err\": true")) == "summary.type");
}

TEST_CASE("a summary is found in a folder or named as a file") {
  namespace fs = std::filesystem;
  const fs::path folder =
      fs::temp_directory_path() / ("traces_summary_test-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  CHECK(sample::error_id([&] { read_summary(folder.string()); }) == "summary.file");
  CHECK(sample::error_id([&] { read_summary((folder / "no").string()); }) == "summary.file");
  std::ofstream(folder / "summary.json") << summary_json(sample_summary());
  CHECK(read_summary(folder.string()).blocks == 4);
  CHECK(read_summary((folder / "summary.json").string()).blocks == 4);
  fs::remove_all(folder);
}
