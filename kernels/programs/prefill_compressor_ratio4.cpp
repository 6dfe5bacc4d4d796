// The 4:1 compressor of CSA layers in prefill (kernels.md §2.12).
#include "kernels/prefill_compressor/program.h"

namespace kernels {

Program program_prefill_compressor_ratio4();

namespace {

using prefill_compressor::Config;
using prefill_compressor::Kind;

constexpr char kName[] = "prefill_compressor_ratio4";

const KnobTable& knob_table() {
  static const KnobTable table = prefill_compressor::knob_table(Kind::Ratio4, kName);
  return table;
}

Config config(const Knobs& k, const std::string&) {
  return prefill_compressor::config(k, Kind::Ratio4, kName);
}

}  // namespace

Program program_prefill_compressor_ratio4() {
  Definition<Config> d = prefill_compressor::standalone(Kind::Ratio4);
  d.name = kName;
  d.doc = "4:1 overlapping compression of CSA's keys and values, prefill";
  d.table = &knob_table();
  d.config = config;
  return define(d);
}

}  // namespace kernels
