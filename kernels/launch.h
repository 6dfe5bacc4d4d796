// Small words that most scopes begin with.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lang/pl.h"

namespace kernels {

inline constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// The scope `options.name` with `blocks` blocks: one task for a single block, else one spmd
/// launch.
void launch(const pl::ScopeOptions& options, int64_t blocks,
            const std::function<void(int64_t)>& body, pl::Site site = pl::Site::here());
void launch(const std::string& name, int64_t blocks, const std::function<void(int64_t)>& body,
            pl::Site site = pl::Site::here());

/// A loop inside a scope: pipelined with `stage` > 1, else a plain range.
pl::LoopRange loop(int64_t begin, int64_t end, int stage, pl::Site site = pl::Site::here());
pl::LoopRange loop(int64_t end, int stage, pl::Site site = pl::Site::here());

}  // namespace kernels
