#include "traces/folder.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "isa/error.h"
#include "traces/summary.h"

namespace traces {
namespace {

namespace fs = std::filesystem;

/// Entries at the top of every output folder we write.
const std::vector<std::string>& known_entries() {
  static const std::vector<std::string> names = {"summary.json", "dfx_outputs", "report",
                                                 "swimlane.svg", "viewer.html", "outputs",
                                                 "next_levels"};
  return names;
}

/// Refuses to replace what the user might miss.
void check_replaceable(const fs::path& path, const std::vector<std::string>& own) {
  std::error_code ec;
  const fs::file_status status = fs::status(path, ec);
  if (status.type() == fs::file_type::not_found) return;
  if (!fs::is_directory(status))
    throw isa::Error("folder.not-a-folder", path.string(), "exists and is not a folder");
  if (fs::is_empty(path, ec)) return;
  try {
    read_summary(path.string());
  } catch (const isa::Error&) {
    throw isa::Error("folder.not-ours", path.string(),
                     "is not empty and holds no summary.json of ours: choose another folder");
  }
  std::vector<std::string> entries;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, ec))
    entries.push_back(entry.path().filename().string());
  std::sort(entries.begin(), entries.end());
  for (const std::string& entry : entries)
    if (std::count(known_entries().begin(), known_entries().end(), entry) == 0 &&
        std::count(own.begin(), own.end(), entry) == 0)
      throw isa::Error("folder.not-ours", path.string(),
                       "holds '" + entry + "', which no run writes: choose another folder");
}

}  // namespace

OutputFolder::OutputFolder(const std::string& path, std::vector<std::string> own)
    : own_(std::move(own)) {
  fs::path target = fs::path(path).lexically_normal();
  if (target.filename().empty()) target = target.parent_path();  // "out/"
  if (path.empty() || target.filename().empty() || target.filename() == "." ||
      target.filename() == "..")
    throw isa::Error("folder.path", "output folder '" + path + "'", "is not a name for a folder");
  path_ = target.string();
  check_replaceable(target, own_);
  const std::string hidden = "." + target.filename().string();
  const std::string suffix = "-" + std::to_string(::getpid());
  partial_ = (target.parent_path() / (hidden + ".partial" + suffix)).string();
  replaced_ = (target.parent_path() / (hidden + ".replaced" + suffix)).string();
  std::error_code ec;
  for (fs::path parent = target.parent_path(); !parent.empty() && !fs::exists(parent, ec);
       parent = parent.parent_path())
    made_parents_.push_back(parent.string());
  fs::remove_all(partial_, ec);
  fs::create_directories(partial_, ec);
  if (ec) throw isa::Error("folder.create", path_, ec.message());
}

OutputFolder::~OutputFolder() {
  std::error_code ec;
  if (committed_) return;
  fs::remove_all(partial_, ec);
  for (const std::string& parent : made_parents_) fs::remove(parent, ec);  // only if empty
}

std::string OutputFolder::inside(const std::string& name) const {
  const fs::path relative = fs::path(name).lexically_normal();
  if (name.empty() || relative.is_absolute() || relative.filename().empty() ||
      *relative.begin() == ".." || relative == ".")
    throw isa::Error("folder.path", path_, "'" + name + "' is not a file name in this folder");
  return (fs::path(partial_) / relative).string();
}

void OutputFolder::write(const std::string& name, const std::string& content) {
  write(name, [&](const Sink& sink) { sink(content); });
}

void OutputFolder::write(const std::string& name, const std::function<void(const Sink&)>& writer) {
  const fs::path file = inside(name);
  std::error_code ec;
  fs::create_directories(file.parent_path(), ec);
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  writer([&](std::string_view piece) {
    out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
  });
  out.close();
  if (!out) throw isa::Error("folder.write", path_, "'" + name + "' cannot be written");
}

std::string OutputFolder::make_subfolder(const std::string& name) {
  const std::string folder = inside(name);
  std::error_code ec;
  fs::create_directories(folder, ec);
  if (ec) throw isa::Error("folder.write", path_, "'" + name + "': " + ec.message());
  return folder;
}

std::string OutputFolder::commit() {
  check_replaceable(path_, own_);  // it may have changed during the run
  std::error_code ec;
  fs::remove_all(replaced_, ec);
  const bool exists = fs::exists(path_, ec);
  if (exists) fs::rename(path_, replaced_, ec);
  if (!ec) {
    fs::rename(partial_, path_, ec);
    if (ec && exists) {
      std::error_code undo;
      fs::rename(replaced_, path_, undo);
    }
  }
  if (ec) throw isa::Error("folder.commit", path_, ec.message());
  committed_ = true;
  fs::remove_all(replaced_, ec);
  return path_;
}

}  // namespace traces
