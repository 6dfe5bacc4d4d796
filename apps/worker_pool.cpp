#include "apps/worker_pool.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>

#include "isa/error.h"

namespace app {
namespace {

struct Child {
  size_t job = 0;
  pid_t pid = -1;
  int fd = -1;
  std::string received;
};

void write_all(int fd, const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    done += static_cast<size_t>(n);
  }
}

/// The child's whole life: run the job, send 'K' + text or 'E' + error, leave without destructors.
[[noreturn]] void child_main(int fd, const std::function<std::string()>& job) {
  std::string message;
  try {
    message = "K" + job();
  } catch (const std::exception& e) {
    message = std::string("E") + e.what();
  }
  write_all(fd, message);
  close(fd);
  _exit(0);
}

Child start(size_t job, const std::function<std::string()>& work) {
  int fds[2];
  if (pipe(fds) != 0) throw isa::Error("app.pipe", std::strerror(errno));
  const pid_t pid = fork();
  if (pid < 0) throw isa::Error("app.fork", std::strerror(errno));
  if (pid == 0) {
    close(fds[0]);
    child_main(fds[1], work);
  }
  close(fds[1]);
  return Child{job, pid, fds[0], {}};
}

JobOutcome reap(Child& child) {
  close(child.fd);
  int status = 0;
  while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  JobOutcome outcome;
  if (WIFSIGNALED(status)) {
    outcome.error = fmt::format("crashed (signal {})", WTERMSIG(status));
  } else if (child.received.empty()) {
    outcome.error = "ended without an answer";
  } else {
    outcome.ok = child.received[0] == 'K';
    (outcome.ok ? outcome.text : outcome.error) = child.received.substr(1);
  }
  return outcome;
}

/// Reads what is there; false at end of file.
bool receive(Child& child) {
  char buffer[65536];
  const ssize_t n = read(child.fd, buffer, sizeof buffer);
  if (n < 0) return errno == EINTR || errno == EAGAIN;
  child.received.append(buffer, static_cast<size_t>(n));
  return n > 0;
}

constexpr int kLookMs = 500;  // how often `stop` is asked

}  // namespace

std::vector<JobOutcome> run_in_processes(const std::vector<std::function<std::string()>>& jobs,
                                         int processes, const std::function<void(int)>& finished,
                                         const std::function<bool()>& stop) {
  std::vector<JobOutcome> outcomes(jobs.size());
  for (JobOutcome& outcome : outcomes) outcome.error = "not started";
  std::vector<Child> running;
  const size_t width = static_cast<size_t>(std::max(1, processes));
  size_t next = 0;
  int done = 0;
  bool stopping = false;
  while ((next < jobs.size() && !stopping) || !running.empty()) {
    if (!stopping && stop && stop()) {
      stopping = true;
      for (const Child& c : running) kill(c.pid, SIGTERM);
    }
    while (!stopping && next < jobs.size() && running.size() < width) {
      running.push_back(start(next, jobs[next]));
      ++next;
    }
    std::vector<pollfd> polled;
    for (const Child& c : running) polled.push_back({c.fd, POLLIN, 0});
    if (poll(polled.data(), polled.size(), stop ? kLookMs : -1) < 0) {
      if (errno != EINTR) throw isa::Error("app.poll", std::strerror(errno));
      continue;  // nothing of `polled` is filled in
    }
    for (size_t i = polled.size(); i-- > 0;) {
      if (polled[i].revents == 0 || receive(running[i])) continue;
      outcomes[running[i].job] = reap(running[i]);
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
      if (finished) finished(++done);
    }
  }
  return outcomes;
}

}  // namespace app
