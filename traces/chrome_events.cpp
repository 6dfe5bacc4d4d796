#include "traces/chrome_events.h"

#include <algorithm>

namespace traces {

void append_ns_as_us(Text& out, int64_t ns) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}.{:03}{}"), ns / 1000, ns % 1000,
                 fourth_decimal(ns));
}

void ChromeEvents::next() {
  pass_on_piece(out_, sink_);
  append(out_, first_ ? "\n" : ",\n");
  first_ = false;
}

void ChromeEvents::process(int pid, std::string_view process_name, int sort_index) {
  next();
  fmt::format_to(std::back_inserter(out_),
                 "{{\"name\":\"process_name\",\"ph\":\"M\",\"cat\":\"__metadata\",\"pid\":{},"
                 "\"args\":{{\"name\":\"{}\"}}}},\n"
                 "{{\"name\":\"process_sort_index\",\"ph\":\"M\",\"cat\":\"__metadata\",\"pid\":{},"
                 "\"args\":{{\"sort_index\":{}}}}}",
                 pid, process_name, pid, sort_index);
}

void ChromeEvents::thread(int pid, int tid, std::string_view thread_name, int sort_index) {
  next();
  fmt::format_to(std::back_inserter(out_),
                 "{{\"name\":\"thread_name\",\"ph\":\"M\",\"cat\":\"__metadata\",\"pid\":{},"
                 "\"tid\":{},\"args\":{{\"name\":\"{}\"}}}},\n"
                 "{{\"name\":\"thread_sort_index\",\"ph\":\"M\",\"cat\":\"__metadata\",\"pid\":{},"
                 "\"tid\":{},\"args\":{{\"sort_index\":{}}}}}",
                 pid, tid, thread_name, pid, tid, sort_index);
}

void ChromeEvents::begin_slice(const ChromeSlice& slice, std::string_view quoted_name,
                               std::string_view category) {
  next();
  fmt::format_to(std::back_inserter(out_),
                 FMT_COMPILE("{{\"ph\":\"X\",\"pid\":{},\"tid\":{},\"name\":{},\"cat\":\"{}\""),
                 slice.pid, slice.tid, quoted_name, category);
  time_member(",\"ts\":", slice.ts);
  time_member(",\"dur\":", slice.end - slice.ts);
}

void ChromeEvents::counter(int pid, int tid, std::string_view counter_name, int64_t ts,
                           std::string_view members) {
  next();
  fmt::format_to(std::back_inserter(out_),
                 FMT_COMPILE("{{\"ph\":\"C\",\"pid\":{},\"tid\":{},\"name\":\"{}\","
                             "\"cat\":\"queue\",\"args\":{{{}}}"),
                 pid, tid, counter_name, members);
  time_member(",\"ts\":", ts);
  append(out_, "}");
}

void ChromeEvents::time_member(std::string_view key, int64_t ns) {
  append(out_, key);
  append_ns_as_us(out_, ns);
}

bool ChromeEvents::arrow(std::string_view arrow_name, const ChromeSlice& from, int64_t from_ts,
                         const ChromeSlice& to, int64_t to_ts, std::string_view args) {
  from_ts = from.clamp(from_ts);
  to_ts = to.clamp(std::max(to_ts, from_ts));
  if (from_ts > to_ts) from_ts = from.clamp(to_ts);
  if (from_ts > to_ts) return false;
  ++arrows_;
  arrow_end('s', arrow_name, from, from_ts, args);
  arrow_end('f', arrow_name, to, to_ts, args);
  return true;
}

void ChromeEvents::arrow_end(char phase, std::string_view arrow_name, const ChromeSlice& at,
                             int64_t ts, std::string_view args) {
  next();
  fmt::format_to(std::back_inserter(out_),
                 FMT_COMPILE("{{\"ph\":\"{}\",{}\"id\":{},\"pid\":{},\"tid\":{},\"name\":\"{}\","
                             "\"cat\":\"flow\""),
                 phase, phase == 'f' ? "\"bp\":\"e\"," : "", arrows_, at.pid, at.tid, arrow_name);
  time_member(",\"ts\":", ts);
  if (!args.empty())
    fmt::format_to(std::back_inserter(out_), FMT_COMPILE(",\"args\":{{{},\"bind_id\":{}}}"), args,
                   arrows_);
  append(out_, "}");
}

void ChromeEvents::finish(std::string_view metadata) {
  append(out_, "\n],\"metadata\":");
  append(out_, metadata);
  append(out_, "}\n");
  pass_on(out_, sink_);
}

}  // namespace traces
