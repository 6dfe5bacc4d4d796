// The command line shared by a2a3sim and a5sim.
#pragma once

namespace app {

/// Runs one command. `default_chip` is "a2a3" or "a5". Returns the exit code: 0 success,
/// 1 the golden (or --verify-lowering, or a validation bound) failed, 2 bad input, 3 internal
/// error.
int main_with_chip(int argc, char** argv, const char* default_chip);

}  // namespace app
