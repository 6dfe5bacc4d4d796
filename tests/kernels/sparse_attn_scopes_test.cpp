// The scopes of sparse attention as upstream submits them, and their lowering on both chips.
#include <catch2/catch.hpp>

#include "lower/deps.h"
#include "run_program.h"
#include "tests/lower/test_chip.h"
#include "tests/lower/verify.h"

using namespace kernels;
using kernels_test::ProgramRun;
using kernels_test::run;

namespace {

using List = std::vector<std::pair<std::string, int64_t>>;

/// Runs without the golden: what was submitted, in order.
pl::RecordedProgram record(const char* program, const Settings& settings,
                           bool mask_scatter = true) {
  const Program& p = find_program(program);
  const Knobs knobs = p.resolve("decode", settings);
  const TensorSet inputs = p.make_inputs(knobs, "decode", 1);
  pl::SessionOptions options;
  options.mask_scatter = mask_scatter;
  pl::Session session(program, options);
  p.run(session, inputs, knobs, "decode");
  return session.finish();
}

List scopes(const pl::RecordedProgram& program) {
  List list;
  for (const pl::ScopeRecord& s : program.scopes) list.emplace_back(s.name, s.block_num);
  return list;
}

Settings all_tokens(Settings more = {}) {
  Settings s = {{"heads", "32"}, {"o_lora", "128"}, {"hidden", "256"}, {"quant_chunk", "128"}};
  s.insert(s.end(), more.begin(), more.end());
  return s;
}

int64_t count_ops(const pl::RecordedProgram& program, isa::Opcode opcode) {
  int64_t n = 0;
  for (const pl::ScopeRecord& scope : program.scopes)
    for (const pl::BlockRecord& block : scope.blocks)
      for (const pl::Op& op : block.ops)
        if (op.kind == pl::Op::Kind::Instr && op.opcode == opcode)
          n += opcode == isa::Opcode::SREAD ? isa::scalar_elements(op.gm) : 1;
  return n;
}

}  // namespace

// kernels.md §2.7 and the census of upstream's own program, feasibility.md §4.
TEST_CASE("HCA at the full size has upstream's scopes and operations") {
  const pl::RecordedProgram p = record("decode_sparse_attn_hca", {});
  CHECK(scopes(p) == List{{"build_valid", 8},
                          {"gather_kv", 128},
                          {"qk_pv", 128},
                          {"merge_norm", 128},
                          {"rope_cs", 2},
                          {"rope", 32},
                          {"proj_a", 64},
                          {"quant", 32},
                          {"proj_b", 32}});
  CHECK(count_ops(p, isa::Opcode::TLOAD) == 38956);
  CHECK(count_ops(p, isa::Opcode::TSTORE) == 29876);
  CHECK(count_ops(p, isa::Opcode::TMATMUL) + count_ops(p, isa::Opcode::TMATMUL_ACC) == 4096);
  CHECK(count_ops(p, isa::Opcode::SREAD) == 32896);
  CHECK(p.diagnostics.empty());
}

TEST_CASE("CSA gathers compressed blocks in a scope of its own, SWA has a dead block") {
  const auto with = [](const char* program, const char* layout) {
    return scopes(record(program, all_tokens({{"layout", layout}})));
  };
  const List tail = {{"proj_a", 4}, {"quant", 32}, {"proj_b", 2}};
  const auto expect = [&](const List& got, List front) {
    front.insert(front.end(), tail.begin(), tail.end());
    CHECK(got == front);
  };
  expect(with("decode_sparse_attn", "swap_gather"), {{"build_valid", 8},
                                                     {"gather_kv", 128},
                                                     {"gather_kv_cmp", 512},
                                                     {"qk_pv", 128},
                                                     {"merge_norm", 128},
                                                     {"rope_cs", 2},
                                                     {"rope", 16}});
  const List front = {{"build_valid", 8}, {"gather_kv", 128}, {"qk_pv", 128}};
  const auto after = [&](List more) {
    List list = front;
    list.insert(list.end(), more.begin(), more.end());
    return list;
  };
  const char* swa = "decode_sparse_attn_swa";
  expect(with(swa, "split_half"), after({{"merge_norm", 128}, {"rope", 16}}));
  expect(with(swa, "mask_scatter"), after({{"merge_norm", 128}, {"rope", 32}, {"rope_pack", 16}}));
  expect(with(swa, "hoisted"), after({{"rope_cs", 1}, {"merge_norm", 256}}));
}

TEST_CASE("lowered sparse attention gives the eager bits on both chips") {
  for (const char* program :
       {"decode_sparse_attn", "decode_sparse_attn_hca", "decode_sparse_attn_swa"})
    for (const char* layout : {"swap_gather", "split_half", "mask_scatter", "hoisted"})
      for (const chips::Chip& chip : {lower_test::a2a3(), lower_test::a5()}) {
        if (!chip.mask_scatter && std::string(layout) == "mask_scatter") continue;
        INFO(program << " " << layout << " " << chip.name);
        Settings settings = {{"batch", "8"},     {"heads", "32"},        {"hidden", "128"},
                             {"o_lora", "128"},  {"quant_chunk", "128"}, {"cmp_pages", "1"},
                             {"layout", layout}, {"fixture", "paged"}};
        if (program == std::string("decode_sparse_attn"))
          settings.emplace_back("cmp_columns", "128");
        const pl::RecordedProgram recorded = record(program, settings, chip.mask_scatter);
        const lower::Result r = lower_test::lower_and_verify(recorded, chip);
        CHECK(lower::find_hazards(recorded, r.graph).empty());
      }
}

TEST_CASE("gather_kv reads and writes the ring, so that a later writer waits for it") {
  const pl::RecordedProgram program = record("decode_sparse_attn_hca", {{"batch", "2"},
                                                                        {"heads", "32"},
                                                                        {"hidden", "128"},
                                                                        {"o_lora", "128"},
                                                                        {"quant_chunk", "128"}});
  const lower::Result r = lower::lower(program, lower_test::a2a3(), {});
  int found = 0;
  for (const isa::Task& task : r.graph.tasks)
    for (const isa::TensorArg& arg : task.args)
      if (r.graph.buffer(arg.buffer).name == "ori_kv") {
        ++found;
        CHECK(task.name == "gather_kv");
        CHECK(arg.dir == isa::Direction::InOut);
      }
  CHECK(found == 1);
}

TEST_CASE("each vector lane of CSA's proj_b drains its half of the rows") {
  const pl::RecordedProgram program =
      record("decode_sparse_attn", all_tokens({{"cmp_columns", "0"}, {"batch", "32"}}));
  const lower::Result r = lower::lower(program, lower_test::a2a3(), {});
  const isa::Task& task = r.graph.tasks.back();
  REQUIRE(task.name == "proj_b");
  for (size_t lane = 0; lane < 2; ++lane) {
    int64_t rows = 0;
    for (const isa::Instr& i : task.blocks[0].aiv[lane].instrs)
      if (i.op == isa::Opcode::TSTORE) {
        rows += i.gm.rows;
        CHECK(i.gm.offset / 256 / 32 == static_cast<int64_t>(lane));
      }
    CHECK(rows == 32);
  }
}
