// Position scopes (kernels.md 2.8, 2.12): rows, chains of one-row operations, padding.
#include <catch2/catch.hpp>

#include "error_id.h"
#include "kernels/positions/golden.h"
#include "kernels/positions/positions.h"
#include "run_program.h"
#include "tests/lower/test_chip.h"
#include "tests/lower/verify.h"

using namespace kernels;
using kernels_test::count;
using kernels_test::error_of;
using kernels_test::OpCounts;
using kernels_test::ProgramRun;
using kernels_test::run;

namespace {

using Blocks = std::map<std::string, int64_t>;

ProgramRun good(const std::string& mode, const Settings& settings) {
  ProgramRun r = run("rope_tables", mode, settings);
  CHECK(r.failures() == "");
  CHECK(r.record.diagnostics.empty());
  return r;
}

int64_t casts(const pl::RecordedProgram& record) {
  int64_t n = 0;
  for (const pl::ScopeRecord& scope : record.scopes)
    for (const pl::BlockRecord& block : scope.blocks)
      for (const pl::Op& op : block.ops)
        n += op.kind == pl::Op::Kind::Instr && op.opcode == isa::Opcode::TCVT;
  return n;
}

}  // namespace

TEST_CASE("every kind and layout of the decode scopes meets the golden and lowers to it") {
  for (const char* kind : {"csa", "hca", "swa"})
    for (const char* layout : {"fused_swap_gather", "swap_gather", "split_half", "hoisted"}) {
      INFO(kind << " " << layout);
      const ProgramRun r = good("decode", {{"kind", kind}, {"layout", layout}, {"batch", "9"}});
      lower_test::lower_and_verify(r.record, lower_test::a2a3());
      lower_test::lower_and_verify(r.record, lower_test::a5());
    }
}

TEST_CASE("hca_rope: 384 one-row chains, 256 more in split-half (first-model.md §3)") {
  const ProgramRun pre570 = good("decode", {{"kind", "hca"}, {"era", "pre570"}});
  CHECK(pre570.blocks() == Blocks{{"hca_rope", 1}});
  const OpCounts a = count(pre570.record);
  CHECK(a.loads == 2 * 128 + 2 * 64);
  CHECK(a.stores == a.loads);
  CHECK(casts(pre570.record) == 2 * 2 * 128 + 2 * 64);

  const ProgramRun p570 = good("decode", {{"kind", "hca"}, {"era", "p570"}});
  const OpCounts b = count(p570.record);
  CHECK(b.loads - a.loads == 256);
  CHECK(b.stores - a.stores == 256);
  CHECK(casts(p570.record) - casts(pre570.record) == 256);
  CHECK(b.store_bytes - a.store_bytes == 256 * 128);
}

TEST_CASE("scopes of the kinds") {
  CHECK(good("decode", {{"kind", "csa"}}).blocks() ==
        Blocks{{"csa_rope_step", 1}, {"csa_cmp_rope", 1}});
  CHECK(good("decode", {{"kind", "swa"}}).blocks() == Blocks{{"swa_rope_step", 1}});
  CHECK(good("decode", {{"kind", "csa"}, {"era", "head"}}).blocks() ==
        Blocks{{"csa_rope_step", 1}, {"csa_cmp_rope", 1}, {"rope_interleave", 2}});
  CHECK(good("prefill", {}).blocks() == Blocks{{"qkv_rope_rows", 8}});
  CHECK(good("prefill", {{"kind", "swa"}, {"era", "p570"}}).blocks() ==
        Blocks{{"qkv_rope_rows", 8}, {"prefill_swa_rope_half", 1}});
}

TEST_CASE("the fixtures start where upstream's do, groups begin at multiples of the ratio") {
  HostTensor ids = make_tensor("position_ids", isa::DType::I32, {7, 2}, Role::Input);
  positions::fill_decode_positions(ids, positions::start_positions(positions::Kind::Hca));
  CHECK(positions::position_list(ids) ==
        std::vector<int64_t>{10, 11, 126, 127, 127, 128, 128, 129, 254, 255, 383, 384, 10, 11});
  CHECK(positions::request_positions(ids, 128) == std::vector<int64_t>{0, 0, 0, 128, 128, 256, 0});
  CHECK(positions::request_positions(ids, 4) ==
        std::vector<int64_t>{8, 124, 124, 128, 252, 380, 8});
}

TEST_CASE("prefill: tails, start positions and both kinds of padding") {
  for (const char* kind : {"csa", "hca", "swa"}) {
    const ProgramRun r = good("prefill", {{"kind", kind},
                                          {"layout", "split_half"},
                                          {"tokens", "40"},
                                          {"num_tokens", "23"},
                                          {"start_pos", "8000"}});
    CHECK(r.actual.at("rope_cos").shape[0] == 23);
    CHECK(r.actual.at("rope_half_cos").shape[0] == 40);
    CHECK(r.actual.at("rope_half_cos").as<float>()[23 * 32 + 5] == 1);
    CHECK(r.actual.at("rope_half_sin").as<float>()[39 * 32 + 31] == 0);
    lower_test::lower_and_verify(r.record, lower_test::a2a3());
  }
  const ProgramRun off = good("prefill", {{"layout", "split_half"},
                                          {"tokens", "40"},
                                          {"num_tokens", "23"},
                                          {"identity_padding", "off"}});
  CHECK(off.actual.at("rope_half_cos").shape[0] == 23);
}

TEST_CASE("a padding row that identity_padding=off leaves unwritten is reported when it is read") {
  for (const bool identity : {true, false}) {
    pl::Session session("reader");
    const auto bytes = [](const HostTensor& t) { return t.bytes; };
    HostTensor table = make_tensor("t", isa::DType::BF16, {512, 64}, Role::Input);
    HostTensor ids = make_tensor("p", isa::DType::I32, {32}, Role::Input);
    positions::Chunk chunk;
    chunk.freqs.cos = session.input("cos", isa::DType::BF16, {512, 64}, bytes(table));
    chunk.freqs.sin = session.input("sin", isa::DType::BF16, {512, 64}, bytes(table));
    chunk.position_ids = session.input("ids", isa::DType::I32, {32}, bytes(ids));
    chunk.num_tokens = 30;
    const positions::CosSin half = positions::create_pair("rope_half", 32, 32, isa::DType::F32);
    positions::prefill_rope_half("csa", chunk, identity, half);
    const pl::Tensor y = session.output("y", isa::DType::F32, {32, 32});
    pl::at({"reader"}, [&] { pl::store(pl::load(half.cos, {0, 0}, {32, 32}), {0, 0}, y); });
    const pl::RecordedProgram record = session.finish();
    CHECK(record.diagnostics.empty() == identity);
    if (identity) continue;
    CHECK(record.diagnostics[0].id == "lang.uninitialised-read");
    CHECK(record.diagnostics[0].message.find("rope_half_cos") != std::string::npos);
  }
}

TEST_CASE("illegal position settings are refused with limit and value") {
  const auto resolve = [](const char* mode, const Settings& s) {
    return error_of([&] { find_program("rope_tables").resolve(mode, s); });
  };
  CHECK(resolve("prefill", {{"tokens", "64"}, {"num_tokens", "65"}})
            .find("knob.conflict|rope_tables: num_tokens 65 exceeds tokens 64") == 0);
  CHECK(resolve("prefill", {{"start_pos", "8100"}}).find("past max_position 8192") !=
        std::string::npos);
  CHECK(resolve("prefill", {{"layout", "hoisted"}}).find("knob.conflict") == 0);
  CHECK(resolve("decode", {{"layout", "mask_scatter"}}).find("knob.value") == 0);
}
