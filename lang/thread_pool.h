// Host threads that run the blocks of a scope.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace pl {

class ThreadPool {
 public:
  /// `threads` counts the caller; 0 = all cores. Workers start at first use.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Runs f(0) .. f(n-1), each once. If some throw, everything before the first failing index still
  /// runs and that index's exception is rethrown, as in a sequential loop.
  void for_each(int64_t n, const std::function<void(int64_t)>& f);

 private:
  struct Job {
    const std::function<void(int64_t)>* f = nullptr;
    int64_t n = 0;
    int64_t next = 0;
    int64_t first_failure = 0;  ///< n = none
    std::exception_ptr error;
  };

  void work();
  void take_part(std::unique_lock<std::mutex>& lock);

  int threads_;
  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  Job job_;
  uint64_t generation_ = 0;
  int busy_ = 0;
  bool stop_ = false;
};

}  // namespace pl
