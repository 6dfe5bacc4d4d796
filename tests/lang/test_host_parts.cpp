// The host machinery under the language: threads, fibres, site tables, tile memory.
#include <atomic>
#include <numeric>

#include "lang/arena.h"
#include "lang/lockstep.h"
#include "lang/site_table.h"
#include "lang/support.h"
#include "lang/thread_pool.h"

TEST_CASE("a thread pool runs every index once") {
  for (int threads : {1, 2, 5}) {
    pl::ThreadPool pool(threads);
    for (int64_t n : {0, 1, 3, 1000}) {
      std::vector<std::atomic<int>> hits(static_cast<size_t>(n));
      pool.for_each(n, [&](int64_t i) { ++hits[static_cast<size_t>(i)]; });
      for (auto& h : hits) REQUIRE(h == 1);
    }
  }
}

TEST_CASE("a thread pool reports the lowest failing index and runs all before it") {
  for (int threads : {1, 4}) {
    pl::ThreadPool pool(threads);
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::vector<std::atomic<int>> hits(100);
      int64_t failed = -1;
      try {
        pool.for_each(100, [&](int64_t i) {
          ++hits[static_cast<size_t>(i)];
          if (i % 10 == 7) throw i;
        });
      } catch (int64_t i) {
        failed = i;
      }
      REQUIRE(failed == 7);
      for (size_t i = 0; i <= 7; ++i) REQUIRE(hits[i] == 1);
    }
    std::atomic<int> after{0};
    pool.for_each(10, [&](int64_t) { ++after; });  // usable afterwards
    CHECK(after == 10);
  }
}

TEST_CASE("lockstep runs phases in index order") {
  pl::Lockstep lockstep;
  std::string log;
  const bool matched = lockstep.run(
      3,
      [&](int64_t i) {
        for (int phase = 0; phase < 2; ++phase) {
          log += std::to_string(i);
          lockstep.barrier(i);
        }
        log += "e";
      },
      [&] { log += "|"; });
  CHECK(matched);
  CHECK(log == "012|012|eee");
}

TEST_CASE("lockstep ends when blocks disagree or fail") {
  {
    pl::Lockstep lockstep;
    CHECK_FALSE(lockstep.run(
        3,
        [&](int64_t i) {
          if (i < 2) lockstep.barrier(i);
        },
        [] {}));
  }
  pl::Lockstep lockstep;
  int finished = 0;
  CHECK_THROWS_AS(lockstep.run(
                      4,
                      [&](int64_t i) {
                        if (i == 2) throw 5;
                        lockstep.barrier(i);
                        ++finished;
                      },
                      [] {}),
                  int);
  CHECK(finished == 0);
}

TEST_CASE("a site table numbers sites in order of first use") {
  pl::SiteTable table;
  static const char file[] = "/some/where/kernel.cpp";
  for (int round = 0; round < 2; ++round)
    for (int line = 1; line <= 500; ++line)
      REQUIRE(table.intern({file, line}).value == static_cast<uint32_t>(line - 1));
  CHECK(table.sites().size() == 500);
  CHECK(pl::site_text(table.sites()[41]) == "kernel.cpp:42");
  CHECK(pl::site_text({"plain.cpp", 7}) == "plain.cpp:7");
}

TEST_CASE("tile memory is aligned and reused") {
  for (size_t bytes : {size_t{1}, size_t{64}, size_t{65}, size_t{4096}, size_t{1} << 20}) {
    auto* p = static_cast<uint8_t*>(pl::arena_allocate(bytes));
    CHECK(reinterpret_cast<uintptr_t>(p) % 64 == 0);
    p[0] = p[bytes - 1] = 7;
    pl::arena_release(p, bytes);
    auto* q = pl::arena_allocate(bytes);
#if !defined(__SANITIZE_ADDRESS__)
    CHECK(q == p);
#endif
    pl::arena_release(q, bytes);
  }
}
