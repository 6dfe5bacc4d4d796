// What execute, load, store and the scalar accessors refuse, and how they say it.
#include "support.h"

using namespace isa_test;

namespace {

std::string id(Opcode op, const Tile& dst, const std::vector<const Tile*>& src,
               const isa::Attr& attr = {}) {
  return error_id([&] { run(op, dst, src, attr); });
}

}  // namespace

TEST_CASE("types an instruction does not take") {
  const Tile f(DType::F32, 4, 8), h(DType::F16, 4, 8), b(DType::BF16, 4, 8), i(DType::I32, 4, 8),
      q(DType::I8, 4, 8), s(DType::I16, 4, 8), u(DType::U32, 4, 8);
  for (const Opcode op :
       {Opcode::TADD, Opcode::TSUB, Opcode::TMUL, Opcode::TDIV, Opcode::TMAX, Opcode::TMIN}) {
    CAPTURE(name(op));
    CHECK(id(op, f, {&f, &h}) == "isa.dtype");
    CHECK(id(op, h, {&f, &f}) == "isa.dtype");
    CHECK(id(op, b, {&b, &b}) == "isa.dtype");
    CHECK(id(op, q, {&q, &q}) == "isa.dtype");
    CHECK(id(op, s, {&s, &s}) == "");
  }
  for (const Opcode op :
       {Opcode::TADDS, Opcode::TSUBS, Opcode::TMULS, Opcode::TDIVS, Opcode::TMAXS, Opcode::TMINS}) {
    CAPTURE(name(op));
    CHECK(id(op, b, {&b}) == "isa.dtype");
    CHECK(id(op, h, {&f}) == "isa.dtype");
  }
  for (const Opcode op : {Opcode::TEXP, Opcode::TLOG, Opcode::TSQRT, Opcode::TRSQRT}) {
    CAPTURE(name(op));
    CHECK(id(op, i, {&i}) == "isa.dtype");
    CHECK(id(op, h, {&f}) == "isa.dtype");
  }
  const Tile other(DType::I32, 4, 8);
  CHECK(id(Opcode::TRECIP, other, {&i}) == "isa.dtype");
  const Tile col = column(DType::F32, 4), hcol = column(DType::F16, 4), row(DType::F32, 1, 8),
             hrow(DType::F16, 1, 8);
  CHECK(id(Opcode::TROWEXPANDMUL, f, {&f, &hcol}) == "isa.dtype");
  CHECK(id(Opcode::TCOLEXPANDMUL, f, {&f, &hrow}) == "isa.dtype");
  CHECK(id(Opcode::TCOLEXPANDEXPDIF, i, {&i, &i}) == "isa.dtype");
  CHECK(id(Opcode::TROWEXPAND, h, {&col}) == "isa.dtype");
  CHECK(id(Opcode::TCOLEXPAND, h, {&row}) == "isa.dtype");
  CHECK(id(Opcode::TROWSUM, hcol, {&f}) == "isa.dtype");
  CHECK(id(Opcode::TCOLSUM, hrow, {&f}) == "isa.dtype");
  CHECK(id(Opcode::TROWSUM, column(DType::BF16, 4), {&b}) == "isa.dtype");
  CHECK(id(Opcode::TROWARGMAX, col, {&f}) == "isa.dtype");
  CHECK(id(Opcode::TCVT, q, {&f}) == "isa.dtype");  // no direct conversion
  CHECK(id(Opcode::TCVT, f, {&u}) == "isa.dtype");
  CHECK(id(Opcode::TMOV, h, {&b}) == "isa.dtype");
  CHECK(id(Opcode::TCI, f, {}) == "isa.dtype");
  CHECK(id(Opcode::TCMP, q, {&b, &b}) == "isa.dtype");
  CHECK(id(Opcode::TCMP, q, {&f, &i}) == "isa.dtype");
  CHECK(id(Opcode::TSEL, f, {&q, &f, &i}) == "isa.dtype");
  CHECK(id(Opcode::TGATHER, Tile(DType::F32, 4, 8), {&f, &h}) == "isa.dtype");
  CHECK(id(Opcode::TGATHER, Tile(DType::F16, 4, 8), {&f, &i}) == "isa.dtype");
  CHECK(id(Opcode::TSCATTER, f, {&f, &f}) == "isa.dtype");
  CHECK(id(Opcode::TSCATTER, h, {&f, &i}) == "isa.dtype");
  isa::Attr mask;
  mask.mask = isa::MaskPattern::P0101;
  CHECK(id(Opcode::TGATHERM, h, {&f}, mask) == "isa.dtype");
  CHECK(id(Opcode::TSCATTERM, h, {&f}, mask) == "isa.dtype");
  CHECK(id(Opcode::TSORT32, Tile(DType::F32, 4, 16), {&h, &u}) == "isa.dtype");
  CHECK(id(Opcode::TSORT32, Tile(DType::F32, 4, 16), {&f, &f}) == "isa.dtype");
  CHECK(id(Opcode::TSORT32, Tile(DType::I32, 4, 16), {&f, &u}) == "isa.dtype");
  CHECK(id(Opcode::TMRGSORT, Tile(DType::I32, 4, 16), {&f, &f}) == "isa.dtype");
  CHECK(id(Opcode::TMRGSORT, Tile(DType::F32, 4, 16), {&f, &i}) == "isa.dtype");
  CHECK(id(Opcode::TTRANS, Tile(DType::I32, 8, 4), {&f}) == "isa.dtype");
  CHECK(id(Opcode::TCONCAT, Tile(DType::F32, 4, 16), {&f, &i}) == "isa.dtype");
}

