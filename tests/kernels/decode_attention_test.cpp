// The decode attention blocks: goldens and lowering in every layout at reduced sizes, upstream's
// scopes, start positions, index lists and cache write-back.
#include <catch2/catch.hpp>

#include "apps/run.h"
#include "error_id.h"
#include "kernels/attention/cache_writeback.h"
#include "kernels/attention/sparse_indices.h"
#include "run_program.h"

using namespace kernels;
using kernels_test::error_id;
using kernels_test::ProgramRun;
using kernels_test::run;

namespace {

const char* const kLayouts[] = {"fused_swap_gather", "swap_gather", "split_half", "mask_scatter"};
const char* const kBlocks[] = {"decode_attention_csa", "decode_attention_hca",
                               "decode_attention_swa"};

/// Sixteen requests: every published start position at least once.
Settings small(const std::string& program, Settings more = {}) {
  Settings s = {{"batch", "16"},        {"hidden", "1024"},     {"heads", "16"},  {"q_lora", "512"},
                {"qk_head_tile", "16"}, {"quant_chunk", "128"}, {"o_lora", "128"}};
  if (program != "decode_attention_swa") s.emplace_back("cmp_pages", "2");
  if (program == "decode_attention_csa")
    for (const auto& [name, value] : Settings{{"idx_heads", "16"},
                                              {"idx_topk", "128"},
                                              {"idx_pages", "2"},
                                              {"cmp_columns", "128"},
                                              {"max_position", "512"}})
      s.emplace_back(name, value);
  s.insert(s.end(), more.begin(), more.end());
  return s;
}

app::RunResult run_on(const std::string& chip, const std::string& program, Settings more,
                      uint64_t seed = 1) {
  app::RunRequest request;
  request.program = program;
  request.chip = chip;
  request.settings = small(program, std::move(more));
  request.seed = seed;
  request.verify_lowering = true;
  app::Progress quiet(false);
  return app::run(request, quiet);
}

void check_run(const app::RunResult& r) {
  for (const OutputVerdict& v : r.verdicts) {
    INFO(v.name << ": " << v.bad << " of " << v.total << ", " << v.detail);
    CHECK(v.passed);
  }
  CHECK(r.diagnostics.empty());
  CHECK(r.hazards.empty());
  REQUIRE(r.lowering_check);
  INFO(r.lowering_check->first_difference);
  CHECK(r.lowering_check->equal);
}

HostTensor ints(const std::string& name, std::vector<int64_t> shape, std::vector<int32_t> values) {
  HostTensor t = make_tensor(name, isa::DType::I32, std::move(shape), Role::Input);
  std::copy(values.begin(), values.end(), t.as<int32_t>());
  return t;
}

/// A step of two-token requests that start at these positions.
attention::StepPositions step_at(const std::vector<int32_t>& starts) {
  std::vector<int32_t> positions, lengths;
  for (int32_t p : starts) {
    positions.insert(positions.end(), {p, p + 1});
    lengths.push_back(p + 2);
  }
  const auto n = static_cast<int64_t>(starts.size());
  return attention::step_positions(ints("position_ids", {n, 2}, positions),
                                   ints("kv_seq_lens", {n}, lengths));
}

}  // namespace

TEST_CASE("decode attention passes its golden and keeps every bit in the lowering, every layout") {
  for (const std::string program : kBlocks)
    for (const char* layout : kLayouts) {
      INFO(program << " " << layout);
      check_run(run_on("a2a3", program, {{"layout", layout}}));
    }
}

TEST_CASE("decode attention runs on a5 in the layouts it has") {
  for (const std::string program : kBlocks) {
    INFO(program);
    check_run(run_on("a5", program, {{"layout", "split_half"}}));
    check_run(run_on("a5", program, {}));
    CHECK(error_id([&] { run_on("a5", program, {{"layout", "mask_scatter"}}); }) == "knob.chip");
  }
}

