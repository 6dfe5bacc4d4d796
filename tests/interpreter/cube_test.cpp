// L1, L0 and FIXPIPE: loads with re-layout, extraction, products, conversion on the way out.
#include "graph_maker.h"
#include "isa/numerics.h"

using namespace maker;

namespace {

TileOperand l1(uint32_t addr, DType t, int r, int c, Layout l = Layout::NZ) {
  return tile(MemSpace::L1, addr, t, r, c, l);
}
TileOperand l0a(DType t, int r, int c, Layout l = Layout::ZZ) {
  return tile(MemSpace::L0A, 0, t, r, c, l);
}
TileOperand l0b(DType t, int r, int c) { return tile(MemSpace::L0B, 0, t, r, c, Layout::ZN); }
TileOperand l0c(DType t, int r, int c) { return tile(MemSpace::L0C, 0, t, r, c, Layout::NZ); }

I extract(const TileOperand& to, const TileOperand& from, bool trans_b = false) {
  I i(Opcode::TEXTRACT, Pipe::MTE1);
  i.to(to).from(from);
  i.attr.trans_b = trans_b;
  return i;
}
I mad(const TileOperand& c, const TileOperand& a, const TileOperand& b, bool acc) {
  return I(acc ? Opcode::TMATMUL_ACC : Opcode::TMATMUL, Pipe::M).to(c).from(a).from(b);
}

std::vector<int8_t> bytes(int n, int mod) {
  std::vector<int8_t> v;
  for (int i = 0; i < n; ++i) v.push_back(static_cast<int8_t>((i * 37 + i / 11) % mod - mod / 2));
  return v;
}

/// a [m,k] x b, by the definition; b is [k,n], or [n,k] with trans.
std::vector<int32_t> product(const std::vector<int8_t>& a, const std::vector<int8_t>& b, int m,
                             int k, int n, bool trans) {
  std::vector<int32_t> c(static_cast<size_t>(m * n), 0);
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j)
      for (int x = 0; x < k; ++x)
        c[size_t(i * n + j)] += a[size_t(i * k + x)] * b[size_t(trans ? j * k + x : x * n + j)];
  return c;
}

}  // namespace

TEST_CASE("int8 product in two K steps, B as [K,N] or [N,K], either L0A layout") {
  const bool trans = GENERATE(false, true);
  const Layout a_layout = GENERATE(Layout::ZZ, Layout::NZ);
  const int m = 20, k = 64, n = 48, step = 32;
  const auto a = bytes(m * k, 17), b = bytes(k * n, 13);
  Program p;
  const GmAccess ga = p.buffer("a", DType::I8, m, k, a);
  const GmAccess gb = trans ? p.buffer("b", DType::I8, n, k, b) : p.buffer("b", DType::I8, k, n, b);
  const GmAccess gc = p.empty("c", DType::I32, m, n);
  const TileOperand la = l1(0, DType::I8, m, k);
  const TileOperand lb = trans ? l1(8192, DType::I8, n, k) : l1(8192, DType::I8, k, n);
  std::vector<Instr> instrs{load(la, ga), load(lb, gb)};
  for (int s = 0; s < k; s += step) {
    const TileOperand fa = l0a(DType::I8, m, step, a_layout), fb = l0b(DType::I8, step, n);
    instrs.push_back(extract(fa, window(la, 0, s, m, step)));
    instrs.push_back(
        extract(fb, trans ? window(lb, 0, s, n, step) : window(lb, s, 0, step, n), trans));
    instrs.push_back(mad(l0c(DType::I32, m, n), fa, fb, s != 0));
  }
  instrs.push_back(store(l0c(DType::I32, m, n), gc, Pipe::FIX));
  p.block().aic = serial(instrs);
  p.run();
  CHECK(p.contents<int32_t>(gc) == product(a, b, m, k, n, trans));
}

TEST_CASE("a transposed L1 tile (ZN) feeds L0B like an NZ one") {
  const int m = 16, k = 32, n = 32;
  const auto a = bytes(m * k, 9), b = bytes(k * n, 7);
  Program p;
  const GmAccess ga = p.buffer("a", DType::I8, m, k, a), gb = p.buffer("b", DType::I8, k, n, b);
  const GmAccess gc = p.empty("c", DType::I32, m, n);
  const TileOperand la = l1(0, DType::I8, m, k), lb = l1(4096, DType::I8, k, n, Layout::ZN);
  I move_b(Opcode::TMOV, Pipe::MTE1);
  p.block().aic =
      serial({load(la, ga), load(lb, gb), extract(l0a(DType::I8, m, k), la),
              move_b.to(l0b(DType::I8, k, n)).from(lb),
              mad(l0c(DType::I32, m, n), l0a(DType::I8, m, k), l0b(DType::I8, k, n), false),
              store(l0c(DType::I32, m, n), gc, Pipe::FIX)});
  p.run();
  CHECK(p.contents<int32_t>(gc) == product(a, b, m, k, n, false));
}

