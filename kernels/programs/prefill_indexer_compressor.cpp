// The 4:1 compressor of CSA's index keys in prefill, with Hadamard rotation (kernels.md §2.12).
#include "kernels/prefill_compressor/program.h"

namespace kernels {

Program program_prefill_indexer_compressor();

namespace {

using prefill_compressor::Config;
using prefill_compressor::Kind;

constexpr char kName[] = "prefill_indexer_compressor";

const KnobTable& knob_table() {
  static const KnobTable table = prefill_compressor::knob_table(Kind::Indexer, kName);
  return table;
}

Config config(const Knobs& k, const std::string&) {
  return prefill_compressor::config(k, Kind::Indexer, kName);
}

}  // namespace

Program program_prefill_indexer_compressor() {
  Definition<Config> d = prefill_compressor::standalone(Kind::Indexer);
  d.name = kName;
  d.doc = "4:1 compression of CSA's index keys, prefill";
  d.table = &knob_table();
  d.config = config;
  return define(d);
}

}  // namespace kernels
