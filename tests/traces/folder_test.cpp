#include "traces/folder.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "traces/sample.h"
#include "traces/summary.h"

using namespace traces;
namespace fs = std::filesystem;

namespace {

/// A folder of the test's own, gone afterwards.
struct Scratch {
  fs::path root = fs::temp_directory_path() / ("traces_folder_test-" + std::to_string(::getpid()));
  Scratch() {
    fs::remove_all(root);
    fs::create_directories(root);
  }
  ~Scratch() { fs::remove_all(root); }
  std::string path(const std::string& name) const { return (root / name).string(); }
  std::set<std::string> entries() const {
    std::set<std::string> names;
    for (const auto& e : fs::recursive_directory_iterator(root))
      names.insert(fs::relative(e.path(), root).string());
    return names;
  }
};

std::string content(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string summary_text() {
  return summary_json(summarize(sample::timeline(), sample::graph(), {}));
}

}  // namespace

TEST_CASE("a committed folder is complete and leaves no traces beside it") {
  Scratch s;
  OutputFolder folder(s.path("out/"));
  folder.write("summary.json", summary_text());
  folder.write("dfx_outputs/deps.json", std::string("a\0b", 3));
  std::ofstream(folder.make_subfolder("outputs") + "/q.npy") << "q";
  CHECK_FALSE(fs::exists(s.path("out")));
  CHECK(folder.commit() == s.path("out"));
  CHECK(s.entries() == std::set<std::string>{"out", "out/summary.json", "out/dfx_outputs",
                                             "out/dfx_outputs/deps.json", "out/outputs",
                                             "out/outputs/q.npy"});
  CHECK(content(s.path("out/dfx_outputs/deps.json")) == std::string("a\0b", 3));
}

TEST_CASE("without commit nothing is left, not even folders made for it") {
  Scratch s;
  {
    OutputFolder folder(s.path("deep/er/out"));
    folder.write("summary.json", "{}");
  }
  CHECK(s.entries().empty());
}

TEST_CASE("an earlier output is replaced as a whole, and only on commit") {
  Scratch s;
  {
    OutputFolder first(s.path("out"));
    first.write("summary.json", summary_text());
    first.write("report/old.txt", "old");
    first.commit();
  }
  {
    OutputFolder failed(s.path("out"));
    failed.write("summary.json", "half");
  }
  CHECK(content(s.path("out/report/old.txt")) == "old");
  OutputFolder second(s.path("out"));
  second.write("summary.json", summary_text());
  second.commit();
  CHECK(s.entries() == std::set<std::string>{"out", "out/summary.json"});
}

TEST_CASE("what is not ours is not overwritten") {
  Scratch s;
  auto error = [&](const char* name, std::vector<std::string> own = {}) {
    return sample::error_id([&] { OutputFolder(s.path(name), own); });
  };
  fs::create_directories(s.path("theirs"));
  CHECK(error("theirs") == "");  // empty
  std::ofstream(s.path("theirs/thesis.txt")) << "work of years";
  CHECK(error("theirs") == "folder.not-ours");
  std::ofstream(s.path("theirs/summary.json")) << "{\"program\": \"something else\"}";
  CHECK(error("theirs") == "folder.not-ours");
  std::ofstream(s.path("theirs/summary.json")) << summary_text();
  CHECK(error("theirs") == "folder.not-ours");  // the thesis is still there
  CHECK(error("theirs", {"thesis.txt"}) == "");
  fs::remove(s.path("theirs/thesis.txt"));
  CHECK(error("theirs") == "");
  std::ofstream(s.path("file")) << "x";
  CHECK(error("file") == "folder.not-a-folder");
  CHECK(error("file/below") == "folder.create");
  CHECK(content(s.path("file")) == "x");
}

TEST_CASE("what appears during the run is not overwritten either") {
  Scratch s;
  OutputFolder folder(s.path("out"));
  folder.write("summary.json", "{}");
  fs::create_directories(s.path("out"));
  std::ofstream(s.path("out/notes")) << "x";
  CHECK(sample::error_id([&] { folder.commit(); }) == "folder.not-ours");
  CHECK(content(s.path("out/notes")) == "x");
}

TEST_CASE("paths that are none are refused") {
  Scratch s;
  for (const char* path : {"", "/", ".", "..", "a/.."})
    CHECK(sample::error_id([&] { OutputFolder folder(path); }) == "folder.path");
  OutputFolder folder(s.path("out"));
  for (const char* name : {"", "/etc/x", "../x", "a/../../x", "a/", "."})
    CHECK(sample::error_id([&] { folder.write(name, "x"); }) == "folder.path");
  CHECK_NOTHROW(folder.write("a/../b", "x"));
}

TEST_CASE("a file where a folder has to be is an error") {
  Scratch s;
  OutputFolder folder(s.path("out"));
  folder.write("report", "x");
  CHECK(sample::error_id([&] { folder.write("report/a", "x"); }) == "folder.write");
  CHECK(sample::error_id([&] { folder.make_subfolder("report/b"); }) == "folder.write");
}

TEST_CASE("a commit that fails says so and keeps the earlier output") {
  Scratch s;
  {
    OutputFolder first(s.path("out"));
    first.write("summary.json", summary_text());
    first.commit();
  }
  OutputFolder second(s.path("out"));
  for (const auto& entry : fs::directory_iterator(s.root))
    if (entry.path().filename() != "out") fs::remove_all(entry.path());  // what it has collected
  CHECK(sample::error_id([&] { second.commit(); }) == "folder.commit");
  CHECK(content(s.path("out/summary.json")) == summary_text());
}
