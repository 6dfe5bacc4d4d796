#include "traces/run_files.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "traces/sample.h"

using namespace traces;
namespace fs = std::filesystem;

namespace {

/// Writes the sample's folder and returns it as file -> content.
std::map<std::string, std::string> written(const RunFilesOptions& options) {
  const fs::path root =
      fs::temp_directory_path() / ("traces_run_files_test-" + std::to_string(::getpid()));
  fs::remove_all(root);
  OutputFolder folder(root.string());
  const Timeline timeline = sample::timeline();
  const isa::TaskGraph graph = sample::graph();
  write_run_files(folder, timeline, graph, summarize(timeline, graph, {}),
                  {{"norm", "AIV", "UB", 4096, 196608, {}}},
                  {{"PH001", "norm", "demo.cpp:12", "short rows"}}, options);
  folder.commit();
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    files[fs::relative(entry.path(), root).string()] = text.str();
  }
  fs::remove_all(root);
  return files;
}

}  // namespace

TEST_CASE("a run's folder has upstream's layout and is the same to the byte every time") {
  RunFilesOptions options;
  options.clock_mhz = 1850;
  const auto files = written(options);
  std::vector<std::string> names;
  for (const auto& [file, text] : files) {
    names.push_back(file);
    CHECK_FALSE(text.empty());
  }
  CHECK(names == std::vector<std::string>{
                     "dfx_outputs/chip_swimlane_records.json", "dfx_outputs/deps.json",
                     "dfx_outputs/merged_swimlane_demo.json", "dfx_outputs/name_map_demo.json",
                     "dfx_outputs/pmu.csv", "report/memory_after_AllocateMemoryAddr.txt",
                     "report/perf_hints.log", "report/swimlane_report.txt", "summary.json",
                     "swimlane.svg", "viewer.html"});
  CHECK(written(options) == files);

  options.gzip_trace = true;
  options.pictures = false;
  const auto packed = written(options);
  CHECK(packed.size() == 9);
  CHECK(gunzip(packed.at("dfx_outputs/merged_swimlane_demo.json.gz")) ==
        files.at("dfx_outputs/merged_swimlane_demo.json"));
}
