#include "apps/request.h"

#include "isa/error.h"

namespace app {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (true) {
    const size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) return parts;
    begin = end + 1;
  }
}

}  // namespace

std::pair<std::string, std::string> parse_setting(const std::string& text) {
  const size_t eq = text.find('=');
  if (eq == std::string::npos || eq == 0 || eq + 1 == text.size())
    throw isa::Error("cli.setting", "'" + text + "' is not of the form knob=value");
  return {text.substr(0, eq), text.substr(eq + 1)};
}

Settings parse_settings(const std::vector<std::string>& texts) {
  Settings settings;
  for (const std::string& text : texts)
    for (const std::string& part : split(text, ',')) settings.push_back(parse_setting(part));
  return settings;
}

Vary parse_vary(const std::string& text) {
  const size_t eq = text.find('=');
  if (eq == std::string::npos || eq == 0 || eq + 1 == text.size())
    throw isa::Error("cli.vary", "'" + text + "' is not of the form knob=value,value,...");
  Vary vary{text.substr(0, eq), split(text.substr(eq + 1), ',')};
  for (const std::string& v : vary.values)
    if (v.empty()) throw isa::Error("cli.vary", "'" + text + "' has an empty value");
  return vary;
}

std::vector<Settings> grid(const std::vector<Vary>& vary) {
  std::vector<Settings> points(1);
  for (const Vary& v : vary) {
    std::vector<Settings> longer;
    for (const Settings& point : points)
      for (const std::string& value : v.values) {
        longer.push_back(point);
        longer.back().emplace_back(v.knob, value);
      }
    points = std::move(longer);
  }
  return points;
}

}  // namespace app
