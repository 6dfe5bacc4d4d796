// Tensors that orchestration code assembles into larger ones: their producers write the large one.
#include "lang/fusion.h"

#include "lang/support.h"

using namespace test;
using pl::Tensor;
using pl::Tile;
using Kind = pl::OrchEvent::Kind;

namespace {

/// Fills `t` ([rows, cols]) with `value` in one scope.
void fill(const Tensor& t, double value) {
  pl::at({"fill"}, [&] {
    pl::store(pl::full(t.dim(0), t.dim(1), t.dtype(), value), {0, 0}, t);
  });
}

}  // namespace

TEST_CASE("tasks that fill an assembled tensor write the tensor it becomes a part of") {
  pl::Session s("test");
  const Tensor y = s.output("y", DType::F32, {4, 16});
  for (int64_t i : pl::range(2)) {
    const Tensor part = pl::create_tensor("part", {2, 8}, DType::F32);
    fill(part, static_cast<double>(10 + i));
    pl::assemble(y, part, {2 * i, 8 * i});
    // Uses after the assemble read the large tensor, too.
    pl::at({"reader"}, [&] { CHECK(grid(pl::load(part, {1, 0}, {1, 8}))[0][0] == 10 + i); });
  }
  const pl::RecordedProgram p = s.finish();
  const auto at = [&](int64_t r, int64_t c) {
    return element(p.storage[0].data.get(), DType::F32, r * 16 + c);
  };
  CHECK(at(0, 7) == 10);
  CHECK(at(1, 0) == 10);
  CHECK(at(2, 8) == 11);
  CHECK(at(3, 15) == 11);

  const pl::Op store = p.scopes[2].blocks[0].ops[1];
  CHECK(store.opcode == isa::Opcode::TSTORE);
  CHECK(store.gm.buffer.value == 0);
  CHECK(store.gm.offset == 2 * 16 + 8);
  CHECK(store.gm.row_stride == 16);
  CHECK(store.gm.rows == 2);
  const pl::Op load = p.scopes[3].blocks[0].ops[0];
  CHECK(load.gm.buffer.value == 0);
  CHECK(load.gm.offset == 3 * 16 + 8);
  for (const pl::OrchEvent& e : p.orchestration) CHECK(e.kind != Kind::Alloc);
}

TEST_CASE("what nobody has written of an assembled tensor leaves the target as it is") {
  pl::Session s("test");
  const Tensor y = s.output("y", DType::F32, {2, 16});
  fill(y, 5);
  const Tensor part = pl::create_tensor("part", {2, 8}, DType::F32);
  pl::at({"first"}, [&] { pl::store(pl::full(1, 8, DType::F32, 7), {0, 0}, part); });
  pl::assemble(y, part, {0, 8});
  const pl::RecordedProgram p = s.finish();
  CHECK(element(p.storage[0].data.get(), DType::F32, 8) == 7);
  CHECK(element(p.storage[0].data.get(), DType::F32, 16 + 8) == 5);
}

TEST_CASE("tensors assembled step by step, tiles of earlier scopes, leading axes") {
  pl::Session s("test");
  const Tensor y = s.output("y", DType::F32, {3, 2, 16});
  Tile t;
  pl::at({"maker"}, [&] { t = pl::full(2, 8, DType::F32, 3); });
  const Tensor half = pl::create_tensor("half", {2, 16}, DType::F32);
  pl::assemble(half, pl::spill(t), {0, 8});
  pl::assemble(y, half, {1, 0, 0});
  const pl::RecordedProgram p = s.finish();
  CHECK(element(p.storage[0].data.get(), DType::F32, 2 * 16 + 16 + 8) == 3);
  const pl::Op store = p.scopes[0].blocks[0].ops[1];
  CHECK(store.gm.buffer.value == 0);
  CHECK(store.gm.offset == 2 * 16 + 8);
  CHECK(store.gm.row_stride == 16);
}

TEST_CASE("what cannot become a part of a tensor") {
  pl::Session s("test");
  const Tensor y = s.output("y", DType::F32, {4, 16});
  const Tensor part = pl::create_tensor("part", {2, 8}, DType::F32);
  const auto id = [](const std::function<void()>& f) { return error_of(f).id(); };
  CHECK(id([&] { pl::assemble(part, y, {0, 0}); }) == "lang.assemble-source");
  CHECK(id([&] { pl::assemble(y, part.view({0, 0}, {1, 8}), {0, 0}); }) == "lang.assemble-source");
  CHECK(id([&] { pl::assemble(y, part, {3, 0}); }) == "lang.store-window");
  CHECK(id([&] { pl::assemble(y, pl::create_tensor({2, 8}, DType::I32), {0, 0}); }) ==
        "lang.dtype");
  CHECK(id([&] { pl::at({"in"}, [&] { pl::assemble(y, part, {0, 0}); }); }) == "lang.inside-scope");
  fill(part, 1);
  pl::assemble(y, part, {0, 0});
  const isa::Error twice = error_of([&] { pl::assemble(y, part, {2, 0}); });
  CHECK(std::string(twice.what()).find("'part' is a part of another tensor already") !=
        std::string::npos);
  fill(part, 2);
  const isa::Error late = error_of([&] { s.finish(); });
  CHECK(late.id() == "lang.assemble-source");
  CHECK(std::string(late.what()).find("written by scope fill after it was assembled") !=
        std::string::npos);
}

TEST_CASE("a use in a shape that is no window of the target") {
  pl::Session s("test");
  const Tensor y = s.output("y", DType::F32, {4, 16});
  const Tensor part = pl::create_tensor("part", {2, 8}, DType::F32);
  pl::at({"flat"}, [&] {
    pl::store(pl::full(1, 16, DType::F32, 1), {0, 0}, part.reshape({1, 16}));
  });
  pl::assemble(y, part, {0, 8});
  const isa::Error e = error_of([&] { s.finish(); });
  CHECK(e.id() == "lang.assemble-window");
  CHECK(e.where().find("test_fusion.cpp:") == 0);
}
