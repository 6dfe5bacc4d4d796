// The 4:1 compressor of CSA layers (kernels.md §2.3): a softmax over two neighbouring windows of
// four positions for every column, RMSNorm, RoPE at the window's first position.
#include "kernels/compressor/program.h"

namespace kernels {

Program program_decode_compressor_ratio4();

namespace {

using compressor::Config;
using compressor::Kind;

constexpr char kName[] = "decode_compressor_ratio4";

const KnobTable& knob_table() {
  static const KnobTable table = compressor::knob_table(Kind::Ratio4, kName);
  return table;
}

Config config(const Knobs& k, const std::string&) {
  return compressor::config(k, Kind::Ratio4, kName);
}

}  // namespace

Program program_decode_compressor_ratio4() {
  Definition<Config> d = compressor::standalone(Kind::Ratio4);
  d.name = kName;
  d.doc = "4:1 overlapping compression of CSA's keys and values, decode";
  d.table = &knob_table();
  d.config = config;
  return define(d);
}

}  // namespace kernels