TEST_CASE("decode attention passes from every start position and for other seeds") {
  for (const char* start : {"0", "1", "3", "4", "126", "127", "128", "255"})
    for (const std::string program : kBlocks) {
      INFO(program << " start " << start);
      const ProgramRun r = run(program, "decode", small(program, {{"start_pos", start}}));
      CHECK(r.failures() == "");
      CHECK(r.record.diagnostics.empty());
    }
  for (const std::string program : kBlocks) check_run(run_on("a2a3", program, {}, 2));
}

TEST_CASE("the decode blocks have upstream's scopes and grids at full size") {
  // kernels.md §2.8: scopes, blocks at PR578 and blocks before PR570.
  struct Published {
    const char* program;
    int64_t scopes, blocks, blocks_before;
  };
  for (const Published& p : {Published{"decode_attention_csa", 44, 1666, 1708},
                             Published{"decode_attention_hca", 29, 1264, 1306},
                             Published{"decode_attention_swa", 24, 719, 761}}) {
    for (const std::string era : {"p578", "pre570"}) {
      INFO(p.program << " " << era);
      app::RunRequest request;
      request.program = p.program;
      request.settings = {{"era", era}};
      request.golden = false;
      app::Progress quiet(false);
      const app::RunResult r = app::run(request, quiet);
      int64_t blocks = 0;
      for (const isa::Task& task : r.lowered.graph.tasks) blocks += task.block_num;
      CHECK(static_cast<int64_t>(r.lowered.graph.tasks.size()) == p.scopes);
      CHECK(blocks == (era == "p578" ? p.blocks : p.blocks_before));
      CHECK(r.diagnostics.empty());
      CHECK(r.hazards.empty());
    }
  }
}

TEST_CASE("the mask form brings its own tokens per rope block") {
  for (const std::string program : kBlocks) {
    const Program& p = find_program(program);
    CHECK(p.resolve("decode", {{"layout", "mask_scatter"}}).integer("rope_t_tile") == 4);
    CHECK(p.resolve("decode", {}).integer("rope_t_tile") == 64);
    CHECK(p.resolve("decode", {{"rope_t_tile", "8"}, {"layout", "mask_scatter"}})
              .integer("rope_t_tile") == 8);
  }
}

TEST_CASE("PR570 took rope_cs out and nothing else") {
  for (const std::string program : kBlocks) {
    const auto before = run(program, "decode", small(program, {{"era", "pre570"}})).blocks();
    auto after = run(program, "decode", small(program, {{"era", "p570"}})).blocks();
    CHECK(before.count("rope_cs") == 1);
    after["rope_cs"] = before.at("rope_cs");
    CHECK(after == before);
  }
}

TEST_CASE("window columns are the last 128 positions, oldest first, with the overlay") {
  // Position 10, second token of a request that starts at 9: slots 0..8, then both overlay tokens.
  const std::vector<int32_t> early = attention::window_indices(step_at({9}), 1);
  for (int32_t k = 0; k < 9; ++k) CHECK(early[static_cast<size_t>(k)] == k);
  CHECK(early[9] == 128);
  CHECK(early[10] == 129);
  CHECK(early[11] == -1);
  CHECK(early[127] == -1);
  // The first token does not see the second.
  const std::vector<int32_t> first = attention::window_indices(step_at({9}), 0);
  CHECK(first[9] == 128);
  CHECK(first[10] == -1);
  // Position 129: positions 2..129, of which 128 and 129 sit in slots 0 and 1.
  const std::vector<int32_t> late = attention::window_indices(step_at({128}), 1);
  CHECK(late.front() == 2);
  CHECK(late[125] == 127);
  CHECK(late[126] == 128);
  CHECK(late[127] == 129);
}

