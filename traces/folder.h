// The output folder of a run: complete or not there at all.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "traces/sink.h"

namespace traces {

/// Collects files in a hidden sibling of `path` and moves it into place with commit(); without
/// commit() nothing is left behind. An existing folder is replaced only if it is empty or an
/// earlier output of ours: it holds a readable summary.json and, at its top, nothing we do not
/// write (`own` names further entries the caller writes).
/// Errors: "folder.path" (empty, root, or a file name outside the folder), "folder.not-a-folder",
/// "folder.not-ours", "folder.create", "folder.write", "folder.commit".
class OutputFolder {
 public:
  explicit OutputFolder(const std::string& path, std::vector<std::string> own = {});
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  /// Writes one file; `name` is relative, folders are made on the way ("dfx_outputs/deps.json").
  void write(const std::string& name, const std::string& content);
  /// The same for content that comes in pieces.
  void write(const std::string& name, const std::function<void(const Sink&)>& writer);
  /// Folder for writers that need one ("inputs"): where its content has to be put now.
  std::string make_subfolder(const std::string& name);
  /// Moves everything to `path`. Returns the path.
  std::string commit();

 private:
  std::string inside(const std::string& name) const;

  std::string path_, partial_, replaced_;
  std::vector<std::string> own_;
  std::vector<std::string> made_parents_;  ///< deepest first
  bool committed_ = false;
};

}  // namespace traces
