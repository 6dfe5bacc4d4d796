// Task window, heap and dependency pool: in-order reclaim and what counts as a structural deadlock.
#include <catch2/catch.hpp>

#include "chips/chip.h"
#include "sim/rings.h"

using sim::RingEntry;
using sim::Rings;

namespace {

chips::Chip small_chip() {
  return chips::load_chip(
      "a2a3", "", {"runtime.task_window=4", "runtime.heap_bytes=4096", "runtime.dep_pool=8"});
}

Rings::Need need(int64_t heap = 0, int64_t deps = 0, int ring = 1) {
  Rings::Need n;
  n.ring = ring;
  n.heap_bytes = heap;
  n.deps = deps;
  return n;
}

}  // namespace

TEST_CASE("scope depth selects one of four rings") {
  CHECK(Rings::ring_of_depth(0) == 0);
  CHECK(Rings::ring_of_depth(2) == 2);
  CHECK(Rings::ring_of_depth(3) == 3);
  CHECK(Rings::ring_of_depth(64) == 3);
}

TEST_CASE("a window of four holds three tasks") {
  Rings rings(small_chip());
  for (int i = 0; i < 3; ++i) {
    CHECK(rings.blocked(need()) == Rings::Block::None);
    rings.allocate(need());
  }
  CHECK(rings.blocked(need()) == Rings::Block::Window);
  CHECK(rings.blocked(need(0, 0, 2)) == Rings::Block::None);  // another ring
}

TEST_CASE("heap and dependency pool fill to the byte and the entry") {
  Rings rings(small_chip());
  rings.allocate(need(4000, 5));
  CHECK(rings.blocked(need(96, 3)) == Rings::Block::None);
  CHECK(rings.blocked(need(97, 3)) == Rings::Block::Heap);
  CHECK(rings.blocked(need(96, 4)) == Rings::Block::DepPool);
}

TEST_CASE("an entry is reclaimed when complete, released and out of scope, in order") {
  Rings rings(small_chip());
  rings.begin_scope();
  const RingEntry a = rings.allocate(need(1024));
  const RingEntry b = rings.allocate(need(1024));
  rings.retain(a);
  SECTION("completion alone does not do") {
    CHECK_FALSE(rings.complete(a));
    CHECK_FALSE(rings.end_scope());
    CHECK_FALSE(rings.reclaimed(a));
    CHECK(rings.release(a));
    CHECK(rings.reclaimed(a));
  }
  SECTION("the younger entry waits for the older one") {
    CHECK_FALSE(rings.end_scope());
    CHECK_FALSE(rings.complete(b));
    CHECK_FALSE(rings.reclaimed(b));
    CHECK_FALSE(rings.complete(a));
    CHECK(rings.release(a));
    CHECK(rings.reclaimed(a));
    CHECK(rings.reclaimed(b));
    CHECK(rings.blocked(need(4096)) == Rings::Block::None);
  }
  SECTION("an open scope pins its entries") {
    rings.complete(a);
    rings.release(a);
    CHECK_FALSE(rings.reclaimed(a));
    CHECK(rings.end_scope());
    CHECK(rings.reclaimed(a));
  }
}

TEST_CASE("waiting cannot help while the head's scope is open, or for more than the ring has") {
  Rings rings(small_chip());
  CHECK(rings.structural(need(4097)));
  CHECK(rings.structural(need(0, 9)));
  CHECK_FALSE(rings.structural(need(4096, 8)));
  rings.begin_scope();
  CHECK(rings.depth() == 1);
  for (int i = 0; i < 3; ++i) rings.allocate(need());
  CHECK(rings.structural(need()));
  rings.end_scope();
  CHECK(rings.depth() == 0);
  CHECK_FALSE(rings.structural(need()));
  CHECK(rings.describe(need()).find("ring 1: 3 of 3 tasks") != std::string::npos);
}

TEST_CASE("the root scope ends with the orchestration") {
  Rings rings(small_chip());
  const RingEntry a = rings.allocate(need());
  rings.complete(a);
  CHECK_FALSE(rings.reclaimed(a));
  CHECK(rings.end_scope());
  CHECK(rings.reclaimed(a));
  CHECK(rings.depth() == 0);
}
