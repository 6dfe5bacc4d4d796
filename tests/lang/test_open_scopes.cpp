// Scopes, lanes, runtime scopes and tensors as a front end without callables drives them.
#include <optional>

#include "lang/support.h"

using namespace test;
using pl::Tensor;
using pl::Tile;

namespace {

/// The same program both ways; a scale of two per block and a lane loop.
void with_callables(const Tensor& x, const Tensor& y) {
  pl::auto_scope([&] {
    pl::spmd(3, {"twice"}, [&](int64_t b) {
      const Tile t = pl::load(x, {b, 0}, {1, 16});
      pl::split_aiv([&](int64_t lane) {
        pl::store(pl::mul(pl::slice(t, 0, 8 * lane, 1, 8), 2.0), {b, 8 * lane}, y);
      });
    });
  });
}

void by_hand(const Tensor& x, const Tensor& y) {
  pl::RuntimeScope runtime(false);
  pl::OpenScope scope(3, {"twice"});
  while (scope.next_block()) {
    const int64_t b = scope.block();
    const Tile t = pl::load(x, {b, 0}, {1, 16});
    pl::LaneLoop lanes;
    while (lanes.next())
      pl::store(pl::mul(pl::slice(t, 0, 8 * lanes.lane(), 1, 8), 2.0), {b, 8 * lanes.lane()}, y);
  }
  scope.close();
}

std::string program_without_lines(void (*body)(const Tensor&, const Tensor&)) {
  pl::Session s("p");
  const Tensor x =
      s.input("x", DType::F32, {3, 16},
              host(DType::F32, sequence(48, [](int64_t i) { return static_cast<double>(i); })));
  const Tensor y = s.output("y", DType::F32, {3, 16});
  body(x, y);
  pl::RecordedProgram p = s.finish();
  for (std::string& site : p.sites) site.clear();
  return dump(p);
}

}  // namespace

TEST_CASE("a program driven by hand is the program of the callables") {
  CHECK(program_without_lines(by_hand) == program_without_lines(with_callables));
}

TEST_CASE("an open scope knows its task, its block and whether something happened") {
  pl::Session s("p");
  pl::at({"first"}, [] {});
  pl::OpenScope scope(2, {"second"});
  CHECK(scope.task().value == 1);
  REQUIRE(scope.next_block());
  CHECK(scope.block() == 0);
  CHECK_FALSE(scope.has_recorded());
  pl::full(8, 8, DType::F32, 1);
  CHECK(scope.has_recorded());
  CHECK(error_of([&] { scope.close(); }).id() == "lang.scope-closed");
}

TEST_CASE("a scope closes after its last block and only once") {
  pl::Session s("p");
  pl::OpenScope scope(1, {"s"});
  REQUIRE(scope.next_block());
  CHECK_FALSE(scope.next_block());
  CHECK(scope.close().value == 0);
  CHECK(error_of([&] { scope.close(); }).id() == "lang.scope-closed");
  CHECK(error_of([&] { scope.next_block(); }).id() == "lang.scope-closed");
  CHECK(s.finish().scopes.size() == 1);
}

TEST_CASE("an abandoned scope leaves no task and no running block") {
  pl::Session s("p");
  {
    pl::OpenScope scope(2, {"lost"});
    scope.next_block();
    pl::full(8, 8, DType::F32, 1);
  }
  CHECK(error_of([] { pl::get_block_idx(); }).id() == "lang.outside-scope");
  CHECK(pl::at({"kept"}, [] {}).value == 0);
  CHECK(s.finish().scopes.size() == 1);
}

TEST_CASE("loops, lanes and runtime scopes may outlive the session that failed") {
  std::optional<pl::RuntimeScope> runtime;
  std::optional<pl::LoopRange> loop;
  std::optional<pl::LaneLoop> lanes;
  {
    pl::Session s("failed");
    runtime.emplace(true);
    pl::OpenScope scope(1, {"s"});
    scope.next_block();
    loop.emplace(pl::LoopKind::Range, 0, 4, 1, 1, isa::Site::here());
    loop->begin();
    lanes.emplace();
    lanes->next();
  }
  pl::Session next("next");
  pl::at({"s"}, [&] {
    lanes.reset();
    loop.reset();
    runtime.reset();
    pl::full(8, 8, DType::F32, 1);
  });
  const pl::RecordedProgram p = next.finish();
  CHECK(p.scopes[0].blocks[0].ops.size() == 1);
  CHECK(p.orchestration.size() == 1);
}

TEST_CASE("an output in the caller's memory is written in place and counts as written") {
  const std::shared_ptr<uint8_t> bytes = host(DType::F32, std::vector<double>(32, 5.0));
  pl::Session s("p");
  const Tensor y = s.output("y", DType::F32, {2, 16}, bytes);
  pl::at({"s"}, [&] { pl::store(pl::add(pl::load(y, {0, 0}, {1, 16}), 1.0), {1, 0}, y); });
  const pl::RecordedProgram p = s.finish();
  CHECK(p.diagnostics.empty());
  CHECK(element(bytes.get(), DType::F32, 0) == 5.0);
  CHECK(element(bytes.get(), DType::F32, 16) == 6.0);
}

TEST_CASE("inputs that a program writes become in/out where the session allows it") {
  const auto write_input = [](const pl::SessionOptions& options) {
    pl::Session s("p", options);
    const Tensor x = s.input("x", DType::I32, {16}, host(DType::I32, std::vector<double>(16, 1)));
    pl::at({"s"}, [&] { pl::write_int(x, {3}, 7); });
    return s.finish();
  };
  CHECK(error_of([&] { write_input({}); }).id() == "lang.read-only");
  pl::SessionOptions options;
  options.inputs_may_be_written = true;
  SECTION("with the bytes from before") {
    const pl::RecordedProgram p = write_input(options);
    CHECK(p.buffers[0].role == isa::BufferRole::InOut);
    CHECK(element(p.storage[0].data.get(), DType::I32, 3) == 7);
    CHECK(element(p.storage[0].initial.get(), DType::I32, 3) == 1);
  }
  SECTION("without a second copy") {
    options.keep_initial = false;
    CHECK(write_input(options).storage[0].initial == nullptr);
  }
}

TEST_CASE("orchestration sees a tile of an earlier scope as its GM temporary") {
  pl::Session s("p");
  Tile t;
  pl::at({"make"}, [&] { t = pl::full(4, 16, DType::F32, 3); });
  const Tensor gm = pl::spill(t);
  CHECK(gm.shape() == pl::Dims{4, 16});
  CHECK(pl::spill(t).buffer() == gm.buffer());  // one temporary, however often it is asked for
  CHECK(element(s.data(gm), DType::F32, 63) == 3);
  pl::at({"use"}, [&] {
    CHECK(error_of([&] { pl::spill(t); }).id() == "lang.inside-scope");
    pl::load(gm.view({2, 0}, {1, 16}));
  });
  CHECK(opcode_names(s.finish().scopes[0].blocks[0]) ==
        std::vector<std::string>{"TEXPANDS", "TSTORE"});
}

TEST_CASE("a tile of a launch of several blocks has no GM temporary") {
  pl::Session s("p");
  Tile t;
  pl::spmd(2, {"make"}, [&](int64_t b) {
    if (b == 1) t = pl::full(4, 16, DType::F32, 3);
  });
  CHECK(error_of([&] { pl::spill(t); }).id() == "lang.outside-its-block");
  CHECK(error_of([&] { pl::spill(Tile{}); }).id() == "lang.no-tile");
}
