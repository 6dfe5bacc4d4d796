#include "tests/lower/verify.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "isa/interpreter.h"

namespace lower_test {
namespace {

isa::GmImage image_before(const isa::TaskGraph& graph, const pl::RecordedProgram& program) {
  isa::GmImage gm;
  for (size_t i = 0; i < graph.buffers.size(); ++i) {
    const auto bytes = static_cast<size_t>(graph.buffers[i].bytes);
    const bool ring = i >= program.buffers.size();
    const uint8_t* initial = ring ? nullptr : program.storage[i].initial.get();
    std::vector<uint8_t>& now = gm.bytes.emplace_back(bytes, uint8_t{0x5a});
    if (initial != nullptr) std::memcpy(now.data(), initial, bytes);
    gm.written.emplace_back(bytes, initial != nullptr ? uint8_t{1} : uint8_t{0});
  }
  return gm;
}

}  // namespace

lower::Result lower_and_verify(const pl::RecordedProgram& program, const chips::Chip& chip,
                               const lower::Options& options) {
  lower::Result result = lower::lower(program, chip, options);
  isa::GmImage gm = image_before(result.graph, program);
  isa::interpret(result.graph, chip.memory, gm);
  for (size_t i = 0; i < program.buffers.size(); ++i) {
    const uint8_t* eager = program.storage[i].data.get();
    size_t differing = 0;
    for (size_t b = 0; b < gm.bytes[i].size(); ++b)
      differing += gm.written[i][b] != 0 && gm.bytes[i][b] != eager[b];
    INFO("buffer " << program.buffers[i].name);
    REQUIRE(differing == 0);
  }
  return result;
}

}  // namespace lower_test