TEST_CASE("compressed columns show groups that lie behind the token") {
  const attention::StepPositions step = step_at({126, 254});
  CHECK(attention::visible_rows(step, 0, 128) == 0);  // position 126
  CHECK(attention::visible_rows(step, 1, 128) == 1);  // position 127 ends the first group
  CHECK(attention::visible_rows(step, 3, 128) == 2);
  const std::vector<int32_t> tail = attention::tail_indices(step, 3, 128, 4);
  CHECK(tail == std::vector<int32_t>{130, 131, -1, -1});
  CHECK(attention::visible_selection(step, 3, 128, {131, 132, -1, 130, 5}) ==
        std::vector<int32_t>{131, -1, -1, 130, -1});
}

TEST_CASE("the scopes write the lists of the reference") {
  const HostTensor positions = ints("position_ids", {3, 2}, {9, 10, 127, 128, 300, 301});
  const HostTensor lengths = ints("kv_seq_lens", {3}, {11, 129, 302});
  const attention::StepPositions step = attention::step_positions(positions, lengths);
  pl::Session session("lists");
  const pl::Tensor ids = session.input("position_ids", isa::DType::I32, {3, 2}, positions.bytes);
  const pl::Tensor lens = session.input("kv_seq_lens", isa::DType::I32, {3}, lengths.bytes);
  const pl::Tensor out = session.output("indices", isa::DType::I32, {6, 132});
  attention::hca_overlay_topk({ids, lens, out}, 128);
  const auto* list = reinterpret_cast<const int32_t*>(session.data(out));
  for (int64_t t = 0; t < 6; ++t) {
    std::vector<int32_t> expected;
    attention::append_list(expected, attention::window_indices(step, t),
                           attention::tail_indices(step, t, 128, 4));
    CHECK(std::vector<int32_t>(list + t * 132, list + (t + 1) * 132) == expected);
  }
  session.finish();
}

TEST_CASE("write-back copies rows to their slots, skips -1 and orders itself behind its guard") {
  constexpr int64_t kRow = 512;
  HostTensor kv = make_tensor("kv", isa::DType::BF16, {2, kRow}, Role::Input);
  HostTensor slots = make_tensor("slots", isa::DType::I64, {2}, Role::Input);
  HostTensor cache = make_tensor("cache", isa::DType::BF16, {4, kRow}, Role::InOut);
  HostTensor guard = make_tensor("guard", isa::DType::BF16, {2, 16}, Role::Input);
  for (int64_t i = 0; i < 2 * kRow; ++i)
    kv.as<uint16_t>()[i] = static_cast<uint16_t>(0x3f80 + i % 7);
  slots.as<int64_t>()[0] = -1;
  slots.as<int64_t>()[1] = 3;
  for (bool guarded : {false, true}) {
    pl::Session session("write-back");
    attention::WritebackArgs args;
    args.kv = session.input("kv", isa::DType::BF16, {2, kRow}, kv.bytes);
    args.slot_mapping = session.input("slots", isa::DType::I64, {2}, slots.bytes);
    HostTensor before = make_tensor("cache", isa::DType::BF16, {4, kRow}, Role::InOut);
    args.cache = session.inout("cache", isa::DType::BF16, {4, kRow}, before.bytes);
    if (guarded) args.guard = session.input("guard", isa::DType::BF16, {2, 16}, guard.bytes);
    attention::cache_writeback("swa", args);
    const auto* rows = reinterpret_cast<const uint16_t*>(session.data(args.cache));
    for (int64_t i = 0; i < 3 * kRow; ++i) REQUIRE(rows[i] == 0);
    for (int64_t i = 0; i < kRow; ++i) REQUIRE(rows[3 * kRow + i] == kv.as<uint16_t>()[kRow + i]);
    session.finish();
  }
}

TEST_CASE("illegal settings of a block name the part's limit") {
  for (const std::string program : kBlocks) {
    CHECK(error_id([&] {
            run(program, "decode", small(program, {{"layout", "hoisted"}}));
          }) == "knob.value");
    CHECK(error_id([&] {
            run(program, "decode", small(program, {{"norm_chunk", "48"}}));
          }) == "knob.conflict");
  }
}
