// The error a call ends in, as "<id>|<what>"; "" if it does not throw.
#pragma once

#include <string>

#include "isa/error.h"

namespace kernels_test {

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const isa::Error& e) {
    return e.id() + "|" + e.what();
  }
  return "";
}

template <class F>
std::string error_id(F&& f) {
  const std::string text = error_of(f);
  return text.substr(0, text.find('|'));
}

}  // namespace kernels_test
