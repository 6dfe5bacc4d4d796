#include "apps/checkout.h"

#include <filesystem>

#include "apps/subprocess.h"
#include "isa/error.h"

namespace app {
namespace {

CommandResult git(const std::string& repository, const std::vector<std::string>& args,
                  bool with_stderr = true) {
  Command command;
  command.with_stderr = with_stderr;
  // Hooks and prompts of the user's repository are none of ours.
  command.words = {"git", "-C", repository, "-c", "core.hooksPath=/dev/null"};
  command.words.insert(command.words.end(), args.begin(), args.end());
  command.env = {{"GIT_TERMINAL_PROMPT", "0"}, {"LC_ALL", "C"}};
  return run_command(command);
}

/// "abc123": never an option, never a path.
bool is_hash(const std::string& commit) {
  return commit.size() >= 7 && commit.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

Checkout::Checkout(std::string path) : path_(std::move(path)) {
  const CommandResult result = git(path_, {"rev-parse", "--git-dir"});
  if (!result.ok()) throw isa::Error("validate.checkout", path_, "is no git checkout");
}

bool Checkout::has_commit(const std::string& commit) const {
  return is_hash(commit) && git(path_, {"cat-file", "-e", commit + "^{commit}"}).ok();
}

bool Checkout::read(const std::string& commit, const std::string& file, std::string& text) const {
  const CommandResult result = git(path_, {"cat-file", "blob", commit + ":" + file}, false);
  text = result.ok() ? result.output : "";
  return result.ok();
}

void Checkout::add_worktree(const std::string& commit, const std::string& to) const {
  const CommandResult result = git(path_, {"worktree", "add", "--detach", "--force", to, commit});
  if (!result.ok()) throw isa::Error("validate.checkout", path_, result.error_line());
}

void Checkout::remove_worktree(const std::string& folder) const {
  git(path_, {"worktree", "remove", "--force", folder});
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

void Checkout::prune() const { git(path_, {"worktree", "prune"}); }

}  // namespace app
