// The traps of kernels.md §2.3 and §2.4: undefined pooled rows, skipped writes, windows over page
// borders, histories that are not finite, the ratio-128 gate.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "compressor_small.h"
#include "kernels/compressor/host.h"
#include "kernels/fixtures.h"

using namespace kernels;
using kernels_test::cache_of;
using kernels_test::compressor_inputs;
using kernels_test::kCompressors;
using kernels_test::ProgramRun;
using kernels_test::run_compressor;
using kernels_test::same_bytes;
using kernels_test::small_compressor;

namespace {

template <class T>
bool all_zero(const HostTensor& t) {
  return std::all_of(t.as<T>(), t.as<T>() + t.numel(), [](T v) { return v == 0; });
}

bool all_finite(const HostTensor& t) {
  return std::all_of(t.as<float>(), t.as<float>() + t.numel(),
                     [](float v) { return std::isfinite(v); });
}

/// Random values and scores for every state row.
void fill_every_row(const HostTensor& state) { fill(state, 7, normal(.05f)); }

}  // namespace

TEST_CASE("requests that do not compress leave undefined rows that reach nothing") {
  for (const std::string& program : kCompressors) {
    INFO(program);
    const ProgramRun r = run_compressor(program, {{"start_pos", "0"}});
    CHECK(r.failures() == "");
    CHECK(all_zero<float>(r.actual.at("kv")));
    CHECK(all_zero<uint16_t>(r.actual.at(cache_of(program))));
    CHECK(r.record.diagnostics.empty());

    // The undefined rows are real: the norm read poison and made NaN of it.
    bool poison_seen = false;
    for (size_t i = 0; i < r.record.buffers.size(); ++i) {
      const isa::GmBuffer& b = r.record.buffers[i];
      if (b.name.find("normed") == std::string::npos || b.dtype != isa::DType::F32) continue;
      poison_seen = std::isnan(*reinterpret_cast<const float*>(r.record.storage[i].data.get()));
    }
    CHECK((poison_seen || program == "decode_indexer_compressor"));
  }
}

TEST_CASE("a slot of -1 is not written") {
  for (const std::string& program : kCompressors) {
    INFO(program);
    const std::string start = program == "decode_compressor_ratio128" ? "126" : "6";
    const TensorSet inputs = compressor_inputs(program, {{"start_pos", start}});
    inputs.at("state_slot_mapping").as<int64_t>()[0] = -1;        // first token of request 0
    inputs.at("cmp_slot_mapping").as<int64_t>()[2 * 3 + 1] = -1;  // window of request 3
    const ProgramRun r = run_compressor(program, {{"start_pos", start}}, &inputs);
    CHECK(r.failures() == "");
    CHECK(all_finite(r.actual.at("kv")));

    const ProgramRun full = run_compressor(program, {{"start_pos", start}});
    CHECK_FALSE(same_bytes(r.actual.at("kv"), full.actual.at("kv")));
    const HostTensor& kv = r.actual.at("kv");
    CHECK(kv.as<float>()[3 * 2 * kv.shape[2]] != 0);  // request 3 is pooled all the same
    const HostTensor& cache = r.actual.at(cache_of(program));
    const int64_t request_rows = 2 * 128 * cache.shape[3];
    const auto* rows = cache.as<uint16_t>() + 3 * request_rows;
    CHECK(std::all_of(rows, rows + request_rows, [](uint16_t v) { return v == 0; }));
  }
}

TEST_CASE("where the pages lie does not matter") {
  for (const std::string& program : kCompressors) {
    INFO(program);
    // History everywhere, so that a wrong page gives wrong numbers; then all pages are mirrored.
    const TensorSet inputs = compressor_inputs(program);
    const HostTensor& state = inputs.at("compress_state");
    fill_every_row(state);
    const ProgramRun here = run_compressor(program, {}, &inputs);
    CHECK(here.failures() == "");

    TensorSet mirrored;
    for (const HostTensor& t : inputs.all()) {
      HostTensor copy = make_tensor(t.name, t.dtype, t.shape, t.role);
      std::copy_n(t.bytes.get(), t.size_bytes(), copy.bytes.get());
      mirrored.add(copy);
    }
    const int64_t pages = state.shape[0], page = state.shape[1] * state.shape[2];
    for (int64_t p = 0; p < pages; ++p)
      std::copy_n(state.as<float>() + p * page, page,
                  mirrored.at("compress_state").as<float>() + (pages - 1 - p) * page);
    const HostTensor& table = mirrored.at("compress_state_block_table");
    for (int64_t i = 0; i < table.numel(); ++i)
      table.as<int32_t>()[i] = static_cast<int32_t>(pages - 1 - table.as<int32_t>()[i]);
    const HostTensor& slots = mirrored.at("state_slot_mapping");
    const int64_t rows = state.shape[1];
    for (int64_t i = 0; i < slots.numel(); ++i) {
      int64_t& slot = slots.as<int64_t>()[i];
      slot = (pages - 1 - slot / rows) * rows + slot % rows;
    }
    const ProgramRun there = run_compressor(program, {}, &mirrored);
    CHECK(there.failures() == "");
    CHECK(same_bytes(there.actual.at("kv"), here.actual.at("kv")));
    CHECK(same_bytes(there.actual.at(cache_of(program)), here.actual.at(cache_of(program))));
  }
}

TEST_CASE("histories of -inf and of random rows are pooled as in the golden") {
  for (const std::string& program : {kCompressors[1], kCompressors[2]}) {
    INFO(program);
    const Program& entry = find_program(program);
    const TensorSet inputs = compressor_inputs(program);
    const auto kind =
        program == kCompressors[1] ? compressor::Kind::Ratio4 : compressor::Kind::Indexer;
    const compressor::Config c =
        compressor::config(entry.resolve("decode", small_compressor()), kind, program);
    const compressor::PageTable pages{c.state_pages, c.state_page_rows()};
    compressor::fill_history(c, 1, inputs.at("position_ids"), pages, inputs.at("compress_state"));
    // Infinities stay in the state, which the published comparator refuses; the rest must pass.
    const ProgramRun r = run_compressor(program, {}, &inputs);
    for (const OutputVerdict& v : r.verdicts) {
      INFO(v.name << " " << v.detail);
      if (v.name != "compress_state") CHECK(v.passed);
    }
    CHECK(all_finite(r.actual.at("kv")));
  }
  for (const std::string& program : kCompressors) {
    INFO(program);
    const TensorSet inputs = compressor_inputs(program);
    fill_every_row(inputs.at("compress_state"));
    CHECK(run_compressor(program, {}, &inputs).failures() == "");
  }
}

TEST_CASE("ratio 128 pools by a constant of two tokens and writes back by the step's") {
  const std::string program = kCompressors[0];
  // One token: the pool runs a step early and nobody uses it.
  CHECK(run_compressor(program, {{"seq", "1"}, {"start_pos", "126"}}).failures() == "");
  CHECK(run_compressor(program, {{"seq", "4"}, {"start_pos", "126"}}).failures() == "");
  // Four tokens from 125 on complete the window, but no block pools it: undefined rows get out.
  const ProgramRun r = run_compressor(program, {{"seq", "4"}, {"start_pos", "125"}});
  CHECK(r.failures().find("NaN") != std::string::npos);
  CHECK(r.actual.at("kv").as<float>()[0] != r.actual.at("kv").as<float>()[0]);
}
