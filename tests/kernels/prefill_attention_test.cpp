// prefill_attention_swa, _hca and _csa (kernels.md §2.12): census, goldens per layout, start and
// padding, index lists, identity padding, lowering.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "error_id.h"
#include "kernels/fixtures.h"
#include "kernels/sparse_attn/prefill_lists.h"
#include "run_program.h"
#include "tests/lower/test_chip.h"
#include "tests/lower/verify.h"

using namespace kernels;
using kernels_test::count;
using kernels_test::error_of;
using kernels_test::ProgramRun;
using kernels_test::run;

namespace {

const std::vector<std::string> kKinds = {"swa", "hca", "csa"};
const std::vector<std::string> kLayouts = {"fused_swap_gather", "swap_gather", "split_half",
                                           "mask_scatter"};

std::string program(const std::string& kind) { return "prefill_attention_" + kind; }

/// 32 tokens, a quarter of the heads, a narrow model.
Settings tiny(Settings more = {}) {
  Settings s = {{"tokens", "32"},  {"hidden", "1024"}, {"heads", "32"},
                {"q_lora", "512"}, {"o_lora", "128"},  {"quant_chunk", "128"}};
  s.insert(s.end(), more.begin(), more.end());
  return s;
}

ProgramRun run_tiny(const std::string& kind, Settings more = {},
                    const TensorSet* inputs = nullptr) {
  return run(program(kind), "prefill", tiny(std::move(more)), {}, inputs);
}

/// The record of a run at the sizes of `settings`, without its golden.
pl::RecordedProgram record(const std::string& kind, const Settings& settings) {
  const Program& p = find_program(program(kind));
  const Knobs knobs = p.resolve("prefill", settings);
  const TensorSet inputs = p.make_inputs(knobs, "prefill", 1);
  pl::Session session(p.name);
  p.run(session, inputs, knobs, "prefill");
  return session.finish();
}

int64_t blocks(const pl::RecordedProgram& r) {
  int64_t n = 0;
  for (const pl::ScopeRecord& s : r.scopes) n += s.block_num;
  return n;
}

std::vector<std::string> names(const pl::RecordedProgram& r) {
  std::vector<std::string> list;
  for (const pl::ScopeRecord& s : r.scopes) list.push_back(s.name);
  return list;
}

bool has(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// The final contents of a tensor the program created.
const int32_t* contents(const pl::RecordedProgram& r, const std::string& name) {
  for (size_t i = 0; i < r.buffers.size(); ++i)
    if (r.buffers[i].name == name) return reinterpret_cast<const int32_t*>(r.storage[i].data.get());
  FAIL("no buffer " + name);
  return nullptr;
}

}  // namespace

TEST_CASE("prefill attention has upstream's scopes and blocks at the full size") {
  const pl::RecordedProgram swa = record("swa", {});
  CHECK(swa.scopes.size() == 24);
  CHECK(blocks(swa) == 694);
  CHECK(count(swa).scalars + 3 == 11461);  // upstream's census; hc_scale is read at submission
  CHECK(names(swa)[12] == "prefill_swa_dummy_cmp_table");
  const pl::RecordedProgram hca = record("hca", {});
  CHECK(hca.scopes.size() == 29);
  CHECK(blocks(hca) == 848);
  const pl::RecordedProgram csa = record("csa", {});
  CHECK(csa.scopes.size() == 37);
  CHECK(blocks(csa) == 1644);
  const std::vector<std::string> middle = {"kv_rms_norm_rope",
                                           "prefill_c4_state_proj",
                                           "prefill_c4_softmax_pool",
                                           "prefill_c4_norm_rope_write",
                                           "prefill_c4_cache_write",
                                           "prefill_c4_state_update",
                                           "prefill_idx_c4_state_proj",
                                           "prefill_idx_c4_softmax_pool",
                                           "prefill_idx_c4_norm_rope_write",
                                           "prefill_idx_c4_hadamard",
                                           "prefill_idx_c4_cache_write",
                                           "prefill_idx_c4_state_update",
                                           "prefill_idx_topk",
                                           "prefill_csa_sparse_lens",
                                           "prefill_csa_sparse_idx_tile",
                                           "gather_kv"};
  const std::vector<std::string> all = names(csa);
  CHECK(std::search(all.begin(), all.end(), middle.begin(), middle.end()) != all.end());
  for (const pl::RecordedProgram* r : {&swa, &hca, &csa}) CHECK(r->diagnostics.empty());
}

TEST_CASE("prefill attention passes in every layout, before, over and behind page borders") {
  const std::vector<std::pair<std::string, std::string>> chunks = {
      {"113", "19"}, {"0", "-1"}, {"101", "-1"}, {"300", "1"}};
  for (const std::string& kind : kKinds)
    for (const std::string& layout : kLayouts)
      for (const auto& [start, active] : chunks) {
        if (layout != kLayouts.front() && start != chunks.front().first) continue;
        INFO(kind << " " << layout << " start " << start << " active " << active);
        const ProgramRun r =
            run_tiny(kind, {{"layout", layout}, {"start_pos", start}, {"num_tokens", active}});
        CHECK(r.failures() == "");
        CHECK(r.record.diagnostics.empty());
      }
}

TEST_CASE("eras set the layouts of projections, compressors and attention") {
  for (const std::string& kind : kKinds) {
    const ProgramRun p570 = run_tiny(kind, {{"era", "p570"}});
    const std::vector<std::string> scopes = names(p570.record);
    CHECK(has(scopes, "prefill_" + kind + "_rope_half"));
    CHECK_FALSE(has(scopes, "rope_cs"));
    CHECK(has(scopes, "kv_rope_fused"));
    CHECK(p570.failures() == "");
    const std::vector<std::string> pre570 = names(run_tiny(kind, {{"era", "pre570"}}).record);
    CHECK(has(pre570, "rope_cs"));
    CHECK_FALSE(has(pre570, "prefill_" + kind + "_rope_half"));
    CHECK(pre570.size() == scopes.size());
  }
  const ProgramRun p580 = run_tiny("csa", {{"era", "p580"}});
  CHECK(p580.knobs.text("cmp_layout") == "swap_gather");
  CHECK(p580.failures() == "");
}

TEST_CASE("the index lists of CSA prefill are those of the reference") {
  for (const char* start : {"0", "117"}) {
    const ProgramRun r = run_tiny("csa", {{"start_pos", start}, {"num_tokens", "29"}});
    sparse::Config c;
    c.batch = 1;
    c.seq = 32;
    c.cmp_columns = 256;
    c.num_tokens = 29;
    const HostTensor lists = make_tensor("lists", isa::DType::I32, {32, 640}, Role::Output);
    const HostTensor lens = make_tensor("lens", isa::DType::I32, {32}, Role::Output);
    sparse::fill_prefill_lists(c, std::stol(start), 4, lists, lens);
    const int32_t* indices = contents(r.record, "cmp_sparse_indices");
    const int32_t* lengths = contents(r.record, "cmp_sparse_lens");
    CHECK(std::equal(lists.as<int32_t>(), lists.as<int32_t>() + 32 * 640, indices));
    CHECK(std::equal(lens.as<int32_t>(), lens.as<int32_t>() + 32, lengths));
    CHECK(lengths[29] == 0);
  }
}

TEST_CASE("without identity padding the read of unwritten rows names tensor, row and scope") {
  for (const std::string& kind : kKinds) {
    const ProgramRun r =
        run_tiny(kind, {{"era", "p570"}, {"identity_padding", "off"}, {"num_tokens", "20"}});
    CHECK(r.failures() == "");  // padding rows are not compared
    const auto& found = r.record.diagnostics;
    const auto names_it = [&](const std::string& scope, const std::string& what) {
      return std::any_of(found.begin(), found.end(), [&](const pl::Diagnostic& d) {
        return d.id == "lang.uninitialised-read" &&
               d.where.find("scope " + scope) != std::string::npos &&
               d.message.find(what) != std::string::npos;
      });
    };
    CHECK(names_it("rope", "reads [20, 0] of tensor 'rope_half_cos'"));
    CHECK(names_it("kv_rope_fused", "reads [20, 0] of tensor 'rope_cos'"));
    // Nothing to report where no row is padding.
    CHECK(
        run_tiny(kind, {{"era", "p570"}, {"identity_padding", "off"}}).record.diagnostics.empty());
  }
}

TEST_CASE("a chunk sees the ring and the compressed rows before it") {
  const Program& p = find_program(program("csa"));
  const Settings s = {{"start_pos", "200"}};
  const ProgramRun base = run_tiny("csa", s);
  for (const char* cache : {"kv_cache", "cmp_kv"}) {
    TensorSet in = p.make_inputs(base.knobs, "prefill", 1);
    const HostTensor& rows = in.at(cache);
    // position 199 lies in ring slot 71; row 49 ends with it
    const int64_t row = std::string(cache) == "kv_cache" ? 199 % 128 : 49;
    for (int64_t j = 0; j < 512; ++j) rows.as<uint16_t>()[row * 512 + j] ^= 0x8000;
    const ProgramRun r = run_tiny("csa", s, &in);
    CHECK(r.failures() == "");
    CHECK_FALSE(kernels_test::same_bytes(r.actual.at("x_out"), base.actual.at("x_out")));
  }
}

TEST_CASE("the lowered prefill attention gives the eager values bit for bit, on both chips") {
  for (const std::string& kind : kKinds)
    for (const std::string& layout : kLayouts) {
      if (layout != kLayouts.front() && kind != "csa") continue;
      INFO(kind << " " << layout);
      Settings s = {{"layout", layout}, {"start_pos", "105"}, {"num_tokens", "30"}};
      if (kind != "swa") s.push_back({"cmp_layout", "swap_gather"});
      const ProgramRun r = run_tiny(kind, s);
      lower_test::lower_and_verify(r.record, lower_test::a2a3());
      if (layout != "mask_scatter") lower_test::lower_and_verify(r.record, lower_test::a5());
    }
}

TEST_CASE("prefill attention refuses what cannot run") {
  const Program& csa = find_program(program("csa"));
  const auto resolve = [&](const Settings& s) {
    return error_of([&] { csa.resolve("prefill", s); });
  };
  CHECK(resolve({{"start_pos", "900"}}).find("256 rows of the compressed pool") !=
        std::string::npos);
  CHECK(resolve({{"num_tokens", "65"}, {"tokens", "64"}}).find("num_tokens 65") !=
        std::string::npos);
  CHECK(resolve({{"layout", "hoisted"}}).find("knob.value") == 0);
  const auto refused = [&](const Settings& s) {
    return csa.refused_on_chip(csa.resolve("prefill", s), "a5");
  };
  CHECK(refused({}).find("cmp_layout=mask_scatter") != std::string::npos);
  CHECK(refused({{"layout", "mask_scatter"}}).find("layout=mask_scatter") != std::string::npos);
  CHECK(refused({{"era", "p580"}}).empty());
}
