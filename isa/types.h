// The vocabulary every layer shares: data types, memory spaces, pipes, cores and distinct ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace isa {

/// Element types. fp8/fp4 are reserved: no DeepSeek-V4 kernel computes with them on the device
/// (kernel-language.md §1.2).
enum class DType : uint8_t { F32, BF16, F16, I8, U8, I16, U16, I32, U32, I64 };
inline constexpr int kDTypes = 10;

constexpr size_t size_of(DType t) {
  switch (t) {
    case DType::I8:
    case DType::U8:
      return 1;
    case DType::BF16:
    case DType::F16:
    case DType::I16:
    case DType::U16:
      return 2;
    case DType::F32:
    case DType::I32:
    case DType::U32:
      return 4;
    case DType::I64:
      return 8;
  }
  return 0;
}

/// Memories an operand can live in. GM is off core, the rest belong to one AIC or AIV.
enum class MemSpace : uint8_t { GM, UB, L1, L0A, L0B, L0C };
inline constexpr int kMemSpaces = 6;

/// In-order instruction queues of a core (hardware.md §3.1).
enum class Pipe : uint8_t { S, M, V, MTE1, MTE2, MTE3, FIX };
inline constexpr int kPipes = 7;

enum class CoreKind : uint8_t { AIC, AIV };

/// What a task occupies: one AIC, one AIV, a whole cluster (MIX), or nothing (Dummy).
enum class TaskKind : uint8_t { AIC, AIV, MIX, Dummy };

/// Element order of a tile in its memory; formulas in layout.h.
enum class Layout : uint8_t { ND, NZ, ZN, ZZ };

/// Cast rounding, numbered as in kernel-language.md §1.3.
enum class RoundMode : uint8_t { None, Rint, Round, Floor, Ceil, Trunc, Odd };

enum class MaskPattern : uint8_t { None, P0101, P1010 };
enum class PadValue : uint8_t { Zero, Min, Max };
enum class CmpOp : uint8_t { Eq, Ne, Lt, Le, Gt, Ge };

// Names as users of the stack write them: "FP32", "BF16", "INT8", ...; "UB"; "MTE2"; "AIC".
std::string_view name(DType t);
std::string_view name(MemSpace s);
std::string_view name(Pipe p);
std::string_view name(CoreKind k);
std::string_view name(TaskKind k);
std::string_view name(Layout l);
std::string_view name(RoundMode m);
std::string_view name(MaskPattern p);
std::string_view name(PadValue p);
std::string_view name(CmpOp op);
/// The type called `text` ("FP32", "bfloat16", "int8", ...). Error "isa.unknown-dtype".
DType dtype_from_name(std::string_view text);

/// An integer that cannot be mixed up with another kind of integer.
template <class Tag, class Rep = uint32_t>
struct Id {
  using rep = Rep;
  Rep value = kNone;
  static constexpr Rep kNone = static_cast<Rep>(-1);

  constexpr Id() = default;
  constexpr explicit Id(Rep v) : value(v) {}
  constexpr bool valid() const { return value != kNone; }
  friend constexpr bool operator==(Id a, Id b) { return a.value == b.value; }
  friend constexpr bool operator!=(Id a, Id b) { return a.value != b.value; }
  friend constexpr bool operator<(Id a, Id b) { return a.value < b.value; }
};

using BufferId = Id<struct BufferTag>;  ///< a GM buffer (root allocation)
using TaskId = Id<struct TaskTag>;      ///< a submitted task, in submission order
using FuncId = Id<struct FuncTag>;      ///< a kernel function (one per scope name and core kind)
using SiteId = Id<struct SiteTag>;      ///< an entry of the program's table of source sites
using CoreId = Id<struct CoreTag, uint16_t>;  ///< a core; numbering in runtime.md §1.2

}  // namespace isa

template <class Tag, class Rep>
struct std::hash<isa::Id<Tag, Rep>> {
  size_t operator()(isa::Id<Tag, Rep> id) const { return std::hash<Rep>()(id.value); }
};
