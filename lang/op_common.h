// Helpers shared by the operations' implementations.
#pragma once

#include <cstdint>
#include <string>

#include "isa/semantics.h"
#include "lang/block.h"
#include "lang/ops.h"

namespace pl {

/// A set of data types.
using DTypes = uint32_t;
constexpr DTypes one_of(DType t) { return DTypes{1} << static_cast<unsigned>(t); }
constexpr DTypes kFloats = one_of(DType::F32) | one_of(DType::F16);
constexpr DTypes kArithmetic = kFloats | one_of(DType::I32) | one_of(DType::I16);
/// What the lane-moving instructions take: 4-byte and integer / FP16 2-byte lanes; a BF16 tile must
/// be cast first (kernels.md §0.2).
constexpr DTypes kLanes = kArithmetic | one_of(DType::U32) | one_of(DType::U16);
constexpr DTypes kAny = ~DTypes{0};

/// Error "lang.dtype" unless the tile's type is allowed.
inline void require_dtype(const Tile& t, DTypes allowed, const char* op, Site site) {
  if ((allowed & one_of(t.dtype())) != 0) return;
  std::string names;
  for (int i = 0; i < isa::kDTypes; ++i)
    if (allowed & (DTypes{1} << i))
      names += (names.empty() ? "" : ", ") + std::string(isa::name(static_cast<DType>(i)));
  fail("lang.dtype", site, std::string(op) + " of a tile " + describe(t) + "; it takes " + names);
}

inline void require_same_dtype(const Tile& a, const Tile& b, const char* op, Site site) {
  if (a.dtype() != b.dtype())
    fail("lang.dtype", site, std::string(op) + " of " + describe(a) + " and " + describe(b));
}

/// `rule` says what is allowed.
inline void require_shape(bool ok, const Tile& a, const Tile& b, const char* op, Site site,
                          const char* rule = "") {
  if (!ok)
    fail("lang.shape", site, std::string(op) + " of " + describe(a) + " and " + describe(b) + rule);
}

/// Vector operands live in UB: error "lang.memory-space" for tiles the author put into L1.
inline void require_vec(const Tile& t, const char* op, Site site) {
  if (t.data()->info.space == TileSpace::Mat)
    fail("lang.memory-space", site,
         std::string(op) + " of a tile " + describe(t) + " in L1 (Mat); vector operations need UB");
}

/// The operand as the block can use it, checked for vector use.
inline const Tile& vector_operand(Block& b, const Tile& t, const char* op, Site site) {
  const Tile& local = b.use(t, site);
  require_vec(local, op, site);
  return local;
}

/// An element-wise result: shape and valid shape of `like`.
inline Tile make_like(Block& b, const Tile& like, DType dtype, Site site) {
  return b.make(dtype, like.rows(), like.cols(), like.valid_rows(), like.valid_cols(), site);
}

/// `load` and `store` of rank `peer`'s copy of `t` (isa::GmAccess::kOwn: the own one).
Tile load_from(const Tensor& t, int16_t peer, const Dims& offsets, const Dims& extent, Shape2 valid,
               Site site);
void store_to(const Tile& tile, const Dims& offsets, const Tensor& t, int16_t peer, bool atomic,
              const Dims& extent, Site site);

inline isa::Attr immediate(double value) {
  isa::Attr attr;
  attr.imm = value;
  return attr;
}

}  // namespace pl
