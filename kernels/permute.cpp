#include "kernels/permute.h"

#include <cstring>

#include "isa/error.h"
#include "kernels/model.h"
#include "kernels/text.h"

namespace kernels {

HostTensor permute_rope_lanes(const HostTensor& t) {
  const int64_t width = t.shape.empty() ? 0 : t.shape.back();
  if (width == 0 || width % kHead != 0)
    throw isa::Error("kernel.shape", "tensor " + t.name,
                     "its last axis of " + shape_text(t.shape) + " is no multiple of " +
                         std::to_string(kHead) + " lanes");
  HostTensor out = make_tensor(t.name, t.dtype, t.shape, t.role);
  const size_t size = isa::size_of(t.dtype);
  std::memcpy(out.bytes.get(), t.bytes.get(), static_cast<size_t>(t.size_bytes()));
  for (int64_t head = 0; head < t.numel(); head += kHead) {
    for (int64_t lane = 0; lane < kRope; ++lane) {
      const int64_t to = lane % 2 == 0 ? lane / 2 : kRope / 2 + lane / 2;
      std::memcpy(out.bytes.get() + static_cast<size_t>(head + kNope + to) * size,
                  t.bytes.get() + static_cast<size_t>(head + kNope + lane) * size, size);
    }
  }
  return out;
}

TensorSet permute_to_split_half(const TensorSet& inputs) {
  TensorSet out;
  for (const HostTensor& t : inputs.all()) {
    const bool has_rope_lanes =
        t.name == "wq_b" || t.name == "wq_b_scale" || t.name == "wkv" || t.name == "gamma_ckv";
    out.add(has_rope_lanes ? permute_rope_lanes(t) : t);
  }
  return out;
}

}  // namespace kernels
