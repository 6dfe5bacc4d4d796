#include "apps/verify_lowering.h"

#include <fmt/format.h>

#include "isa/interpreter.h"
#include "lang/gm_storage.h"

namespace app {
namespace {

/// GM before the run: inputs as given, everything else unwritten.
isa::GmImage initial_image(const pl::RecordedProgram& program, const isa::TaskGraph& graph) {
  isa::GmImage image;
  image.bytes.resize(graph.buffers.size());
  image.written.resize(graph.buffers.size());
  for (size_t i = 0; i < graph.buffers.size(); ++i) {
    const auto bytes = static_cast<size_t>(graph.buffers[i].bytes);
    const uint8_t* initial =
        i < program.storage.size() ? program.storage[i].initial.get() : nullptr;
    if (initial) {
      image.bytes[i].assign(initial, initial + bytes);
      image.written[i].assign(bytes, 1);
    } else {
      image.bytes[i].assign(bytes, 0);
      image.written[i].assign(bytes, 0);
    }
  }
  return image;
}

LoweringCheck compare(const pl::RecordedProgram& program, const isa::TaskGraph& graph,
                      const isa::GmImage& image) {
  for (size_t i = 0; i < program.storage.size(); ++i) {
    const uint8_t* eager = program.storage[i].data.get();
    if (eager == nullptr) continue;
    const isa::GmBuffer& buffer = graph.buffers[i];
    // What the lowered program never wrote must be what the eager run left untouched: poison.
    const uint8_t poison = *pl::allocate_gm(1, buffer.dtype, true);
    for (size_t b = 0; b < image.bytes[i].size(); ++b) {
      const bool written = image.written[i][b] != 0;
      if (eager[b] == (written ? image.bytes[i][b] : poison)) continue;
      return {false,
              fmt::format("{} at byte {}: eager {:02x}, lowered {}", buffer.name, b, eager[b],
                          written ? fmt::format("{:02x}", image.bytes[i][b]) : "never written")};
    }
  }
  return {true, ""};
}

}  // namespace

LoweringCheck verify_lowering(const pl::RecordedProgram& program, const isa::TaskGraph& graph,
                              const chips::Chip& chip) {
  isa::GmImage image = initial_image(program, graph);
  isa::interpret(graph, chip.memory, image);
  return compare(program, graph, image);
}

std::vector<LoweringCheck> verify_lowering(const std::vector<const pl::RecordedProgram*>& programs,
                                           const std::vector<const isa::TaskGraph*>& graphs,
                                           const chips::Chip& chip) {
  std::vector<isa::GmImage> images;
  for (size_t r = 0; r < programs.size(); ++r)
    images.push_back(initial_image(*programs[r], *graphs[r]));
  isa::interpret_ranks(graphs, chip.memory, images);
  std::vector<LoweringCheck> checks;
  for (size_t r = 0; r < programs.size(); ++r)
    checks.push_back(compare(*programs[r], *graphs[r], images[r]));
  return checks;
}

}  // namespace app