TEST_CASE("shapes that do not fit") {
  const Tile f(DType::F32, 4, 8), narrow(DType::F32, 4, 7), low(DType::F32, 3, 8),
      i(DType::I32, 4, 8);
  for (const Opcode op : {Opcode::TADD, Opcode::TMAX}) {
    CHECK(id(op, narrow, {&f, &f}) == "isa.shape");
    CHECK(id(op, low, {&f, &f}) == "isa.shape");
    CHECK(id(op, f, {&f, &narrow}) == "isa.shape");
    CHECK(id(op, f, {&f}) == "isa.shape");
    CHECK(id(op, f, {&narrow, &f}) == "");
  }
  CHECK(id(Opcode::TADDS, narrow, {&f}) == "isa.shape");
  CHECK(id(Opcode::TEXP, low, {&f}) == "isa.shape");
  CHECK(id(Opcode::TEXP, f, {}) == "isa.shape");
  CHECK(id(Opcode::TMOV, low, {&f}) == "isa.shape");
  CHECK(id(Opcode::TCVT, Tile(DType::I32, 4, 7), {&f}) == "isa.shape");
  const Tile col = column(DType::F32, 4), short_col = column(DType::F32, 3), row(DType::F32, 1, 7);
  const Tile strided(DType::F32, 4, 1, -1, -1, 7);
  CHECK(id(Opcode::TROWSUM, short_col, {&f}) == "isa.shape");
  CHECK(id(Opcode::TROWSUM, f, {&f}) == "isa.shape");
  CHECK(id(Opcode::TROWSUM, strided, {&f}) == "isa.shape");
  CHECK(id(Opcode::TROWARGMAX, column(DType::I32, 3), {&f}) == "isa.shape");
  CHECK(id(Opcode::TCOLSUM, row, {&f}) == "isa.shape");
  CHECK(id(Opcode::TROWEXPANDMUL, f, {&f, &short_col}) == "isa.shape");
  CHECK(id(Opcode::TROWEXPANDMUL, f, {&f, &strided}) == "isa.shape");
  CHECK(id(Opcode::TROWEXPANDMUL, low, {&f, &col}) == "isa.shape");
  CHECK(id(Opcode::TCOLEXPANDMUL, f, {&f, &row}) == "isa.shape");
  CHECK(id(Opcode::TROWEXPAND, f, {&short_col}) == "isa.shape");
  CHECK(id(Opcode::TROWEXPAND, low, {&f, &col}) == "isa.shape");
  CHECK(id(Opcode::TCOLEXPAND, f, {&row}) == "isa.shape");
  CHECK(id(Opcode::TFILLPAD, narrow, {&f}) == "isa.shape");
  CHECK(id(Opcode::TCMP, i, {&f, &low}) == "isa.shape");
  CHECK(id(Opcode::TCMPS, Tile(DType::I32, 4, 7), {&f}) == "isa.shape");
  CHECK(id(Opcode::TSEL, f, {&i, &f, &narrow}) == "isa.shape");
  CHECK(id(Opcode::TGATHER, narrow, {&f, &i}) == "isa.shape");
  CHECK(id(Opcode::TGATHER, Tile(DType::F32, 4, 8), {&low, &i}) == "isa.shape");
  CHECK(id(Opcode::TSCATTER, low, {&f, &i}) == "isa.shape");
  const Tile low_index(DType::I32, 3, 8);
  CHECK(id(Opcode::TSCATTER, f, {&f, &low_index}) == "isa.shape");
  isa::Attr mask;
  CHECK(id(Opcode::TGATHERM, f, {&f}, mask) == "isa.shape");  // no pattern
  CHECK(id(Opcode::TSCATTERM, f, {&f}, mask) == "isa.shape");
  mask.mask = isa::MaskPattern::P1010;
  CHECK(id(Opcode::TGATHERM, Tile(DType::F32, 4, 3), {&f}, mask) == "isa.shape");
  CHECK(id(Opcode::TSCATTERM, Tile(DType::F32, 4, 15), {&f}, mask) == "isa.shape");
  CHECK(id(Opcode::TSCATTERM, Tile(DType::F32, 4, 16), {&f}, mask) == "");
  CHECK(id(Opcode::TSORT32, Tile(DType::F32, 4, 15), {&f, &i}) == "isa.shape");
  CHECK(id(Opcode::TTRANS, Tile(DType::F32, 8, 3), {&f}) == "isa.shape");
  CHECK(id(Opcode::TCONCAT, Tile(DType::F32, 4, 15), {&f, &f}) == "isa.shape");
  CHECK(id(Opcode::TCONCAT, Tile(DType::F32, 4, 16), {&f, &low}) == "isa.shape");
  isa::Attr merge;
  CHECK(id(Opcode::TMRGSORT, Tile(DType::F32, 4, 8), {&f}, merge) ==
        "isa.shape");  // one list, no block_len
  merge.block_len = 3;
  CHECK(id(Opcode::TMRGSORT, Tile(DType::F32, 4, 8), {&f}, merge) == "isa.shape");
  merge.block_len = -2;
  CHECK(id(Opcode::TMRGSORT, Tile(DType::F32, 4, 8), {&f}, merge) == "isa.shape");
  merge.block_len = 2;
  CHECK(id(Opcode::TMRGSORT, Tile(DType::F32, 4, 8), {&narrow}, merge) == "isa.shape");
  CHECK(id(Opcode::TMRGSORT, Tile(DType::F32, 4, 7), {&f}, merge) == "isa.shape");
  CHECK(id(Opcode::TMRGSORT, Tile(DType::F32, 4, 8), {&f}, merge) == "");
  merge.block_len = 0;
  CHECK(id(Opcode::TMRGSORT, Tile(DType::F32, 4, 15), {&f, &f}, merge) == "isa.shape");
  CHECK(id(Opcode::TMRGSORT, Tile(DType::F32, 4, 40), {&f, &low}, merge) == "isa.shape");
  CHECK(id(Opcode::TMRGSORT, Tile(DType::F32, 4, 40), {&f, &f, &f, &f, &f}, merge) == "isa.shape");
  CHECK(error_id([&] { isa::execute(Opcode::TEXPANDS, {}, TileView{}, nullptr, 0); }) ==
        "isa.shape");
  CHECK(error_id([&] {
          const TileView nothing;
          isa::execute(Opcode::TEXP, {}, f.view, &nothing, 1);
        }) == "isa.shape");
}

