#include <array>

#include "isa/error.h"
#include "isa/graph.h"
#include "isa/instr.h"
#include "isa/types.h"

namespace isa {
namespace {

constexpr std::array<std::string_view, kDTypes> kDTypeNames = {
    "FP32", "BF16", "FP16", "INT8", "UINT8", "INT16", "UINT16", "INT32", "UINT32", "INT64"};
constexpr std::array<std::string_view, kMemSpaces> kSpaceNames = {"GM",  "UB",  "L1",
                                                                  "L0A", "L0B", "L0C"};
constexpr std::array<std::string_view, kPipes> kPipeNames = {"S",    "M",    "V",  "MTE1",
                                                             "MTE2", "MTE3", "FIX"};
constexpr std::array<std::string_view, 4> kTaskKindNames = {"AIC", "AIV", "MIX", "DUMMY"};
constexpr std::array<std::string_view, 4> kLayoutNames = {"ND", "NZ", "ZN", "ZZ"};
constexpr std::array<std::string_view, 7> kRoundNames = {"none", "rint",  "round", "floor",
                                                         "ceil", "trunc", "odd"};
constexpr std::array<std::string_view, 3> kMaskNames = {"none", "P0101", "P1010"};
constexpr std::array<std::string_view, 3> kPadNames = {"zero", "min", "max"};
constexpr std::array<std::string_view, 6> kCmpNames = {"eq", "ne", "lt", "le", "gt", "ge"};
constexpr std::array<std::string_view, kOpcodes> kOpcodeNames = {"TLOAD",
                                                                 "TSTORE",
                                                                 "TEXTRACT",
                                                                 "TMOV",
                                                                 "TMATMUL",
                                                                 "TMATMUL_ACC",
                                                                 "TADD",
                                                                 "TSUB",
                                                                 "TMUL",
                                                                 "TDIV",
                                                                 "TMAX",
                                                                 "TMIN",
                                                                 "TADDS",
                                                                 "TSUBS",
                                                                 "TMULS",
                                                                 "TDIVS",
                                                                 "TMAXS",
                                                                 "TMINS",
                                                                 "TEXP",
                                                                 "TLOG",
                                                                 "TSQRT",
                                                                 "TRSQRT",
                                                                 "TRECIP",
                                                                 "TABS",
                                                                 "TNEG",
                                                                 "TCVT",
                                                                 "TROWSUM",
                                                                 "TROWMAX",
                                                                 "TROWMIN",
                                                                 "TROWARGMAX",
                                                                 "TCOLSUM",
                                                                 "TCOLMAX",
                                                                 "TROWEXPAND",
                                                                 "TROWEXPANDADD",
                                                                 "TROWEXPANDSUB",
                                                                 "TROWEXPANDMUL",
                                                                 "TROWEXPANDDIV",
                                                                 "TCOLEXPAND",
                                                                 "TCOLEXPANDADD",
                                                                 "TCOLEXPANDSUB",
                                                                 "TCOLEXPANDMUL",
                                                                 "TCOLEXPANDDIV",
                                                                 "TCOLEXPANDEXPDIF",
                                                                 "TEXPANDS",
                                                                 "TFILLPAD",
                                                                 "TCI",
                                                                 "TCMP",
                                                                 "TCMPS",
                                                                 "TSEL",
                                                                 "TGATHER",
                                                                 "TGATHERM",
                                                                 "TSCATTER",
                                                                 "TSCATTERM",
                                                                 "TSORT32",
                                                                 "TMRGSORT",
                                                                 "TTRANS",
                                                                 "TCONCAT",
                                                                 "TPUSH",
                                                                 "TPOP",
                                                                 "TFREE",
                                                                 "SREAD",
                                                                 "SWRITE",
                                                                 "SWORK",
                                                                 "DCCI",
                                                                 "SYNCALL",
                                                                 "TNOTIFY",
                                                                 "TWAIT"};

template <size_t N, class E>
std::string_view lookup(const std::array<std::string_view, N>& table, E e) {
  return table.at(static_cast<size_t>(e));
}

}  // namespace

std::string_view name(DType t) { return lookup(kDTypeNames, t); }
std::string_view name(MemSpace s) { return lookup(kSpaceNames, s); }
std::string_view name(Pipe p) { return lookup(kPipeNames, p); }
std::string_view name(CoreKind k) { return k == CoreKind::AIC ? "AIC" : "AIV"; }
std::string_view name(TaskKind k) { return lookup(kTaskKindNames, k); }
std::string_view name(Layout l) { return lookup(kLayoutNames, l); }
std::string_view name(RoundMode m) { return lookup(kRoundNames, m); }
std::string_view name(MaskPattern p) { return lookup(kMaskNames, p); }
std::string_view name(PadValue p) { return lookup(kPadNames, p); }
std::string_view name(CmpOp op) { return lookup(kCmpNames, op); }
std::string_view name(Opcode op) { return lookup(kOpcodeNames, op); }

DType dtype_from_name(std::string_view text) {
  constexpr std::array<std::string_view, kDTypes> torch_names = {
      "float32", "bfloat16", "float16", "int8",   "uint8",
      "int16",   "uint16",   "int32",   "uint32", "int64"};
  for (int i = 0; i < kDTypes; ++i)
    if (text == kDTypeNames[i] || text == torch_names[i]) return static_cast<DType>(i);
  throw Error("isa.unknown-dtype", "no data type is called '" + std::string(text) + "'");
}

BufferId TaskGraph::window_buffer(int32_t window) const {
  for (uint32_t i = 0; i < buffers.size(); ++i)
    if (buffers[i].window == window) return BufferId(i);
  return {};
}

int64_t TaskGraph::instruction_count() const {
  int64_t n = 0;
  for (const Task& t : tasks)
    for (const BlockCode& b : t.blocks)
      n += static_cast<int64_t>(b.aic.instrs.size() + b.aiv[0].instrs.size() +
                                b.aiv[1].instrs.size());
  return n;
}

}  // namespace isa
