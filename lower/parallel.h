// A deterministic parallel loop: every index runs once, errors surface as in a serial loop.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace lower {

/// Workers for n items; `threads` 0 = all host cores.
inline int worker_count(size_t n, int threads) {
  const int wanted =
      threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return std::max(1, static_cast<int>(std::min<size_t>(static_cast<size_t>(wanted), n)));
}

/// f(index, worker). The error of the lowest failing index is rethrown.
template <class F>
void parallel_for(size_t n, int threads, F&& f) {
  const int workers = worker_count(n, threads);
  if (workers == 1) {
    for (size_t i = 0; i < n; ++i) f(i, 0);
    return;
  }
  std::atomic<size_t> next{0}, first_error{n};
  std::exception_ptr error;
  std::mutex mutex;
  const auto work = [&](int worker) {
    for (size_t i = next++; i < n && i < first_error; i = next++) {
      try {
        f(i, worker);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (i >= first_error) continue;
        first_error = i;
        error = std::current_exception();
      }
    }
  };
  std::vector<std::thread> pool;
  for (int w = 1; w < workers; ++w) pool.emplace_back(work, w);
  work(0);
  for (std::thread& t : pool) t.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace lower
