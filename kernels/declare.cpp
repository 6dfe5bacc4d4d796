#include "kernels/declare.h"

#include <algorithm>
#include <cstring>

namespace kernels {

bool all_zero(const uint8_t* p, size_t n) {
  return n == 0 || (p[0] == 0 && std::memcmp(p, p + 1, n - 1) == 0);
}

pl::Tensor declare(pl::Session& session, const TensorSet& inputs, const std::string& name) {
  const HostTensor& t = inputs.at(name);
  const pl::Dims shape(t.shape.begin(), t.shape.end());
  return t.role == Role::InOut ? session.inout(name, t.dtype, shape, t.bytes)
                               : session.input(name, t.dtype, shape, t.bytes);
}

pl::Tensor declare_row(pl::Session& session, const TensorSet& inputs, const std::string& name) {
  const pl::Tensor t = declare(session, inputs, name);
  return t.reshape({1, t.numel()});
}

HostTensor clone_tensor(const HostTensor& t) {
  HostTensor copy = make_tensor(t.name, t.dtype, t.shape, t.role);
  constexpr size_t kOsPage = 4096;
  const auto bytes = static_cast<size_t>(t.size_bytes());
  for (size_t at = 0; at < bytes; at += kOsPage) {
    const size_t n = std::min(kOsPage, bytes - at);
    if (!all_zero(t.bytes.get() + at, n)) std::memcpy(copy.bytes.get() + at, t.bytes.get() + at, n);
  }
  return copy;
}

TensorSet with_private_inouts(const TensorSet& inputs) {
  TensorSet set;
  for (const HostTensor& t : inputs.all()) set.add(t.role == Role::InOut ? clone_tensor(t) : t);
  return set;
}

}  // namespace kernels
