#include "tests/ranks/support.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "isa/interpreter.h"
#include "lower/lower.h"

namespace ranks_test {
namespace {

const uint8_t* data_of(const pl::RecordedProgram& p, const std::string& buffer) {
  for (size_t b = 0; b < p.buffers.size(); ++b)
    if (p.buffers[b].name == buffer) return p.storage[b].data.get();
  FAIL("no buffer " << buffer);
  return nullptr;
}

isa::GmImage image_before(const isa::TaskGraph& graph, const pl::RecordedProgram& program) {
  isa::GmImage gm;
  for (size_t i = 0; i < graph.buffers.size(); ++i) {
    const auto bytes = static_cast<size_t>(graph.buffers[i].bytes);
    const uint8_t* initial =
        i < program.buffers.size() ? program.storage[i].initial.get() : nullptr;
    gm.bytes.emplace_back(bytes, uint8_t{0x5a});
    if (initial != nullptr) std::memcpy(gm.bytes.back().data(), initial, bytes);
    gm.written.emplace_back(bytes, initial != nullptr ? uint8_t{1} : uint8_t{0});
  }
  return gm;
}

std::vector<const isa::TaskGraph*> pointers(const std::vector<isa::TaskGraph>& graphs) {
  std::vector<const isa::TaskGraph*> list;
  for (const isa::TaskGraph& g : graphs) list.push_back(&g);
  return list;
}

}  // namespace

std::vector<pl::RecordedProgram> record(pl::World& world, const Program& program) {
  std::vector<pl::RecordedProgram> programs(static_cast<size_t>(world.ranks()));
  world.run([&](int rank) {
    pl::Session session("ranks");
    program(session, rank);
    programs[static_cast<size_t>(rank)] = session.finish();
  });
  return programs;
}

std::shared_ptr<uint8_t> ramp(int64_t n, float first) {
  std::shared_ptr<uint8_t> bytes(new uint8_t[static_cast<size_t>(n) * 4],
                                 std::default_delete<uint8_t[]>());
  for (int64_t i = 0; i < n; ++i) {
    const float v = first + static_cast<float>(i);
    std::memcpy(bytes.get() + i * 4, &v, 4);
  }
  return bytes;
}

float f32(const pl::RecordedProgram& p, const std::string& buffer, int64_t i) {
  float v;
  std::memcpy(&v, data_of(p, buffer) + i * 4, 4);
  return v;
}

int32_t i32(const pl::RecordedProgram& p, const std::string& buffer, int64_t i) {
  int32_t v;
  std::memcpy(&v, data_of(p, buffer) + i * 4, 4);
  return v;
}

void barrier(const pl::Tensor& flags, int64_t round) {
  const int64_t me = pl::my_rank(), n = pl::rank_count();
  for (int64_t peer : pl::range(n))
    if (peer != me) pl::notify(flags, peer, {me, 0}, 1, pl::NotifyOp::AtomicAdd);
  for (int64_t peer : pl::range(n))
    if (peer != me) pl::wait(flags, {peer, 0}, round, pl::WaitCmp::Ge);
}

chips::Chip chip(const std::vector<std::string>& link) {
  std::vector<std::string> overrides;
  for (const std::string& l : link) overrides.push_back("link." + l);
  return chips::load_chip("a2a3", "", overrides);
}

std::vector<isa::TaskGraph> lower(const std::vector<pl::RecordedProgram>& programs,
                                  const chips::Chip& chip) {
  std::vector<isa::TaskGraph> graphs;
  for (const pl::RecordedProgram& p : programs) graphs.push_back(lower::lower(p, chip).graph);
  return graphs;
}

std::vector<isa::TaskGraph> lower_and_verify(const std::vector<pl::RecordedProgram>& programs,
                                             const chips::Chip& chip) {
  std::vector<isa::TaskGraph> graphs = lower(programs, chip);
  std::vector<isa::GmImage> images;
  for (size_t r = 0; r < programs.size(); ++r)
    images.push_back(image_before(graphs[r], programs[r]));
  isa::interpret_ranks(pointers(graphs), chip.memory, images);
  for (size_t r = 0; r < programs.size(); ++r)
    for (size_t i = 0; i < programs[r].buffers.size(); ++i) {
      const uint8_t* eager = programs[r].storage[i].data.get();
      size_t differing = 0;
      for (size_t b = 0; b < images[r].bytes[i].size(); ++b)
        differing += images[r].written[i][b] != 0 && images[r].bytes[i][b] != eager[b];
      INFO("rank " << r << " buffer " << programs[r].buffers[i].name);
      REQUIRE(differing == 0);
    }
  return graphs;
}

std::vector<traces::Timeline> replay(const std::vector<isa::TaskGraph>& graphs,
                                     const chips::Chip& chip) {
  sim::Options options;
  options.instructions = true;
  return sim::replay_ranks(pointers(graphs), chip, options);
}

std::vector<traces::InstrRow> rows(const traces::Timeline& t, isa::Opcode op) {
  std::vector<traces::InstrRow> found;
  for (const traces::InstrRow& r : t.instrs)
    if (r.opcode == static_cast<uint8_t>(op)) found.push_back(r);
  return found;
}

isa::Error error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const isa::Error& e) {
    return e;
  }
  FAIL("no error");
  return {"", ""};
}

}  // namespace ranks_test
