#include "apps/run_cli.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>

namespace apps_test {
namespace {

namespace fs = std::filesystem;

const char* binary_of(const std::string& program) {
  if (program == "a2a3sim") return A2A3SIM_BINARY;
  if (program == "a5sim") return A5SIM_BINARY;
  throw std::invalid_argument("no executable " + program);
}

[[noreturn]] void child_main(const std::string& program, const std::vector<std::string>& args,
                             const fs::path& cwd, int out, int err) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  const int in = open("/dev/null", O_RDONLY);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
  if (chdir(cwd.c_str()) == 0) execv(binary_of(program), argv.data());
  _exit(127);
}

/// Reads both pipes to their ends.
void drain(int fds[2], std::string* texts[2]) {
  bool open_end[2] = {true, true};
  while (open_end[0] || open_end[1]) {
    pollfd polled[2];
    for (int i = 0; i < 2; ++i) polled[i] = {open_end[i] ? fds[i] : -1, POLLIN, 0};
    if (poll(polled, 2, -1) < 0 && errno != EINTR) throw std::runtime_error("poll failed");
    for (int i = 0; i < 2; ++i) {
      if (!open_end[i] || polled[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t n = read(fds[i], buffer, sizeof buffer);
      if (n > 0) texts[i]->append(buffer, static_cast<size_t>(n));
      if (n == 0) open_end[i] = false;
    }
  }
}

}  // namespace

CliResult run_cli(const std::string& program, const std::vector<std::string>& args,
                  const fs::path& cwd) {
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
    throw std::runtime_error("pipe failed");
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid == 0) child_main(program, args, cwd, out[1], err[1]);
  close(out[1]);
  close(err[1]);
  CliResult result;
  int fds[2] = {out[0], err[0]};
  std::string* texts[2] = {&result.out, &result.err};
  drain(fds, texts);
  close(out[0]);
  close(err[0]);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1 - WTERMSIG(status);
  return result;
}

std::map<std::string, std::string> snapshot(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder).string();
    files[name] = entry.is_directory() ? "<folder>" : read_file(entry.path());
  }
  return files;
}

TempDir::TempDir() {
  std::string pattern = (fs::temp_directory_path() / "apps_test_XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ec;
  fs::remove_all(path_, ec);
}

void write_file(const fs::path& file, const std::string& bytes) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace apps_test
