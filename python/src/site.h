// Source positions of the kernel author's Python code.
#pragma once

#include <string>

#include "isa/error.h"

namespace front {

/// File and line of the innermost Python frame outside this package. The frame's line is looked up
/// once per bytecode position.
isa::Site here();

/// The variable the statement at `here()` assigns, "" if it does not assign one name.
std::string assigned_name();

/// Name of the function whose frame `here()` means.
std::string function_name();

}  // namespace front