TEST_CASE("opcodes of other pipes") {
  const Tile f(DType::F32, 4, 8), g(DType::F32, 4, 8);
  for (const Opcode op :
       {Opcode::TLOAD, Opcode::TSTORE, Opcode::TEXTRACT, Opcode::TMATMUL, Opcode::TMATMUL_ACC,
        Opcode::TPUSH, Opcode::TPOP, Opcode::TFREE, Opcode::SREAD, Opcode::SWRITE, Opcode::SWORK,
        Opcode::DCCI, Opcode::SYNCALL}) {
    CAPTURE(name(op));
    CHECK(id(op, f, {&g, &g}) == "isa.opcode");
  }
}

TEST_CASE("instructions that cannot write in place") {
  const Tile f(DType::F32, 8, 8), i(DType::I32, 8, 8);
  CHECK(id(Opcode::TRECIP, f, {&f}) == "isa.alias");
  CHECK(id(Opcode::TGATHER, f, {&f, &i}) == "isa.alias");
  CHECK(id(Opcode::TGATHER, i, {&f, &i}) == "isa.alias");
  CHECK(id(Opcode::TSORT32, f, {&f, &i}) == "isa.alias");
  CHECK(id(Opcode::TMRGSORT, f, {&f, &f}) == "isa.alias");
  CHECK(id(Opcode::TTRANS, f, {&f}) == "isa.alias");
  CHECK(id(Opcode::TCONCAT, f, {&f, &i}) == "isa.alias");
}

