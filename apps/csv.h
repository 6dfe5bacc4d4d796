// Comma-separated values (RFC 4180): quoted fields, quotes and line breaks inside them.
#pragma once

#include <string>
#include <vector>

namespace app {

/// One record of a table and where it starts.
struct CsvRecord {
  std::vector<std::string> fields;
  int line = 0;  ///< of its first character, from 1
};

/// All records, the header among them. A byte order mark, CRLF, a missing last line break and
/// quotes inside an unquoted field are accepted, empty lines are left out. Error "csv.syntax"
/// (`where`, line): text after a closing quote, a quote that never closes.
std::vector<CsvRecord> parse_csv(const std::string& text, const std::string& where);

/// `text` as one field, quoted if it must be.
std::string csv_field(const std::string& text);
/// Fields and a line break.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace app
