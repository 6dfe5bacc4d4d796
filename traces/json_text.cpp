#include "traces/json_text.h"

#include <fmt/compile.h>

#include <cmath>

namespace traces {

void append_json_string(Text& out, std::string_view text) {
  out.push_back('"');
  for (char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (code < 0x20 || c == '<') {
      fmt::format_to(std::back_inserter(out), FMT_COMPILE("\\u{:04x}"), static_cast<int>(code));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void append_us_exact(Text& out, Picoseconds t) {
  const bool negative = t.value < 0;
  const auto magnitude =
      negative ? 0 - static_cast<uint64_t>(t.value) : static_cast<uint64_t>(t.value);
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}{}.{:06}"), negative ? "-" : "",
                 magnitude / 1000000, magnitude % 1000000);
}

void append_ratio(Text& out, int64_t numerator, int64_t denominator) {
  const double ratio =
      denominator == 0 ? 0 : static_cast<double>(numerator) / static_cast<double>(denominator);
  fmt::format_to(std::back_inserter(out), "{:.6f}", ratio);
}

}  // namespace traces
