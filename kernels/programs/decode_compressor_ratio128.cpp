// The 128:1 compressor of HCA layers (kernels.md §2.4): a softmax over the 128 positions of a
// window for every column, RMSNorm, RoPE at the window's first position.
#include "kernels/compressor/program.h"

namespace kernels {

Program program_decode_compressor_ratio128();

namespace {

using compressor::Config;
using compressor::Kind;

constexpr char kName[] = "decode_compressor_ratio128";

const KnobTable& knob_table() {
  static const KnobTable table = compressor::knob_table(Kind::Ratio128, kName);
  return table;
}

Config config(const Knobs& k, const std::string&) {
  return compressor::config(k, Kind::Ratio128, kName);
}

}  // namespace

Program program_decode_compressor_ratio128() {
  Definition<Config> d = compressor::standalone(Kind::Ratio128);
  d.name = kName;
  d.doc = "128:1 compression of HCA's keys and values, decode";
  d.table = &knob_table();
  d.config = config;
  return define(d);
}

}  // namespace kernels
