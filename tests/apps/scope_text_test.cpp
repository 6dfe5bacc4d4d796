// Metrics by name, and the scopes that published texts mean.
#include "apps/scope_text.h"

#include <catch2/catch.hpp>

namespace apps_test {
namespace {

using app::Form;
using app::Metric;
using app::Quantity;
using traces::Picoseconds;

Picoseconds us(int64_t value) { return Picoseconds(value * 1'000'000); }

/// A scope of `blocks` mixed blocks, all AIC lanes `aic` us long and two AIV lanes each of `aiv`.
traces::ScopeSummary mixed(const std::string& name, int64_t blocks, int64_t aic, int64_t aiv,
                           int64_t start, int64_t end) {
  traces::ScopeSummary s;
  s.name = name;
  s.kind = isa::TaskKind::MIX;
  s.blocks = s.tasks = blocks;
  s.lanes = 3 * blocks;
  s.cores = {traces::CoreShare{blocks, us(blocks * aic)}, {2 * blocks, us(2 * blocks * aiv)}};
  s.busy = us(blocks * aic + 2 * blocks * aiv);
  s.block_busy = us(blocks * std::max(aic, aiv));
  s.exec_mean = Picoseconds(s.busy.value / s.lanes);
  s.latency = s.exec_mean + us(3);
  s.tail = us(1);
  s.first_start = us(start);
  s.last_end = us(end);
  s.memory_peak[static_cast<size_t>(isa::MemSpace::UB)] = 2048 * blocks;
  return s;
}

traces::ScopeSummary vector_scope(const std::string& name, int64_t blocks, int64_t exec,
                                  int64_t start, int64_t end) {
  traces::ScopeSummary s = mixed(name, blocks, 0, exec, start, end);
  s.kind = isa::TaskKind::AIV;
  s.lanes = blocks;
  s.cores = {traces::CoreShare{}, {blocks, us(blocks * exec)}};
  s.busy = s.block_busy = us(blocks * exec);
  s.exec_mean = us(exec);
  s.latency = us(exec + 3);
  return s;
}

/// Wall 100 us: exp_w2 from 10 to 40, norm from 45 to 50, q_rope_fused and rope_rows after that.
traces::Summary run() {
  traces::Summary s;
  s.makespan = us(100);
  s.effective = us(120);
  s.scopes = {mixed("exp_w2", 4, 20, 10, 10, 40), vector_scope("ffn_norm", 2, 4, 45, 50),
              vector_scope("q_rope_fused", 3, 2, 60, 70), vector_scope("rope_rows", 1, 5, 71, 80),
              vector_scope("kv_score_proj", 1, 1, 81, 90)};
  return s;
}

const std::set<std::string> kWords = {"expert", "routed", "decode", "gate"};

double value(const std::string& metric, const std::string& scope,
             const traces::Summary* other = nullptr) {
  const Metric m = app::metric_from_name(metric).value();
  const app::ScopeText text = app::read_scope_text(scope, m.quantity, kWords);
  return app::measure(m.quantity, app::select_scopes(text, run(), other), run());
}

std::string refusal(const std::string& metric, const std::string& scope) {
  try {
    value(metric, scope);
  } catch (const app::NotInRun& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("metrics by name") {
  CHECK(app::metric_from_name("module_wall_us") == Metric{Quantity::Wall, Form::Value, true});
  CHECK(app::metric_from_name("total_test_time_us") == Metric{Quantity::Wall, Form::Value, true});
  CHECK(app::metric_from_name("effective_us") == Metric{Quantity::Effective, Form::Value, true});
  CHECK(app::metric_from_name("busy_change_pct") == Metric{Quantity::Busy, Form::ChangePct, false});
  CHECK(app::metric_from_name("exec_change_pct") == Metric{Quantity::Exec, Form::ChangePct, false});
  CHECK(app::metric_from_name("wall_change_pct") == Metric{Quantity::Wall, Form::ChangePct, true});
  CHECK(app::metric_from_name("wall_delta_us") == Metric{Quantity::Wall, Form::Delta, true});
  CHECK(app::metric_from_name("gain_pct") == Metric{Quantity::Busy, Form::GainPct, false});
  for (const char* unknown : {"", "_us", "row_us", "module_wall", "us", "bandwidth"})
    CHECK_FALSE(app::metric_from_name(unknown).has_value());
  CHECK(app::why_not_modelled("row_us") ==
        "metric row_us is not modelled: the run keeps no time per row of a loop");
  CHECK(app::why_not_modelled("parsecs") ==
        "metric 'parsecs' is not modelled: no such metric is known");
}

TEST_CASE("figures of two states") {
  CHECK(*app::combine(Form::ChangePct, 10, 15) == Approx(50));
  CHECK(*app::combine(Form::GainPct, 10, 4) == Approx(60));
  CHECK(*app::combine(Form::Delta, 10, 4) == Approx(-6));
  CHECK(*app::combine(Form::Speedup, 10, 4) == Approx(2.5));
  CHECK_FALSE(app::combine(Form::ChangePct, 0, 4).has_value());
  CHECK_FALSE(app::combine(Form::Speedup, 1, 0).has_value());
}

TEST_CASE("metrics of the whole module") {
  for (const char* text : {"module", "module total", "total (decode)", "module, decode",
                           "expert module", "routed expert", "module, pair 1", "all scopes"}) {
    INFO(text);
    CHECK(value("module_wall_us", text) == Approx(100));
  }
  CHECK(value("effective_us", "decode layer") == Approx(120));
  CHECK(value("busy_sum_us", "all scopes") == Approx(4 * 40 + 8 + 6 + 5 + 1));
  CHECK(value("task_count", "tasks") == Approx(12 + 2 + 3 + 1 + 1));
  CHECK(value("scope_span_us", "module") == Approx(80));
  CHECK(refusal("module_wall_us", "barrier fold, decode") ==
        "'barrier fold, decode' is not the whole module");
  CHECK(refusal("module_wall_us", "ffn_norm") == "'ffn_norm' is not the whole module");
}

TEST_CASE("metrics of one scope") {
  CHECK(value("busy_sum_us", "exp_w2") == Approx(4 * 20 + 8 * 10));  // AIC and both AIV lanes
  CHECK(value("task_exec_us", "exp_w2") == Approx(20));              // a block once
  CHECK(value("scope_span_us", "exp_w2") == Approx(30));
  CHECK(value("task_latency_us", "ffn_norm") == Approx(7));
  CHECK(value("task_count", "ffn_norm (2 blocks)") == Approx(2));
  CHECK(value("kb", "vector memory") == Approx(8));
  CHECK(value("kb", "ffn_norm UB") == Approx(4));
  CHECK(refusal("kb", "ffn_norm") == "no memory is named");
  CHECK(refusal("busy_sum_us", "ffn_nor") == "scope ffn_nor is not in the run");
}

TEST_CASE("halves of mixed scopes and of the module") {
  CHECK(value("busy_sum_us", "exp_w2_aiv") == Approx(80));
  CHECK(value("busy_sum_us", "exp_w2 (aic)") == Approx(80));
  CHECK(value("task_exec_us", "exp_w2_aiv") == Approx(10));  // of a lane
  CHECK(value("busy_sum_us", "cube half") == Approx(80));
  CHECK(value("busy_sum_us", "AIV total") == Approx(80 + 8 + 6 + 5 + 1));
  CHECK(value("task_exec_us", "aic") == Approx(20));
  CHECK(refusal("busy_sum_us", "ffn_norm_aic") == "nothing ran on AIC cores");
  CHECK(refusal("scope_span_us", "aic") == "the run keeps no span of one half of a scope");
}

TEST_CASE("shorthands, lists and descriptions") {
  CHECK(value("busy_sum_us", "q_rope") == Approx(6));  // begins q_rope_fused
  CHECK(value("busy_sum_us", "norm") == Approx(8));    // only ffn_norm holds it
  CHECK(value("busy_sum_us", "all rope kernels") == Approx(11));
  CHECK(value("busy_sum_us", "ffn_norm + q_rope_fused") == Approx(14));
  CHECK(value("busy_sum_us", "ffn_norm, q_rope_fused") == Approx(14));
  CHECK(value("busy_sum_us", "kv/score projection matmul") == Approx(1));
  CHECK(value("task_exec_us", "ffn_norm, pl.range -> pipeline stage 2") == Approx(4));
  CHECK(refusal("task_exec_us", "ffn_norm as one serial task") ==
        "no scope of the run is described by 'ffn_norm as one serial task'");
  CHECK(refusal("task_exec_us", "ffn_norm (multi-scope variant)") ==
        "'ffn_norm (multi-scope variant)' is a variant that the commit does not hold");
  CHECK(value("busy_sum_us", "rope") == Approx(5));    // begins rope_rows
  CHECK(refusal("busy_sum_us", "fused, rows") == "");  // only q_rope_fused holds it
}

TEST_CASE("a shorthand means what fits in both runs") {
  traces::Summary here, there;
  here.scopes = {vector_scope("qr_proj_matmul", 1, 7, 0, 1),
                 vector_scope("qr_proj_seed", 1, 1, 0, 1)};
  there.scopes = {vector_scope("qr_proj_matmul", 1, 9, 0, 1)};
  const app::ScopeText text = app::read_scope_text("qr_proj", Quantity::Busy, {});
  using Names = std::vector<std::string>;
  CHECK(app::select_scopes(text, here, nullptr).scopes == Names{"qr_proj_matmul", "qr_proj_seed"});
  CHECK(app::select_scopes(text, here, &there).scopes == Names{"qr_proj_matmul"});
  there.scopes = {vector_scope("other", 1, 9, 0, 1)};
  CHECK(app::select_scopes(text, here, &there).scopes.size() == 2);
}

TEST_CASE("from one scope to another") {
  CHECK(value("scope_span_us", "exp_w2 start -> ffn_norm end") == Approx(40));
  CHECK(value("gap_us", "exp_w2 end -> ffn_norm start") == Approx(5));
  CHECK(refusal("gap_us", "producer end -> ffn_norm start") == "scope producer is not in the run");
}

TEST_CASE("overheads are means over lanes") {
  CHECK(value("overhead_us", "tail overhead per task") == Approx(1));
  CHECK(value("overhead_us", "head overhead per task") == Approx(2));  // latency - execution - tail
  CHECK(refusal("overhead_us", "first task head overhead, mean") ==
        "scope first is not in the run");
}

}  // namespace apps_test
