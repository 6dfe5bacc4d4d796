// A Program from functions of a typed configuration.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kernels/knobs.h"
#include "kernels/program.h"

namespace kernels {

/// What a kernel author writes down once; `define` adapts it to the Program interface.
template <class Config>
struct Definition {
  std::string name;
  std::string doc;
  const KnobTable* table = nullptr;
  Config (*config)(const Knobs&, const std::string& mode) = nullptr;
  /// Refuses settings that cannot run, by `conflict`.
  void (*check)(const Config&) = nullptr;
  std::vector<TensorSpec> (*inputs)(const Config&) = nullptr;
  std::vector<TensorSpec> (*outputs)(const Config&) = nullptr;
  /// Fills the tensors of `inputs`, which come zeroed.
  void (*fill_inputs)(const Config&, uint64_t seed, TensorSet&) = nullptr;
  std::vector<std::pair<std::string, pl::Tensor>> (*run)(pl::Session&, const TensorSet& inputs,
                                                         const Config&) = nullptr;
  /// Fills the tensors of `outputs`, which come zeroed.
  void (*golden)(const TensorSet& inputs, const Config&, TensorSet& outputs) = nullptr;
  std::map<std::string, Comparator> comparators = {};
  /// "" or why the program does not exist on `chip`; may be null.
  std::string (*refused_on_chip)(const Config&, const std::string& chip) = nullptr;
  std::vector<ScopeGroup> scope_groups = {};
  int64_t ring_heap_bytes = 0;
};

inline TensorSet make_tensors(const std::vector<TensorSpec>& specs) {
  TensorSet set;
  for (const TensorSpec& spec : specs) set.add(make_tensor(spec));
  return set;
}

template <class Config>
Program define(const Definition<Config>& d) {
  Program p;
  p.name = d.name;
  p.doc = d.doc;
  p.modes = d.table->modes();
  p.knobs = d.table->knobs();
  p.comparators = d.comparators;
  p.scope_groups = d.scope_groups;
  p.ring_heap_bytes = d.ring_heap_bytes;
  p.resolve = [d](const std::string& mode, const Settings& settings) {
    Knobs knobs = d.table->resolve(mode, settings);
    if (d.check != nullptr) d.check(d.config(knobs, mode));
    return knobs;
  };
  p.inputs = [d](const Knobs& k, const std::string& mode) { return d.inputs(d.config(k, mode)); };
  p.outputs = [d](const Knobs& k, const std::string& mode) { return d.outputs(d.config(k, mode)); };
  p.make_inputs = [d](const Knobs& k, const std::string& mode, uint64_t seed) {
    const Config c = d.config(k, mode);
    TensorSet set = make_tensors(d.inputs(c));
    d.fill_inputs(c, seed, set);
    return set;
  };
  p.run = [d](pl::Session& session, const TensorSet& inputs, const Knobs& k,
              const std::string& mode) { return d.run(session, inputs, d.config(k, mode)); };
  p.golden = [d](const TensorSet& inputs, const Knobs& k, const std::string& mode) {
    const Config c = d.config(k, mode);
    TensorSet out = make_tensors(d.outputs(c));
    d.golden(inputs, c, out);
    return out;
  };
  p.refused_on_chip = [d](const Knobs& k, const std::string& chip) {
    if (d.refused_on_chip == nullptr) return std::string();
    return d.refused_on_chip(d.config(k, d.table->modes().front()), chip);
  };
  return p;
}

}  // namespace kernels
