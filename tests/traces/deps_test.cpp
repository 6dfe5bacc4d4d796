#include "traces/deps.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "traces/sample.h"

using namespace traces;
using nlohmann::json;

TEST_CASE("deps.json: tasks, tensors and edges") {
  const json j = json::parse(deps_json(sample::graph()));
  CHECK(j["runtime"] == "tensormap_and_ringbuffer");
  REQUIRE(j["tasks"].size() == 4);
  CHECK(j["tasks"][0]["task_id"] == "4294967296");
  CHECK(j["tasks"][0]["kernel_ids"] == json({-1, 0, -1}));
  CHECK(j["tasks"][1]["kernel_ids"] == json({1, 2, 2}));
  CHECK(j["tasks"][3]["kernel_ids"] == json({-1, -1, -1}));
  CHECK(j["tasks"][0]["block_num"] == 2);
  CHECK(j["tasks"][1]["early_dispatch"] == true);
  CHECK(j["tasks"][1]["scope"] == "auto");
  CHECK(j["tasks"][2]["scope"] == "manual");
  REQUIRE(j["tensors"].size() == 1);
  const std::string id = j["tensors"][0]["tensor_id"];
  CHECK(j["tensors"][0] == json({{"tensor_id", id},
                                 {"buffer_addr", "4096"},
                                 {"version", 0},
                                 {"dtype", "FLOAT32"},
                                 {"buffer_numel", "4096"}}));
  CHECK(j["tasks"][1]["args"][0] == json({{"idx", 0},
                                          {"type", "INPUT"},
                                          {"tensor_id", id},
                                          {"dtype", "FLOAT32"},
                                          {"shape", {2, 64}},
                                          {"start_offset", "128"},
                                          {"strides", {64, 1}}}));
  REQUIRE(j["edges"].size() == 3);
  CHECK(j["edges"][0] == json({{"pred", "4294967296"},
                               {"succ", "4294967297"},
                               {"arg", 0},
                               {"source", "tensormap"},
                               {"flags", {"wait"}},
                               {"overlap", "covered"},
                               {"tensor_id", id},
                               {"consumer_dtype", "FLOAT32"},
                               {"consumer_shape", {2, 64}},
                               {"consumer_start_offset", "128"},
                               {"consumer_strides", {64, 1}},
                               {"producer_shape", {64, 64}},
                               {"producer_start_offset", "0"},
                               {"producer_strides", {64, 1}}}));
  CHECK(j["edges"][1] == json({{"pred", "4294967297"},
                               {"succ", "12884901890"},
                               {"arg", -1},
                               {"source", "explicit"},
                               {"flags", {"wait", "retain"}}}));
}

TEST_CASE("tensors at different addresses have different ids") {
  isa::TaskGraph g = sample::graph();
  g.buffers.push_back(g.buffers[0]);
  g.buffers[1].gm_addr = 8192;
  const json j = json::parse(deps_json(g));
  CHECK(j["tensors"][0]["tensor_id"] != j["tensors"][1]["tensor_id"]);
}

TEST_CASE("the name map names every function") {
  CHECK(json::parse(name_map_json(sample::graph())) ==
        json({{"level", 2},
              {"orchestrator_name", "demo"},
              {"callable_id_to_name", {{"0", "norm_aiv"}, {"1", "proj_aic"}, {"2", "proj_aiv"}}}}));
}

TEST_CASE("pmu.csv: pipe busy cycles under the chip's column names") {
  auto lines = [](PmuColumns columns) {
    std::istringstream in(pmu_csv(sample::timeline(), sample::graph(), 2000, columns));
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
  };
  const auto a2a3 = lines(pmu_columns("a2a3"));
  REQUIRE(a2a3.size() == 7);
  CHECK(a2a3[0] ==
        "thread_id,core_id,task_id,func_id,core_type,pmu_total_cycles,vec_busy_cycles,"
        "cube_busy_cycles,scalar_busy_cycles,mte1_busy_cycles,mte2_busy_cycles,mte3_busy_cycles,"
        "icache_miss,icache_req,event_type");
  // 1000 ns at 2 GHz; V 300 ns, MTE2 600 ns
  CHECK(a2a3[1] == "0,2,0x0000000100000000,0,1,2000,600,0,0,0,1200,0,0,0,2");
  CHECK(a2a3[3] == "0,0,0x0000000100000001,1,0,4000,0,3000,0,0,0,0,0,0,2");
  const auto a5 = lines(pmu_columns("a5"));
  CHECK(a5[0] ==
        "thread_id,core_id,task_id,func_id,core_type,pmu_total_cycles,pmu_idc_aic_vec_busy_o,"
        "cube_instr_busy,scalar_instr_busy,mte1_instr_busy,mte2_instr_busy,mte3_instr_busy,"
        "icache_req,icache_miss,pmu_fix_instr_busy,event_type");
  CHECK(a5[1] == "0,2,0x0000000100000000,0,1,2000,600,0,0,0,1200,0,0,0,0,2");
}
