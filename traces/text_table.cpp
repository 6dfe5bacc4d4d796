#include "traces/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "isa/error.h"

namespace traces {
namespace {

/// Characters, not bytes: cells may hold arrows.
size_t width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string padded(const std::string& text, size_t to, TextTable::Align align) {
  const std::string space(to - std::min(to, width(text)), ' ');
  return align == TextTable::Align::Left ? text + space : space + text;
}

std::string without_trailing_space(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

void TextTable::add(std::vector<std::string> cells) {
  if (cells.size() > columns_.size())
    throw isa::Error("traces.table",
                     fmt::format("{} cells for {} columns", cells.size(), columns_.size()));
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::text() const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    widths.push_back(width(columns_[c].title));
    for (const auto& row : rows_) widths[c] = std::max(widths[c], width(row[c]));
  }
  auto line = [&](auto cell_of) {
    std::string out;
    for (size_t c = 0; c < columns_.size(); ++c)
      out += (c == 0 ? "" : "  ") + padded(cell_of(c), widths[c], columns_[c].align);
    return without_trailing_space(out);
  };
  const std::string dashes = line([&](size_t c) { return std::string(widths[c], '-'); });
  std::string out = line([&](size_t c) { return columns_[c].title; }) + dashes;
  for (size_t r = 0; r < rows_.size(); ++r) {
    if (std::count(rules_.begin(), rules_.end(), r) != 0) out += dashes;
    out += line([&](size_t c) { return rows_[r][c]; });
  }
  return out;
}

std::string TextTable::markdown() const {
  std::string out = "|", marks = "|";
  for (const Column& column : columns_) {
    out += " " + column.title + " |";
    marks += column.align == Align::Right ? " ---: |" : " --- |";
  }
  out += "\n" + marks + "\n";
  for (const auto& row : rows_) {
    out += "|";
    for (const std::string& cell : row) out += " " + escaped(cell) + " |";
    out += "\n";
  }
  return out;
}

std::string short_us(double us) {
  return std::abs(us) < 9.995 ? fmt::format("{:.2f}", us) : fmt::format("{:.1f}", us);
}

std::string signed_us(double us) {
  return std::abs(us) < 9.995 ? fmt::format("{:+.2f}", us) : fmt::format("{:+.1f}", us);
}

std::string short_bytes(int64_t bytes) {
  if (bytes < 10'000) return fmt::format("{} B", bytes);
  if (bytes < 1'000'000) return fmt::format("{:.1f} KB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{:.2f} MB", static_cast<double>(bytes) / 1e6);
}

}  // namespace traces
