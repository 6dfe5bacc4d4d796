#include "python/src/site.h"

#include <pybind11/pybind11.h>

#include <deque>
#include <unordered_map>

namespace front {
namespace {

namespace py = pybind11;

struct Place {
  isa::Site site;
  std::string function;
  bool internal = false;  ///< of this package: the caller's frame counts
};

struct Key {
  PyCodeObject* code;
  int position;
  bool operator==(const Key& o) const { return code == o.code && position == o.position; }
};
struct KeyHash {
  size_t operator()(const Key& k) const {
    return (reinterpret_cast<uintptr_t>(k.code) >> 4) * 0x9e3779b97f4a7c15ull +
           static_cast<size_t>(k.position) * 0xff51afd7ed558ccdull;
  }
};

/// Sites point at file names: both live as long as the process.
const char* keep_forever(const std::string& text) {
  static auto* names = new std::deque<std::string>();
  for (const std::string& known : *names)
    if (known == text) return known.c_str();
  return names->emplace_back(text).c_str();
}

bool in_package(const std::string& file) {
  static const std::string folder = [] {
    const std::string own = py::str(py::module_::import("pypto").attr("__file__"));
    return own.substr(0, own.rfind('/') + 1);
  }();
  return file.compare(0, folder.size(), folder) == 0;
}

int position_of(PyFrameObject* frame) {
#if PY_VERSION_HEX >= 0x030B0000
  return PyFrame_GetLasti(frame);
#else
  return PyFrame_GetLineNumber(frame);
#endif
}

/// Guarded by the GIL; codes in it are kept alive, so a pointer means one code.
const Place& place_of(PyFrameObject* frame) {
  static auto* known = new std::unordered_map<Key, Place, KeyHash>();
  static Key last_key{nullptr, 0};
  static const Place* last = nullptr;
  PyCodeObject* code = PyFrame_GetCode(frame);
  const Key key{code, position_of(frame)};
  if (last != nullptr && key == last_key) {
    Py_DECREF(code);
    return *last;
  }
  auto it = known->find(key);
  if (it == known->end()) {
    const std::string file = py::str(py::handle(code->co_filename));
    Place place;
    place.site = {keep_forever(file), PyFrame_GetLineNumber(frame)};
    place.function = py::str(py::handle(code->co_name));
    place.internal = in_package(file);
    it = known->emplace(key, std::move(place)).first;  // keeps the reference to code
  } else {
    Py_DECREF(code);
  }
  last_key = key;
  last = &it->second;
  return *last;
}

const Place* current_place() {
  PyFrameObject* frame = PyThreadState_GetFrame(PyThreadState_Get());
  while (frame != nullptr) {
    const Place& place = place_of(frame);
    if (!place.internal) {
      Py_DECREF(frame);
      return &place;
    }
    PyFrameObject* outer = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = outer;
  }
  return nullptr;
}

}  // namespace

isa::Site here() {
  const Place* place = current_place();
  return place == nullptr ? isa::Site{} : place->site;
}

std::string assigned_name() {
  const isa::Site site = here();
  const std::string line =
      py::str(py::module_::import("linecache").attr("getline")(site.file, site.line));
  const size_t first = line.find_first_not_of(" \t");
  const size_t equals = line.find('=');
  if (first == std::string::npos || equals == std::string::npos || line[equals + 1] == '=')
    return "";
  const size_t last = line.find_last_not_of(" \t", equals - 1);
  if (last == std::string::npos || last < first) return "";
  const std::string name = line.substr(first, last + 1 - first);
  for (char c : name)
    if (!(isalnum(static_cast<unsigned char>(c)) || c == '_')) return "";
  return name;
}

std::string function_name() {
  const Place* place = current_place();
  return place == nullptr ? "" : place->function;
}

}  // namespace front
