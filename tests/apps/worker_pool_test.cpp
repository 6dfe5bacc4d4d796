#include "apps/worker_pool.h"

#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <stdexcept>

#include "isa/error.h"

namespace apps_test {
namespace {

using app::JobOutcome;
using Jobs = std::vector<std::function<std::string()>>;

TEST_CASE("outcomes are in job order, more jobs than processes") {
  Jobs jobs;
  for (int i = 0; i < 9; ++i)
    jobs.push_back([i] {
      usleep(i % 3 == 0 ? 20000 : 0);  // later ones overtake
      return "job " + std::to_string(i);
    });
  for (int processes : {1, 2, 4, 50, 0}) {
    INFO(processes << " processes");
    int calls = 0;
    const auto outcomes =
        app::run_in_processes(jobs, processes, [&](int done) { CHECK(done == ++calls); });
    CHECK(calls == 9);
    REQUIRE(outcomes.size() == 9);
    for (size_t i = 0; i < 9; ++i) {
      CHECK(outcomes[i].ok);
      CHECK(outcomes[i].text == "job " + std::to_string(i));
      CHECK(outcomes[i].error.empty());
    }
  }
}

TEST_CASE("no jobs, no outcomes") { CHECK(app::run_in_processes({}, 2).empty()); }

TEST_CASE("jobs are processes: what they change stays with them") {
  int value = 1;
  const auto outcomes = app::run_in_processes({[&] {
                                                value = 2;
                                                return std::to_string(getpid());
                                              }},
                                              1);
  CHECK(value == 1);
  CHECK(outcomes[0].text != std::to_string(getpid()));
}

TEST_CASE("errors, exceptions and crashes are outcomes of their job alone") {
  const Jobs jobs = {[]() -> std::string { throw isa::Error("x.id", "scope s", "too big"); },
                     [] { return std::string("fine"); },
                     []() -> std::string { throw std::runtime_error("broken"); },
                     []() -> std::string {
                       raise(SIGKILL);
                       return "never";
                     },
                     []() -> std::string { _exit(3); },
                     [] { return std::string(); }};
  const auto outcomes = app::run_in_processes(jobs, 2);
  REQUIRE(outcomes.size() == 6);
  const auto failed = [&](size_t i, const std::string& why) {
    INFO("job " << i);
    CHECK_FALSE(outcomes[i].ok);
    CHECK(outcomes[i].error == why);
    CHECK(outcomes[i].text.empty());
  };
  failed(0, "scope s: too big [x.id]");
  failed(2, "broken");
  failed(3, "crashed (signal 9)");
  failed(4, "ended without an answer");
  CHECK((outcomes[1].ok && outcomes[1].text == "fine"));
  CHECK((outcomes[5].ok && outcomes[5].text.empty()));
}

TEST_CASE("long answers arrive whole") {
  const std::string text(3 << 20, 'z');
  const auto outcomes = app::run_in_processes({[&] { return text; }, [&] { return text; }}, 2);
  for (const JobOutcome& o : outcomes) CHECK((o.ok && o.text == text));
}

}  // namespace
}  // namespace apps_test