TEST_CASE("memory accesses that do not fit") {
  Tile f(DType::F32, 4, 8), h(DType::F16, 4, 8), i(DType::I32, 4, 8), q(DType::I8, 4, 8);
  isa::GmAccess gm;
  gm.buffer = isa::BufferId(0);
  gm.rows = 4;
  gm.cols = 8;
  gm.row_stride = 8;
  std::vector<uint8_t> bytes(1024);
  const auto load = [&](const Tile& t) {
    return error_id([&] { isa::load(t.view, gm, bytes.data()); });
  };
  const auto store = [&](const Tile& t, bool atomic = false) {
    return error_id([&] { isa::store(t.view, gm, bytes.data(), atomic); });
  };
  gm.dtype = DType::F32;
  CHECK(load(f) == "");
  CHECK(load(i) == "isa.dtype");
  CHECK(load(Tile(DType::F32, 3, 8)) == "isa.shape");
  CHECK(load(Tile(DType::F32, 4, 7)) == "isa.shape");
  CHECK(store(f) == "");
  CHECK(store(h) == "isa.dtype");
  CHECK(store(i) == "isa.dtype");
  gm.dtype = DType::F16;
  CHECK(store(f) == "");
  CHECK(store(h, true) == "isa.dtype");
  gm.dtype = DType::I8;
  CHECK(store(q, true) == "isa.dtype");
  CHECK(store(i) == "isa.dtype");
  CHECK(error_id([&] { isa::store(TileView{}, gm, bytes.data(), false); }) == "isa.shape");
  for (const auto& [r, c] :
       {std::pair(4, 0), std::pair(0, 8), std::pair(-1, 0), std::pair(0, -1)}) {
    CHECK(error_id([&] { isa::get_scalar(f.view, r, c); }) == "isa.shape");
    CHECK(error_id([&] { isa::set_scalar(f.view, r, c, 1); }) == "isa.shape");
  }
  CHECK(error_id([&] { isa::get_integer(bytes.data(), DType::F32); }) == "isa.dtype");
  CHECK(error_id([&] { isa::set_integer(bytes.data(), DType::BF16, 1); }) == "isa.dtype");
}

TEST_CASE("a message names the instruction and both shapes") {
  const Tile f(DType::F32, 4, 8, 3, 8), narrow(DType::F32, 4, 7);
  try {
    run(Opcode::TADD, narrow, {&f, &f});
    FAIL("not refused");
  } catch (const isa::Error& e) {
    CHECK(std::string(e.what()) ==
          "TADD: dst [4x7] FP32 (valid 4x7) cannot hold 3x8 elements [isa.shape]");
  }
}
