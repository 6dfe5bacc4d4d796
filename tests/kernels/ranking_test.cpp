// Which RoPE layout wins, and why: the verdicts of the published threads (kernels.md §5.1, §4.1).
#include <catch2/catch.hpp>

#include "apps/run.h"
#include "kernels/knobs.h"

using namespace kernels;

namespace {

traces::Summary predict(const std::string& program, const Settings& settings) {
  app::RunRequest request;
  request.program = program;
  request.settings = settings;
  request.golden = false;
  app::Progress quiet(false);
  return app::run(request, quiet).summary;
}

double busy(const traces::Summary& s, const std::string& scope) {
  const traces::ScopeSummary* found = s.find(scope);
  return found == nullptr ? 0 : found->busy.us();
}

int64_t count(const traces::Summary& s, const std::string& scope, const std::string& opcode) {
  const auto& instructions = s.find(scope)->instructions;
  const auto it = instructions.find(opcode);
  return it == instructions.end() ? 0 : it->second;
}

/// after / before - 1 in percent.
double change(double before, double after) { return 100 * (after / before - 1); }

}  // namespace

TEST_CASE("PR570: split-half against swap-gather in the HCA block") {
  const traces::Summary a = predict("decode_attention_hca", {{"era", "pre570"}});
  const traces::Summary b = predict("decode_attention_hca", {{"era", "p570"}});

  // The four large rows within 35 % of the device, before and after.
  struct Row {
    const char* scope;
    double before, after;
  };
  for (const Row& row : {Row{"q_head_rope_fused", 1443.8, 439.2}, Row{"rope", 1419.0, 288.9},
                         Row{"kv_rope_fused", 46.1, 13.5}, Row{"rmsnorm_rope", 69.6, 52.6}}) {
    INFO(row.scope);
    CHECK(busy(a, row.scope) == Approx(row.before).epsilon(0.35));
    CHECK(busy(b, row.scope) == Approx(row.after).epsilon(0.35));
  }
  CHECK(busy(a, "rope_cs") > 0);
  CHECK(b.find("rope_cs") == nullptr);
  CHECK(busy(b, "hca_rope") > busy(a, "hca_rope"));

  REQUIRE(a.groups.size() == 1);
  const double rope = change(a.busy_of(a.groups[0]).us(), b.busy_of(b.groups[0]).us());
  CHECK(rope < -60);
  CHECK(rope > -80);
  CHECK(change(a.busy().us(), b.busy().us()) < -2);
  CHECK(change(a.busy().us(), b.busy().us()) > -7);
  CHECK(change(a.makespan.us(), b.makespan.us()) < 0);
  CHECK(change(a.makespan.us(), b.makespan.us()) > -8);
  CHECK(a.makespan.us() == Approx(1508.6).epsilon(0.3));
  for (const traces::Summary& s : {a, b}) {
    CHECK(s.cores_busy_mean() > 30);
    CHECK(s.cores_busy_mean() < 42);
  }

  // The reason: one gather a row disappears; hca_rope gains two half rows of two tables per token.
  CHECK(count(a, "rope", "TGATHER") == 16384);
  CHECK(count(b, "rope", "TGATHER") == 0);
  CHECK(count(b, "hca_rope", "TLOAD") - count(a, "hca_rope", "TLOAD") == 256);
}

TEST_CASE("PR480: swap-gather beats mask gather and scatter in the projections") {
  const traces::Summary mask =
      predict("qkv_proj_rope", {{"era", "p480"}, {"layout", "mask_scatter"}});
  const traces::Summary swap = predict("qkv_proj_rope", {{"era", "p480"}});
  CHECK(swap.makespan < mask.makespan);
  for (const char* scope : {"q_head_rope_fused", "kv_rope_fused"}) {
    INFO(scope);
    // Published spans: 349 -> 40 and 53 -> 11 us.
    const double gain = mask.find(scope)->span.us() / swap.find(scope)->span.us();
    CHECK(gain > 3.5);
    CHECK(gain < 12);
  }
}

TEST_CASE("in the HCA block mask scatter is slowest, split-half fastest") {
  const Settings tiles = {{"era", "pre570"}};
  const auto with = [&](const char* layout) {
    Settings settings = tiles;
    settings.emplace_back("layout", layout);
    return predict("decode_attention_hca", settings).makespan;
  };
  const auto mask = with("mask_scatter"), swap = with("swap_gather"), half = with("split_half");
  CHECK(half < swap);
  CHECK(swap < mask);
}

TEST_CASE("PR253's loop of single tasks is the slowest decode form, bound by dispatch") {
  // The same heads and keys; the later form even has two tokens a request.
  const Settings sizes = {{"batch", "4"}, {"heads", "32"}, {"compress_ratio", "0"}};
  const traces::Summary p253 = predict("sparse_attn", sizes);
  const traces::Summary later = predict("decode_sparse_attn_swa", sizes);
  CHECK(p253.makespan.us() > 5 * later.makespan.us());
  // A task per key: the orchestrator's 0.87 us and more for each of them, few cores at work.
  CHECK(p253.makespan.us() > 0.8 * static_cast<double>(p253.tasks));
  CHECK(p253.cores_busy_mean() < 8);
}
