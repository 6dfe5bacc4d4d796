// The events of a Chrome trace as text; knows the format and nothing about the machine.
#pragma once

#include <fmt/compile.h>

#include <string>
#include <string_view>

#include "traces/chrome_lanes.h"
#include "traces/json_text.h"

namespace traces {

class ChromeEvents {
 public:
  explicit ChromeEvents(const Sink& sink) : sink_(sink) { append(out_, "{\"traceEvents\":["); }

  void process(int pid, std::string_view process_name, int sort_index);
  void thread(int pid, int tid, std::string_view thread_name, int sort_index);

  /// Begins an X event; the caller appends members to text() (each starting with ',') and calls
  /// end(). `quoted_name` is a JSON string.
  void begin_slice(const ChromeSlice& slice, std::string_view quoted_name,
                   std::string_view category);
  /// A point of a counter; `members` is the inside of args, e.g. "\"AIC\":3".
  void counter(int pid, int tid, std::string_view counter_name, int64_t ts,
               std::string_view members);
  /// An arrow, if it can run forward in time: from `from` at `from_ts` (moved inside the slice) to
  /// `to` at `to_ts` or later. Returns whether it was drawn. `args` is "" or a JSON object.
  bool arrow(std::string_view arrow_name, const ChromeSlice& from, int64_t from_ts,
             const ChromeSlice& to, int64_t to_ts, std::string_view args = "");

  void end() { append(out_, "}"); }
  Text& text() { return out_; }
  void finish(std::string_view metadata);

 private:
  void next();
  void time_member(std::string_view key, int64_t ns);
  void arrow_end(char phase, std::string_view arrow_name, const ChromeSlice& at, int64_t ts,
                 std::string_view args);

  const Sink& sink_;
  Text out_;
  bool first_ = true;
  int64_t arrows_ = 0;
};

/// "1", a fourth decimal, where `ns / 1000` times 1000 falls below `ns` in floating point; else "".
/// Perfetto's importer computes just that and cuts the rest off, which would shift such a stamp by
/// 1 ns and make touching slices overlap. Readers that round are not disturbed.
inline std::string_view fourth_decimal(int64_t ns) {
  const double us = static_cast<double>(ns) / 1000.0;
  return static_cast<int64_t>(us * 1000.0) < ns ? "1" : "";
}

/// `1234567` ns as "1234.567" (or with its fourth decimal).
void append_ns_as_us(Text& out, int64_t ns);

}  // namespace traces
