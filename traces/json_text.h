// Small pieces of JSON text, integers only: a written file is a golden file.
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "traces/sink.h"
#include "traces/time.h"

namespace traces {

using Text = fmt::memory_buffer;

/// Copies `text` to `out`.
inline void append(Text& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

/// A quoted, escaped JSON string. '<' becomes \u003c so that the text may stand inside a <script>.
void append_json_string(Text& out, std::string_view text);

/// Microseconds with all six decimals a picosecond count has: exact, so reading it back is
/// lossless.
void append_us_exact(Text& out, Picoseconds t);

/// `numerator / denominator` with six decimals, 0 if the denominator is 0.
void append_ratio(Text& out, int64_t numerator, int64_t denominator);

/// Hands what has gathered in `out` to `sink`: all of it, or only when it is worth a piece.
inline void pass_on(Text& out, const Sink& sink) {
  sink({out.data(), out.size()});
  out.clear();
}
inline void pass_on_piece(Text& out, const Sink& sink) {
  constexpr size_t kPiece = size_t{1} << 18;
  if (out.size() >= kPiece) pass_on(out, sink);
}

inline std::string to_string(const Text& out) { return std::string(out.data(), out.size()); }

}  // namespace traces
