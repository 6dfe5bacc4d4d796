// The 4:1 compressor of CSA's index keys (kernels.md §2.5): as for keys and values, with 128 lanes
// and a Hadamard rotation at the end.
#include "kernels/compressor/program.h"

namespace kernels {

Program program_decode_indexer_compressor();

namespace {

using compressor::Config;
using compressor::Kind;

constexpr char kName[] = "decode_indexer_compressor";

const KnobTable& knob_table() {
  static const KnobTable table = compressor::knob_table(Kind::Indexer, kName);
  return table;
}

Config config(const Knobs& k, const std::string&) {
  return compressor::config(k, Kind::Indexer, kName);
}

}  // namespace

Program program_decode_indexer_compressor() {
  Definition<Config> d = compressor::standalone(Kind::Indexer);
  d.name = kName;
  d.doc = "4:1 overlapping compression of CSA's index keys, decode";
  d.table = &knob_table();
  d.config = config;
  return define(d);
}

}  // namespace kernels
