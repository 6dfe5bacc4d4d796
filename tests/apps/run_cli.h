// The real executables, as a user starts them: arguments in, exit code and both streams out.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace apps_test {

struct CliResult {
  int exit_code = -1;  ///< -1 - n when signal n ended it
  std::string out, err;
};

/// Runs `program` ("a2a3sim" or "a5sim") in the folder `cwd` and waits for its end.
CliResult run_cli(const std::string& program, const std::vector<std::string>& args,
                  const std::filesystem::path& cwd);

/// Every file and folder below `folder` (hidden ones too) with the file's content.
std::map<std::string, std::string> snapshot(const std::filesystem::path& folder);

/// A fresh empty folder that disappears with the test.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

void write_file(const std::filesystem::path& file, const std::string& bytes);
std::string read_file(const std::filesystem::path& file);

/// The error `call` ends in: "id" of the isa::Error, "" if it does not throw.
template <class F>
std::string error_id(F&& call);

}  // namespace apps_test

#include "isa/error.h"

template <class F>
std::string apps_test::error_id(F&& call) {
  try {
    call();
  } catch (const isa::Error& e) {
    return e.id();
  }
  return "";
}
