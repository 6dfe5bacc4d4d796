// Every host instruction set gives the same bits for the same program; threads do not disturb it.
#include <thread>

#include "support.h"

using namespace isa_test;

namespace {

/// A little of everything: projection, quantisation, softmax, norm and rope on random data.
std::vector<uint8_t> program(uint32_t seed) {
  Random random(seed);
  std::vector<uint8_t> trace;
  const auto keep = [&](const Tile& t) {
    trace.insert(trace.end(), t.bytes.begin(), t.bytes.end());
  };
  Tile x(DType::BF16, 17, 300), w(DType::BF16, 300, 130), y(DType::F32, 17, 130);
  fill_ordinary(x, random);
  fill_ordinary(w, random);
  isa::matmul(y.view, x.view, w.view, false, false);
  keep(y);
  Tile squares(DType::F32, 17, 130), stats = column(DType::F32, 17);
  run(Opcode::TMUL, squares, {&y, &y});
  run(Opcode::TROWSUM, stats, {&squares});
  isa::Attr attr;
  attr.imm = 1.0 / 130;
  run(Opcode::TMULS, stats, {&stats}, attr);
  run(Opcode::TRSQRT, stats, {&stats});
  run(Opcode::TROWEXPANDMUL, y, {&y, &stats});
  keep(y);
  Tile e(DType::F32, 17, 130), h(DType::F16, 17, 130), q(DType::I8, 17, 130),
      n(DType::I32, 17, 130), b(DType::BF16, 17, 130);
  run(Opcode::TEXP, e, {&y});
  keep(e);
  attr.imm = 20;
  run(Opcode::TMULS, squares, {&y}, attr);
  attr.round = RoundMode::Rint;
  run(Opcode::TCVT, n, {&squares}, attr);
  attr.round = RoundMode::Round;
  run(Opcode::TCVT, h, {&n}, attr);
  attr.round = RoundMode::Trunc;
  run(Opcode::TCVT, q, {&h}, attr);
  run(Opcode::TCVT, b, {&e}, attr);
  run(Opcode::TADD, h, {&h, &h});
  for (const Tile* t : {&n, &h, &q, &b}) keep(*t);
  Tile wq(DType::I8, 130, 130), z(DType::I32, 17, 130), f(DType::F32, 17, 130);
  fill_ordinary(wq, random);
  isa::matmul(z.view, q.view, wq.view, true, false);
  run(Opcode::TCVT, f, {&z});
  run(Opcode::TABS, f, {&f});
  run(Opcode::TLOG, f, {&f});
  run(Opcode::TROWMAX, stats, {&f});
  keep(f);
  keep(stats);
  return trace;
}

}  // namespace

TEST_CASE("the host's instruction set can be named, forced and released") {
  const std::vector<std::string> available = host_isas();
  REQUIRE(!available.empty());
  CHECK(isa::host_isa() == available.back());  // the best one by default
  for (const std::string& name : available) {
    isa::force_host_isa(name.c_str());
    CHECK(isa::host_isa() == name);
  }
  CHECK(error_id([] { isa::force_host_isa("x86-64-v9"); }) == "isa.host-isa");
  CHECK(isa::host_isa() == available.back());  // a refused name changes nothing
  isa::force_host_isa(nullptr);
  CHECK(isa::host_isa() == available.back());
}

TEST_CASE("a mixed program has the same bits on every host") {
  const std::vector<uint8_t> want = program(42);
  CHECK(want != program(43));
  on_every_host([&] { CHECK(program(42) == want); });
}

TEST_CASE("threads do not disturb each other") {
  std::vector<std::vector<uint8_t>> results(4);
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < 4; ++i)
    threads.emplace_back([&results, i] { results[i] = program(100 + i); });
  for (std::thread& t : threads) t.join();
  for (uint32_t i = 0; i < 4; ++i) CHECK(results[i] == program(100 + i));
}
