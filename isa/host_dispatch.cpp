// Chooses the host instruction set once, or as a test asks.
#include <array>
#include <atomic>
#include <string>

#include "isa/error.h"
#include "isa/host/kernels.h"
#include "isa/semantics.h"

namespace isa {
namespace {

using host::Kernels;

bool host_has_v2() { return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"); }
bool host_has_v3() {
  // F16C came with AVX, before AVX2 and FMA; g++ 12 cannot ask for it by name.
  return host_has_v2() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi2");
}
bool host_has_v4() {
  return host_has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}

struct Tables {
  std::array<Kernels, 3> tables{};
  int count = 0;  ///< available ones, the best last

  Tables() {
    if (!host_has_v2())
      throw Error("isa.host-isa", "this program needs an x86-64-v2 processor (SSE4.2)");
    host::v2::fill(tables[0]);
    count = 1;
    if (host_has_v3()) host::v3::fill(tables[count++]);
    if (count == 2 && host_has_v4()) host::v4::fill(tables[count++]);
  }
};

const Tables& tables() {
  static const Tables instance;
  return instance;
}

std::atomic<const Kernels*> current{nullptr};

}  // namespace

const host::Kernels& host::kernels() {
  const Kernels* k = current.load(std::memory_order_acquire);
  if (k == nullptr) {
    k = &tables().tables[tables().count - 1];
    current.store(k, std::memory_order_release);
  }
  return *k;
}

const char* host_isa() { return host::kernels().name; }

void force_host_isa(const char* name) {
  const std::string wanted = name == nullptr ? "" : name;
  const Tables& t = tables();
  if (wanted.empty()) {
    current.store(&t.tables[t.count - 1], std::memory_order_release);
    return;
  }
  std::string available;
  for (int i = 0; i < t.count; ++i) {
    if (wanted == t.tables[i].name) {
      current.store(&t.tables[i], std::memory_order_release);
      return;
    }
    available += std::string(i == 0 ? "" : ", ") + t.tables[i].name;
  }
  throw Error("isa.host-isa",
              "host ISA '" + wanted + "' is unknown or not available here (" + available + ")");
}

}  // namespace isa