TEST_CASE("FIXPIPE converts fp32 to bf16 and adds atomically, blocks in order") {
  const int m = 16, k = 16, n = 16;
  std::vector<uint16_t> a(size_t(m * k)), b(size_t(k * n), 0);
  for (int i = 0; i < m * k; ++i) a[size_t(i)] = f32_to_bf16(static_cast<float>(i % 23) * 0.25f);
  for (int i = 0; i < k; ++i) b[size_t(i * n + i)] = f32_to_bf16(3.0f);  // 3 x identity
  Program p;
  const GmAccess ga = p.buffer("a", DType::BF16, m, k, a), gb = p.buffer("b", DType::BF16, k, n, b);
  const GmAccess converted = p.empty("converted", DType::BF16, m, n);
  const GmAccess sum = p.buffer("sum", DType::F32, m, n, std::vector<float>(size_t(m * n), 1.0f));
  const TileOperand la = l1(0, DType::BF16, m, k), lb = l1(4096, DType::BF16, k, n);
  I add = store(l0c(DType::F32, m, n), sum, Pipe::FIX);
  add.attr.atomic = true;
  for (int block = 0; block < 3; ++block)
    p.block().aic =
        serial({load(la, ga), load(lb, gb), extract(l0a(DType::BF16, m, k), la),
                extract(l0b(DType::BF16, k, n), lb),
                mad(l0c(DType::F32, m, n), l0a(DType::BF16, m, k), l0b(DType::BF16, k, n), false),
                store(l0c(DType::F32, m, n), converted, Pipe::FIX), add});
  p.run();
  const auto c = p.contents<uint16_t>(converted);
  const auto s = p.contents<float>(sum);
  for (int i = 0; i < m * n; ++i) {
    const float x = static_cast<float>(i % 23) * 0.75f;  // exact in bf16
    REQUIRE(bf16_to_f32(c[size_t(i)]) == x);
    REQUIRE(s[size_t(i)] == 1.0f + 3 * x);
  }
}

TEST_CASE("rows past the tensor are zero in L1 and need not be stored") {
  const int m = 5, k = 32, n = 16;
  const auto a = bytes(m * k, 9), b = bytes(k * n, 7);
  Program p;
  const GmAccess ga = p.buffer("a", DType::I8, m, k, a), gb = p.buffer("b", DType::I8, k, n, b);
  const GmAccess gc = p.empty("c", DType::I32, 16, n);
  const TileOperand la = l1(0, DType::I8, 16, k), lb = l1(4096, DType::I8, k, n);
  p.block().aic =
      serial({load(la, ga), load(lb, gb), extract(l0a(DType::I8, 16, k), la),
              extract(l0b(DType::I8, k, n), lb),
              mad(l0c(DType::I32, 16, n), l0a(DType::I8, 16, k), l0b(DType::I8, k, n), false),
              store(l0c(DType::I32, 16, n), gc, Pipe::FIX)});
  p.run();
  auto expected = product(a, b, m, k, n, false);
  expected.resize(16 * n, 0);
  CHECK(p.contents<int32_t>(gc) == expected);
}

TEST_CASE("a valid part smaller than the accumulator leaves the rest unwritten") {
  const int m = 5, k = 32, n = 16;
  Program p;
  const GmAccess ga = p.buffer("a", DType::I8, m, k, bytes(m * k, 9));
  const GmAccess gb = p.buffer("b", DType::I8, k, n, bytes(k * n, 7));
  const GmAccess gc = p.empty("c", DType::I32, 16, n);
  const TileOperand la = valid(l1(0, DType::I8, 16, k), m, k), lb = l1(4096, DType::I8, k, n);
  const TileOperand fa = valid(l0a(DType::I8, 16, k), m, k);
  p.block().aic =
      serial({load(la, ga), load(lb, gb), extract(fa, la), extract(l0b(DType::I8, k, n), lb),
              mad(l0c(DType::I32, 16, n), fa, l0b(DType::I8, k, n), false),
              store(l0c(DType::I32, 16, n), gc, Pipe::FIX)});
  const std::string text = error_of("isa.uninitialised", [&] { p.run(); });
  CHECK(text.find("instr 5 TSTORE: src0 L0C tile [16x16] INT32 at 0x0") != std::string::npos);
}
