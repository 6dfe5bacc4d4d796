// The decode compressors at sizes that run in milliseconds.
#pragma once

#include <string>
#include <vector>

#include "run_program.h"

namespace kernels_test {

inline const std::vector<std::string> kCompressors = {
    "decode_compressor_ratio128", "decode_compressor_ratio4", "decode_indexer_compressor"};

/// Sixteen requests: every published start position at least twice.
inline Settings small_compressor(Settings more = {}) {
  Settings s = {{"batch", "16"}, {"hidden", "512"}, {"cmp_pages", "2"}, {"state_pages", "34"}};
  s.insert(s.end(), more.begin(), more.end());
  return s;
}

inline std::string cache_of(const std::string& program) {
  return program == "decode_indexer_compressor" ? "idx_kv_cache" : "cmp_kv_cache";
}

inline ProgramRun run_compressor(const std::string& program, Settings more = {},
                                 const kernels::TensorSet* inputs = nullptr,
                                 pl::SessionOptions options = {}) {
  return run(program, "decode", small_compressor(std::move(more)), options, inputs);
}

/// Fresh inputs that a test may change.
inline kernels::TensorSet compressor_inputs(const std::string& program, Settings more = {},
                                            uint64_t seed = 1) {
  const kernels::Program& p = kernels::find_program(program);
  return p.make_inputs(p.resolve("decode", small_compressor(std::move(more))), "decode", seed);
}

}  // namespace kernels_test
