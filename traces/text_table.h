// Aligned columns of text; also markdown.
#pragma once

#include <string>
#include <vector>

namespace traces {

class TextTable {
 public:
  enum class Align : uint8_t { Left, Right };
  struct Column {
    std::string title;
    Align align = Align::Right;
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// Missing cells are empty. Error "traces.table" if there are more cells than columns.
  void add(std::vector<std::string> cells);
  /// A line across the table before the next row (text only).
  void rule() { rules_.push_back(rows_.size()); }

  bool empty() const { return rows_.empty(); }
  std::string text() const;
  /// GitHub markdown; '|' in cells is escaped.
  std::string markdown() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<size_t> rules_;
};

/// "12.3" (one decimal from 10 us on, two below), "-" for a missing value is the caller's matter.
std::string short_us(double us);
/// The same with its sign, "+0.00" for zero.
std::string signed_us(double us);
/// Bytes as MB (10^6) with two decimals, or KB / B when small: "5.24 MB", "512 B".
std::string short_bytes(int64_t bytes);

}  // namespace traces
