#include "kernels/manifest.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <nlohmann/json.hpp>

#include "isa/error.h"
#include "kernels/npy.h"
#include "kernels/text.h"

namespace kernels {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr char kManifest[] = "manifest.json";

struct Entry {
  TensorSpec spec;
  std::string file;
};

[[noreturn]] void fail(const std::string& id, const std::string& message) {
  throw isa::Error("manifest." + id, kManifest, message);
}

const char* role_text(Role role) {
  return role == Role::Input ? "input" : role == Role::Output ? "output" : "inout";
}

Role role_from(const std::string& text, const std::string& tensor) {
  for (Role role : {Role::Input, Role::Output, Role::InOut})
    if (text == role_text(role)) return role;
  fail("role", "tensor " + tensor + " has role '" + text + "'; roles: input, output, inout");
}

/// Accepts the stack's names and the common long ones.
isa::DType dtype_from(const std::string& text, const std::string& tensor) {
  static const std::pair<const char*, isa::DType> kLong[] = {
      {"float32", isa::DType::F32}, {"bfloat16", isa::DType::BF16}, {"float16", isa::DType::F16}};
  for (const auto& [name, type] : kLong)
    if (text == name) return type;
  for (int t = 0; t < isa::kDTypes; ++t)
    if (text == dtype_text(static_cast<isa::DType>(t))) return static_cast<isa::DType>(t);
  fail("dtype", "tensor " + tensor + " has dtype '" + text + "', which is not known");
}

template <class T>
T field(const ordered_json& entry, const char* key, const std::string& tensor) {
  const auto it = entry.find(key);
  if (it == entry.end()) fail("field", tensor + " has no \"" + key + "\"");
  try {
    return it->get<T>();
  } catch (const nlohmann::json::exception&) {
    fail("field", tensor + ": \"" + key + "\" has the wrong type");
  }
}

Entry parse_entry(const ordered_json& json, size_t index) {
  const std::string label = "entry " + std::to_string(index);
  if (!json.is_object()) fail("field", label + " is not an object");
  Entry e;
  e.spec.name = field<std::string>(json, "name", label);
  const std::string tensor = "tensor " + e.spec.name;
  e.spec.shape = field<std::vector<int64_t>>(json, "shape", tensor);
  e.spec.dtype = dtype_from(field<std::string>(json, "dtype", tensor), e.spec.name);
  e.spec.role = role_from(field<std::string>(json, "role", tensor), e.spec.name);
  e.file = field<std::string>(json, "file", tensor);
  const fs::path path(e.file);
  const bool leaves =
      path.is_absolute() ||
      std::any_of(path.begin(), path.end(), [](const fs::path& p) { return p == ".."; });
  if (leaves || e.file.empty())
    fail("file", tensor + ": \"" + e.file + "\" is not a file inside the folder");
  return e;
}

std::vector<Entry> read_manifest(const fs::path& dir) {
  std::ifstream in(dir / kManifest);
  if (!in) fail("open", "cannot be opened in " + dir.string());
  ordered_json json;
  try {
    json = ordered_json::parse(in);
  } catch (const nlohmann::json::exception& e) {
    std::string reason = e.what();
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    fail("syntax", reason);
  }
  if (!json.is_object() || !json.contains("tensors") || !json["tensors"].is_array())
    fail("field", "there is no list \"tensors\"");
  std::vector<Entry> entries;
  for (const auto& item : json["tensors"]) {
    entries.push_back(parse_entry(item, entries.size()));
    for (size_t i = 0; i + 1 < entries.size(); ++i)
      if (entries[i].spec.name == entries.back().spec.name)
        fail("duplicate", "tensor " + entries[i].spec.name + " is listed twice");
  }
  return entries;
}

void check_entry(const TensorSpec& given, const TensorSpec& wanted) {
  if (given.dtype != wanted.dtype)
    fail("dtype", "tensor " + wanted.name + " is " + dtype_text(given.dtype) +
                      ", the program needs " + dtype_text(wanted.dtype));
  if (given.shape != wanted.shape)
    fail("shape", "tensor " + wanted.name + " is " + shape_text(given.shape) +
                      ", the program needs " + shape_text(wanted.shape));
  if (given.role != wanted.role)
    fail("role", "tensor " + wanted.name + " is an " + role_text(given.role) +
                     ", the program has it as " + role_text(wanted.role));
}

}  // namespace

std::string dtype_text(isa::DType t) {
  std::string text(isa::name(t));
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

TensorSet load_tensors(const fs::path& dir, const std::vector<TensorSpec>& expected) {
  const std::vector<Entry> entries = read_manifest(dir);
  TensorSet set;
  for (const TensorSpec& wanted : expected) {
    const auto entry = std::find_if(entries.begin(), entries.end(),
                                    [&](const Entry& e) { return e.spec.name == wanted.name; });
    if (entry == entries.end()) {
      std::vector<std::string> names;
      for (const Entry& e : entries) names.push_back(e.spec.name);
      fail("missing-tensor",
           "tensor " + wanted.name + " is not listed" + did_you_mean(wanted.name, names));
    }
    check_entry(entry->spec, wanted);
    set.add(read_npy(dir / entry->file, wanted));
  }
  return set;
}

void save_tensors(const fs::path& dir, const TensorSet& tensors) {
  std::error_code error;
  fs::create_directories(dir, error);
  if (error) fail("write", "the folder " + dir.string() + " cannot be created");
  ordered_json list = ordered_json::array();
  for (const HostTensor& t : tensors.all()) {
    const std::string file = t.name + ".npy";
    write_npy(dir / file, t);
    list.push_back({{"name", t.name},
                    {"shape", t.shape},
                    {"dtype", dtype_text(t.dtype)},
                    {"role", role_text(t.role)},
                    {"file", file}});
  }
  std::ofstream out(dir / kManifest);
  out << ordered_json{{"tensors", list}}.dump(1) << "\n";
  out.close();
  if (!out) fail("write", "cannot be written in " + dir.string());
}

}  // namespace kernels
