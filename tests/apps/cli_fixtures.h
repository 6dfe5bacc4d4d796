// Folders and files that bad_inputs.txt refers to as {fix}: each is a good one with one mistake.
#pragma once

#include <filesystem>

namespace apps_test {

/// Fills `folder` with inputs/* (rmsnorm, tokens=8, hidden=128), chips/*, tables/*, folders and
/// files in the way of outputs.
void make_fixtures(const std::filesystem::path& folder);

/// Settings the inputs of the fixtures fit.
inline constexpr char kSmallRmsnorm[] = "tokens=8,hidden=128";

}  // namespace apps_test
