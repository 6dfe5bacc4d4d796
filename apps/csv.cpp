#include "apps/csv.h"

#include <fmt/format.h>

#include "isa/error.h"

namespace app {
namespace {

class CsvReader {
 public:
  CsvReader(const std::string& text, const std::string& where) : text_(text), where_(where) {
    if (text_.compare(0, 3, "\xEF\xBB\xBF") == 0) at_ = 3;
  }

  std::vector<CsvRecord> read() {
    std::vector<CsvRecord> records;
    while (at_ < text_.size()) {
      CsvRecord record = read_record();
      if (record.fields.size() > 1 || !record.fields[0].empty())
        records.push_back(std::move(record));
    }
    return records;
  }

 private:
  bool at_line_break() const { return text_[at_] == '\n' || text_[at_] == '\r'; }

  [[noreturn]] void fail(int line, const std::string& what) const {
    throw isa::Error("csv.syntax", fmt::format("{}:{}", where_, line), what);
  }

  CsvRecord read_record() {
    CsvRecord record;
    record.line = line_;
    record.fields.push_back(read_field());
    while (at_ < text_.size() && text_[at_] == ',') {
      ++at_;
      record.fields.push_back(read_field());
    }
    skip_line_break();
    return record;
  }

  std::string read_field() {
    if (at_ < text_.size() && text_[at_] == '"') return read_quoted();
    const size_t from = at_;
    while (at_ < text_.size() && text_[at_] != ',' && !at_line_break()) ++at_;
    return text_.substr(from, at_ - from);
  }

  std::string read_quoted() {
    const int opened = line_;
    std::string field;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"') {
        field += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        field += text_[at_++];
      } else {
        ++at_;
        if (at_ < text_.size() && text_[at_] != ',' && !at_line_break())
          fail(line_, "text after the closing quote of a field");
        return field;
      }
    }
    fail(opened, "a quoted field never ends");
  }

  void skip_line_break() {
    if (at_ >= text_.size()) return;
    if (text_[at_] == '\r') ++at_;
    if (at_ < text_.size() && text_[at_] == '\n') ++at_;
    ++line_;
  }

  const std::string& text_;
  const std::string& where_;
  size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

std::vector<CsvRecord> parse_csv(const std::string& text, const std::string& where) {
  return CsvReader(text, where).read();
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) line += (i == 0 ? "" : ",") + csv_field(fields[i]);
  return line + "\n";
}

}  // namespace app
