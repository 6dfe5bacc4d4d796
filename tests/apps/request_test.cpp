#include "apps/request.h"

#include <catch2/catch.hpp>

#include "apps/run_cli.h"

namespace apps_test {
namespace {

using app::Settings;

TEST_CASE("a setting is a name, the first '=' and a value") {
  CHECK(app::parse_setting("era=p578") == std::pair<std::string, std::string>("era", "p578"));
  CHECK(app::parse_setting("a=b=c") == std::pair<std::string, std::string>("a", "b=c"));
}

TEST_CASE("error cli.setting") {
  for (const char* text : {"", "=", "era", "era=", "=p578"}) {
    INFO(text);
    CHECK(error_id([&] { app::parse_setting(text); }) == "cli.setting");
  }
  CHECK(error_id([] { app::parse_settings({"a=1", "b"}); }) == "cli.setting");
  CHECK(error_id([] { app::parse_settings({"a=1,"}); }) == "cli.setting");
}

TEST_CASE("settings keep their order over commas and repetitions") {
  CHECK(app::parse_settings({}).empty());
  CHECK(app::parse_settings({"b=1,a=2", "b=3"}) == Settings{{"b", "1"}, {"a", "2"}, {"b", "3"}});
}

TEST_CASE("a variation is a knob and its values") {
  const app::Vary one = app::parse_vary("stage=2"), three = app::parse_vary("n=32,64,128");
  CHECK(one.knob == "stage");
  CHECK(one.values == std::vector<std::string>{"2"});
  CHECK(three.knob == "n");
  CHECK(three.values == std::vector<std::string>{"32", "64", "128"});
}

TEST_CASE("error cli.vary") {
  for (const char* text : {"", "=", "n", "n=", "=1,2", "n=,1", "n=1,", "n=1,,2"}) {
    INFO(text);
    CHECK(error_id([&] { app::parse_vary(text); }) == "cli.vary");
  }
}

TEST_CASE("the grid has every combination, the last knob fastest") {
  CHECK(app::grid({}) == std::vector<Settings>{{}});
  CHECK(app::grid({{"a", {"1", "2"}}, {"b", {"x", "y", "z"}}}) ==
        std::vector<Settings>{{{"a", "1"}, {"b", "x"}},
                              {{"a", "1"}, {"b", "y"}},
                              {{"a", "1"}, {"b", "z"}},
                              {{"a", "2"}, {"b", "x"}},
                              {{"a", "2"}, {"b", "y"}},
                              {{"a", "2"}, {"b", "z"}}});
}

}  // namespace
}  // namespace apps_test
