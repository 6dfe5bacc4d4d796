#include "apps/script_options.h"

#include <algorithm>
#include <cctype>

namespace app {
namespace {

/// Walks over the arguments of one call in Python source.
class CallReader {
 public:
  /// `at` stands behind the opening parenthesis.
  CallReader(const std::string& source, size_t at) : source_(source), at_(at) {}

  ScriptOption read() {
    ScriptOption option;
    while (at_ < source_.size() && source_[at_] != ')') read_argument(option);
    return option;
  }

 private:
  bool is_quote() const { return source_[at_] == '"' || source_[at_] == '\''; }

  std::string read_string() {
    const char quote = source_[at_++];
    std::string text;
    for (; at_ < source_.size() && source_[at_] != quote; ++at_) {
      if (source_[at_] == '\\') ++at_;
      if (at_ < source_.size()) text += source_[at_];
    }
    if (at_ < source_.size()) ++at_;
    return text;
  }

  /// What stands up to the next ',' or ')' of the call: plain source and the literals in it.
  struct Argument {
    std::string source;
    std::vector<std::string> literals;
  };

  Argument read_source() {
    Argument argument;
    std::string number;
    const auto end_number = [&] {
      if (!number.empty()) argument.literals.push_back(number);
      number.clear();
    };
    int depth = 0;
    for (; at_ < source_.size(); ++at_) {
      const char c = source_[at_];
      if (depth == 0 && (c == ',' || c == ')')) break;
      if (is_quote()) {
        argument.literals.push_back(read_string());
        --at_;
        continue;
      }
      if (c == '(' || c == '[') ++depth;
      if (c == ')' || c == ']') --depth;
      if (std::isdigit(static_cast<unsigned char>(c)) != 0)
        number += c;
      else
        end_number();
      argument.source += c;
    }
    end_number();
    return argument;
  }

  void read_argument(ScriptOption& option) {
    const Argument argument = read_source();
    if (at_ < source_.size() && source_[at_] == ',') ++at_;
    const size_t equals = argument.source.find('=');
    if (equals == std::string::npos) {
      for (const std::string& name : argument.literals) option.names.push_back(name);
      return;
    }
    std::string keyword = argument.source.substr(0, equals);
    keyword.erase(std::remove_if(keyword.begin(), keyword.end(),
                                 [](unsigned char c) { return std::isspace(c) != 0; }),
                  keyword.end());
    if (keyword == "action") option.takes_value = argument.literals == Literals{"store"};
    if (keyword == "nargs") option.value_is_optional = argument.literals == Literals{"?"};
    if (keyword == "choices") option.choices = argument.literals;
  }

  using Literals = std::vector<std::string>;
  const std::string& source_;
  size_t at_;
};

}  // namespace

const ScriptOption* Script::find(const std::string& name) const {
  for (const ScriptOption& option : options)
    if (std::count(option.names.begin(), option.names.end(), name) != 0) return &option;
  return nullptr;
}

Script read_script(const std::string& source) {
  Script script;
  script.has_main = source.find("\"__main__\"") != std::string::npos ||
                    source.find("'__main__'") != std::string::npos;
  const std::string call = ".add_argument(";
  for (size_t at = source.find(call); at != std::string::npos; at = source.find(call, at + 1)) {
    ScriptOption option = CallReader(source, at + call.size()).read();
    if (!option.names.empty()) script.options.push_back(std::move(option));
  }
  return script;
}

}  // namespace app
