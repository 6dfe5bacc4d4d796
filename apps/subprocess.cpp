#include "apps/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "isa/error.h"

namespace app {
namespace {

using Clock = std::chrono::steady_clock;

volatile sig_atomic_t stop_requested = 0;

void request_stop(int) { stop_requested = 1; }

struct sigaction old_int, old_term;

/// The child up to the program's start: a group of its own, so that all it starts can be ended.
[[noreturn]] void start_program(const Command& command, std::vector<char*>& argv, int output) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  const int in = open("/dev/null", O_RDONLY);
  dup2(in, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(command.with_stderr ? output : open("/dev/null", O_WRONLY), STDERR_FILENO);
  for (const auto& [name, value] : command.env) setenv(name.c_str(), value.c_str(), 1);
  if (command.folder.empty() || chdir(command.folder.c_str()) == 0) execvp(argv[0], argv.data());
  dprintf(STDERR_FILENO, "error: %s: %s\n", argv[0], std::strerror(errno));
  _exit(127);
}

constexpr int kLookMs = 500;  // a stop signal may come between looking for it and waiting

std::string cut(const std::string& line) {
  constexpr size_t kLongest = 300;
  return line.size() > kLongest ? line.substr(0, kLongest - 3) + "..." : line;
}

/// Reads until the program closes its output or this one is to stop; false when its time is over.
bool read_output(int fd, const Command& command, std::string& output) {
  const auto end = Clock::now() + std::chrono::seconds(command.timeout_s);
  char buffer[65536];
  while (!(command.stoppable && StopSignals::stopped())) {
    pollfd polled = {fd, POLLIN, 0};
    const int ready = poll(&polled, 1, kLookMs);
    if (command.timeout_s > 0 && Clock::now() >= end) return false;
    if (ready <= 0) continue;
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return true;
    output.append(buffer, static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

std::string CommandResult::error_line() const {
  std::istringstream lines(output);
  std::string last, ended_traceback;
  bool in_traceback = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.find(": error: ") != std::string::npos) return cut(line);
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    last = line;
    const bool starts = line.compare(0, 9, "Traceback") == 0;
    if (in_traceback && !starts && line[0] != ' ' && ended_traceback.empty())
      ended_traceback = line;
    in_traceback = starts || (in_traceback && line[0] == ' ');
  }
  return cut(ended_traceback.empty() ? last : ended_traceback);
}

CommandResult run_command(const Command& command) {
  std::vector<std::string> words = command.words;
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) throw isa::Error("app.fork", std::strerror(errno));
  const pid_t pid = fork();
  if (pid < 0) throw isa::Error("app.fork", std::strerror(errno));
  if (pid == 0) start_program(command, argv, fds[1]);
  setpgid(pid, pid);  // whoever comes first
  close(fds[1]);
  CommandResult result;
  result.timed_out = !read_output(fds[0], command, result.output);
  if (result.timed_out || (command.stoppable && StopSignals::stopped())) kill(-pid, SIGKILL);
  close(fds[0]);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

TempFolder::TempFolder(const std::string& prefix) {
  path_ = (std::filesystem::temp_directory_path() / (prefix + "XXXXXX")).string();
  if (mkdtemp(path_.data()) == nullptr) throw isa::Error("app.temp", path_, std::strerror(errno));
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

StopSignals::StopSignals() {
  stop_requested = 0;
  struct sigaction action = {};
  action.sa_handler = request_stop;  // without SA_RESTART: waiting calls return
  sigaction(SIGINT, &action, &old_int);
  sigaction(SIGTERM, &action, &old_term);
}

StopSignals::~StopSignals() {
  sigaction(SIGINT, &old_int, nullptr);
  sigaction(SIGTERM, &old_term, nullptr);
}

bool StopSignals::stopped() { return stop_requested != 0; }

}  // namespace app
