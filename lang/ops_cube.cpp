// Matrix products.
#include "lang/op_common.h"

namespace pl {
namespace {

struct Product {
  Tile a, b;
  bool b_trans = false;
  int64_t rows = 0, cols = 0, valid_rows = 0, valid_cols = 0;
  DType dtype = DType::F32;
};

[[noreturn]] void refuse(const Tile& a, const Tile& b, bool b_trans, const std::string& why,
                         Site site) {
  fail("lang.matmul", site,
       "matmul of " + describe(a) + " and " + describe(b) + (b_trans ? " (transposed)" : "") +
           ": " + why);
}

Product check(Block& block, const Tile& a, const Tile& b, const MatmulOptions& options, Site site) {
  Product p;
  p.a = block.use(a, site);
  p.b = block.use_operand(b, site);
  p.b_trans = options.b_trans;
  if (p.b.transposed()) {  // the view and the option cancel out
    p.b = p.b.transposed_view();
    p.b_trans = !p.b_trans;
  }
  for (const Tile* t : {&p.a, &p.b})
    if (t->data()->info.space == TileSpace::Acc || t->data()->info.space == TileSpace::Vec)
      fail("lang.memory-space", site,
           "matmul operand " + describe(*t) + " was placed in " +
               (t->data()->info.space == TileSpace::Acc ? "Acc" : "Vec") +
               "; operands come from L1 (Mat) or are left to the compiler");
  if (p.a.dtype() != p.b.dtype()) refuse(p.a, p.b, p.b_trans, "different data types", site);
  switch (p.a.dtype()) {
    case DType::F32:
    case DType::BF16:
    case DType::F16:
      p.dtype = DType::F32;
      break;
    case DType::I8:
      p.dtype = DType::I32;
      break;
    default:
      refuse(p.a, p.b, p.b_trans, "the cube takes BF16, FP16, FP32 and INT8", site);
  }
  const int64_t k = p.b_trans ? p.b.cols() : p.b.rows();
  if (p.a.cols() != k)
    refuse(p.a, p.b, p.b_trans, "K is " + std::to_string(p.a.cols()) + " and " + std::to_string(k),
           site);
  p.rows = p.a.rows();
  p.cols = p.b_trans ? p.b.rows() : p.b.cols();
  p.valid_rows = p.a.valid_rows();
  p.valid_cols = p.b_trans ? p.b.valid_rows() : p.b.valid_cols();
  return p;
}

void run(Block& block, const Product& p, const Tile& acc, bool accumulate, Site site) {
  try {
    isa::matmul(acc.data()->view(acc.ref()), p.a.data()->view(p.a.ref()),
                p.b.data()->view(p.b.ref()), p.b_trans, accumulate);
  } catch (const isa::Error& e) {
    refuse(p.a, p.b, p.b_trans, e.what(), site);
  }
  acc.data()->from_cube = true;
  Op& op = block.append(accumulate ? isa::Opcode::TMATMUL_ACC : isa::Opcode::TMATMUL, site);
  op.attr.trans_b = p.b_trans;
  op.dst = acc.ref();
  op.n_src = 2;
  op.src[0] = p.a.ref();
  op.src[1] = p.b.ref();
}

/// True the first time a product goes into this window of a tile that create_tile left undefined.
bool starts(const Tile& acc) {
  TileData& data = *acc.data();
  if (!data.undefined) return false;
  for (const TileRef& window : data.started)
    if (same_window(window, acc.ref())) return false;
  data.started.push_back(acc.ref());
  return true;
}

}  // namespace

Tile matmul(const Tile& a, const Tile& b, MatmulOptions options, Site site) {
  Block& block = require_block("matmul", site);
  const Product p = check(block, a, b, options, site);
  Tile out = block.make(p.dtype, p.rows, p.cols, p.valid_rows, p.valid_cols, site);
  run(block, p, out, false, site);
  return out;
}

Tile matmul_acc(const Tile& acc, const Tile& a, const Tile& b, MatmulOptions options, Site site) {
  Block& block = require_block("matmul_acc", site);
  const Tile& dst = block.use(acc, site);
  const Product p = check(block, a, b, options, site);
  if (dst.data()->info.space == TileSpace::Vec || dst.data()->info.space == TileSpace::Mat)
    fail("lang.memory-space", site,
         "matmul_acc into " + describe(dst) + ", which was placed in " +
             (dst.data()->info.space == TileSpace::Vec ? "Vec" : "Mat") + " and not in Acc");
  if (dst.dtype() != p.dtype || dst.rows() != p.rows || dst.cols() != p.cols)
    refuse(p.a, p.b, p.b_trans,
           "the accumulator is " + describe(dst) + ", the product [" + std::to_string(p.rows) +
               "x" + std::to_string(p.cols) + "] " + std::string(isa::name(p.dtype)),
           site);
  const bool first = starts(dst) || options.init;
  run(block, p, dst, !first, site);
  return dst;
}

}  // namespace pl
