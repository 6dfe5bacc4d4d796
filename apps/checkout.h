// A git checkout (or bare repository) as a source of trees, left as it was.
#pragma once

#include <string>

#include "apps/run_state.h"

namespace app {

class Checkout : public SourceTree {
 public:
  /// Error "validate.checkout" if `path` is no git repository.
  explicit Checkout(std::string path);

  bool has_commit(const std::string& commit) const override;
  bool read(const std::string& commit, const std::string& file, std::string& text) const override;

  /// Writes the commit's tree to the folder `to` as a git worktree. Error "validate.checkout".
  void add_worktree(const std::string& commit, const std::string& to) const;
  /// Removes it again.
  void remove_worktree(const std::string& folder) const;
  /// Forgets worktrees whose folders are gone. Not while others are added: git would take one that
  /// is half written for gone.
  void prune() const;

 private:
  std::string path_;
};

}  // namespace app
