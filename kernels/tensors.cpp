#include <cstdlib>
#include <new>

#include "isa/error.h"
#include "kernels/program.h"

namespace kernels {

int64_t HostTensor::numel() const {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  return n;
}

HostTensor make_tensor(std::string name, isa::DType dtype, std::vector<int64_t> shape, Role role) {
  HostTensor t;
  t.name = std::move(name);
  t.dtype = dtype;
  t.shape = std::move(shape);
  t.role = role;
  // calloc leaves large tensors as untouched zero pages; the alignment is made by hand.
  constexpr uintptr_t kAlign = 64;
  void* base = std::calloc(static_cast<size_t>(t.size_bytes()) + kAlign, 1);
  if (base == nullptr) throw std::bad_alloc();
  const uintptr_t aligned = (reinterpret_cast<uintptr_t>(base) + kAlign - 1) / kAlign * kAlign;
  t.bytes = std::shared_ptr<uint8_t>(reinterpret_cast<uint8_t*>(aligned),
                                     [base](uint8_t*) { std::free(base); });
  return t;
}

HostTensor make_tensor(const TensorSpec& spec) {
  return make_tensor(spec.name, spec.dtype, spec.shape, spec.role);
}

HostTensor& TensorSet::add(HostTensor t) {
  if (has(t.name))
    throw isa::Error("kernel.duplicate-tensor", "tensor " + t.name + " exists twice");
  tensors_.push_back(std::move(t));
  return tensors_.back();
}

const HostTensor& TensorSet::at(const std::string& name) const {
  for (const HostTensor& t : tensors_)
    if (t.name == name) return t;
  throw isa::Error("kernel.no-tensor", "there is no tensor called " + name);
}

HostTensor& TensorSet::at(const std::string& name) {
  return const_cast<HostTensor&>(static_cast<const TensorSet&>(*this).at(name));
}

bool TensorSet::has(const std::string& name) const {
  for (const HostTensor& t : tensors_)
    if (t.name == name) return true;
  return false;
}

}  // namespace kernels
