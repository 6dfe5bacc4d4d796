// The 128:1 compressor of HCA layers in prefill (kernels.md §2.12).
#include "kernels/prefill_compressor/program.h"

namespace kernels {

Program program_prefill_compressor_ratio128();

namespace {

using prefill_compressor::Config;
using prefill_compressor::Kind;

constexpr char kName[] = "prefill_compressor_ratio128";

const KnobTable& knob_table() {
  static const KnobTable table = prefill_compressor::knob_table(Kind::Ratio128, kName);
  return table;
}

Config config(const Knobs& k, const std::string&) {
  return prefill_compressor::config(k, Kind::Ratio128, kName);
}

}  // namespace

Program program_prefill_compressor_ratio128() {
  Definition<Config> d = prefill_compressor::standalone(Kind::Ratio128);
  d.name = kName;
  d.doc = "128:1 compression of HCA's keys and values, prefill";
  d.table = &knob_table();
  d.config = config;
  return define(d);
}

}  // namespace kernels
