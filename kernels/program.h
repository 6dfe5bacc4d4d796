// A kernel program as users meet it: name, modes, knobs, inputs, the program itself and its golden.
//
// A new kernel is one file kernels/programs/<name>.cpp that defines
// `kernels::Program kernels::program_<name>()`; the build finds it, nothing else is edited.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "isa/types.h"
#include "lang/pl.h"

namespace kernels {

/// A declared tunable. Values are strings on the way in, checked against the declaration.
struct Knob {
  enum class Kind : uint8_t { Choice, Int, Flag };
  std::string name;
  std::string doc;
  std::string part;  ///< kernel of a larger program it belongs to; "" = the program itself
  Kind kind = Kind::Int;
  std::string default_value;
  std::vector<std::string> choices;        ///< Choice
  int64_t min = 0, max = 0, multiple = 1;  ///< Int
};

/// Resolved knobs of one run. Errors: "knob.unknown", "knob.value" (with the declared range).
class Knobs {
 public:
  void set(const std::string& name, std::string value) { values_[name] = std::move(value); }
  const std::string& text(const std::string& name) const;
  int64_t integer(const std::string& name) const;
  bool flag(const std::string& name) const;
  bool has(const std::string& name) const { return values_.count(name) != 0; }
  const std::map<std::string, std::string>& values() const { return values_; }

 private:
  std::map<std::string, std::string> values_;
};

enum class Role : uint8_t { Input, Output, InOut };

/// A tensor in host memory, row-major; bf16/fp16 as raw 16-bit words.
struct HostTensor {
  std::string name;
  isa::DType dtype = isa::DType::F32;
  std::vector<int64_t> shape;
  Role role = Role::Input;
  std::shared_ptr<uint8_t> bytes;

  int64_t numel() const;
  int64_t size_bytes() const { return numel() * static_cast<int64_t>(isa::size_of(dtype)); }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(bytes.get());
  }
};
/// Name, type and shape of a tensor without its contents.
struct TensorSpec {
  std::string name;
  isa::DType dtype = isa::DType::F32;
  std::vector<int64_t> shape;
  Role role = Role::Input;
};

/// Zero-filled, 64 B aligned.
HostTensor make_tensor(std::string name, isa::DType dtype, std::vector<int64_t> shape, Role role);
HostTensor make_tensor(const TensorSpec& spec);

/// Tensors by name, in declaration order.
class TensorSet {
 public:
  HostTensor& add(HostTensor t);
  const HostTensor& at(const std::string& name) const;  ///< error "kernel.no-tensor"
  HostTensor& at(const std::string& name);
  bool has(const std::string& name) const;
  const std::vector<HostTensor>& all() const { return tensors_; }

 private:
  std::vector<HostTensor> tensors_;
};

/// Outcome of comparing one output with its golden.
struct OutputVerdict {
  std::string name;
  bool passed = false;
  double max_abs_err = 0;
  int64_t bad = 0;  ///< elements out of tolerance
  int64_t total = 0;
  std::string rule;    ///< "ratio_allclose(1e-04, 0.0078125, 0.005)"
  std::string detail;  ///< first element out of tolerance, "" if none: "[3,17]: 1.5, expected 1.25"
};

/// Published comparators (kernels.md §0.3), implemented in compare.h. `context` holds the inputs
/// and the actual outputs by name, for rules that look at a second tensor.
using Comparator = std::function<OutputVerdict(const HostTensor& actual, const HostTensor& expected,
                                               const TensorSet& context)>;

/// Scopes whose busy times are also reported as one sum, e.g. "RoPE". Not every layout or era has
/// every scope of a group.
struct ScopeGroup {
  std::string name;
  std::vector<std::string> scopes;
};

/// One program. All functions are pure in (mode, knobs, seed).
struct Program {
  std::string name;
  std::string doc;
  std::vector<std::string> modes;  ///< first is the default, e.g. {"decode", "prefill"}
  std::vector<Knob> knobs;

  /// Completes and checks user settings: defaults, then `era`, `tiling`, ... presets, then single
  /// settings, in that order of precedence whatever the order given. Errors: "knob.unknown",
  /// "knob.value", "knob.conflict" (illegal combination, with the reason: L0C, Mat, divisibility).
  std::function<Knobs(const std::string& mode,
                      const std::vector<std::pair<std::string, std::string>>& settings)>
      resolve;
  /// What the program reads and writes, in declaration order.
  std::function<std::vector<TensorSpec>(const Knobs&, const std::string& mode)> inputs;
  std::function<std::vector<TensorSpec>(const Knobs&, const std::string& mode)> outputs;
  /// Seeded inputs in upstream's distributions.
  std::function<TensorSet(const Knobs&, const std::string& mode, uint64_t seed)> make_inputs;
  /// Declares the tensors in `session`, runs the kernel and returns the outputs' names with the
  /// tensors that hold them.
  std::function<std::vector<std::pair<std::string, pl::Tensor>>(
      pl::Session& session, const TensorSet& inputs, const Knobs&, const std::string& mode)>
      run;
  /// Independent reference: whole tensors, plain loops or a BLAS.
  std::function<TensorSet(const TensorSet& inputs, const Knobs&, const std::string& mode)> golden;
  std::map<std::string, Comparator> comparators;  ///< by output name
  /// "" if the program can run on a chip of these abilities, else why not ("knob.chip").
  std::function<std::string(const Knobs&, const std::string& chip)> refused_on_chip;
  std::vector<ScopeGroup> scope_groups;  ///< in the order they are reported
  /// Heap of a runtime ring as upstream's runs of the program set it (PTO2_RING_HEAP); 0 = the
  /// chip's default.
  int64_t ring_heap_bytes = 0;
};

/// All programs, sorted by name.
const std::vector<Program>& programs();
/// Error "kernel.unknown" with the closest names.
const Program& find_program(const std::string& name);

}  // namespace kernels
