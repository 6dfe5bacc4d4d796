#include "kernels/npy.h"

#include <cstring>
#include <fstream>

#include "isa/error.h"
#include "kernels/text.h"

namespace kernels {
namespace {

using isa::DType;

constexpr char kMagic[] = "\x93NUMPY";
constexpr size_t kMagicSize = 6;

/// NumPy's type string; BF16 has none of its own.
const char* descr(DType t) {
  switch (t) {
    case DType::F32:
      return "<f4";
    case DType::BF16:
      return "<u2";
    case DType::F16:
      return "<f2";
    case DType::I8:
      return "|i1";
    case DType::U8:
      return "|u1";
    case DType::I16:
      return "<i2";
    case DType::U16:
      return "<u2";
    case DType::I32:
      return "<i4";
    case DType::U32:
      return "<u4";
    case DType::I64:
      return "<i8";
  }
  return "";
}

[[noreturn]] void fail(const std::string& id, const std::filesystem::path& file,
                       const std::string& message) {
  throw isa::Error("npy." + id, file.filename().string(), message);
}

/// The text after `'key':` in the header dictionary, up to the closing delimiter.
std::string header_value(const std::filesystem::path& file, const std::string& header,
                         const std::string& key) {
  const size_t at = header.find("'" + key + "'");
  const size_t colon = at == std::string::npos ? at : header.find(':', at);
  if (colon == std::string::npos) fail("header", file, "the header has no '" + key + "'");
  const size_t begin = header.find_first_not_of(' ', colon + 1);
  if (begin == std::string::npos) fail("header", file, "the header ends after '" + key + "'");
  if (header[begin] == '\'') {
    const size_t end = header.find('\'', begin + 1);
    if (end == std::string::npos) fail("header", file, "'" + key + "' is not closed");
    return header.substr(begin + 1, end - begin - 1);
  }
  if (header[begin] == '(') {
    const size_t end = header.find(')', begin);
    if (end == std::string::npos) fail("header", file, "'" + key + "' is not closed");
    return header.substr(begin + 1, end - begin - 1);
  }
  return header.substr(begin, header.find_first_of(",}", begin) - begin);
}

std::vector<int64_t> parse_shape(const std::filesystem::path& file, const std::string& text) {
  std::vector<int64_t> shape;
  size_t at = 0;
  while (true) {
    at = text.find_first_not_of(" ,", at);
    if (at == std::string::npos) return shape;
    size_t used = 0;
    try {
      shape.push_back(std::stoll(text.substr(at), &used));
    } catch (const std::exception&) {
      fail("header", file, "the shape (" + text + ") is not a list of numbers");
    }
    at += used;
  }
}

std::string read_header(std::ifstream& in, const std::filesystem::path& file) {
  unsigned char start[kMagicSize + 2];
  if (!in.read(reinterpret_cast<char*>(start), sizeof start) ||
      std::memcmp(start, kMagic, kMagicSize) != 0)
    fail("magic", file, "is not an .npy file (it does not start with \\x93NUMPY)");
  const int version = start[kMagicSize];
  if (version < 1 || version > 3)
    fail("version", file, "has format version " + std::to_string(version) + "; 1 to 3 are known");
  unsigned char length[4] = {};
  const int length_bytes = version == 1 ? 2 : 4;
  if (!in.read(reinterpret_cast<char*>(length), length_bytes))
    fail("truncated", file, "ends in its header");
  const uint32_t size = length[0] | (uint32_t{length[1]} << 8) | (uint32_t{length[2]} << 16) |
                        (uint32_t{length[3]} << 24);
  constexpr uint32_t kMaxHeader = 1 << 16;
  if (size > kMaxHeader)
    fail("header", file, "announces a header of " + std::to_string(size) + " bytes");
  std::string header(size, '\0');
  if (!in.read(header.data(), size)) fail("truncated", file, "ends in its header");
  return header;
}

}  // namespace

HostTensor read_npy(const std::filesystem::path& file, const TensorSpec& spec) {
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file))
    fail("open", file, "cannot be opened (tensor " + spec.name + ")");
  const std::string header = read_header(in, file);
  if (header_value(file, header, "fortran_order") != "False")
    fail("fortran-order", file, "is in Fortran order; save it in C order");
  const std::string type = header_value(file, header, "descr");
  if (type != descr(spec.dtype))
    fail("dtype", file,
         "holds " + type + ", tensor " + spec.name + " is " + std::string(isa::name(spec.dtype)) +
             " (" + descr(spec.dtype) + ")");
  const std::vector<int64_t> shape = parse_shape(file, header_value(file, header, "shape"));
  if (shape != spec.shape)
    fail("shape", file,
         "has shape " + shape_text(shape) + ", tensor " + spec.name + " is " +
             shape_text(spec.shape));
  HostTensor t = make_tensor(spec);
  in.read(reinterpret_cast<char*>(t.bytes.get()), t.size_bytes());
  if (in.gcount() != t.size_bytes())
    fail("truncated", file,
         "has " + std::to_string(in.gcount()) + " bytes of data, tensor " + spec.name + " needs " +
             std::to_string(t.size_bytes()));
  if (in.peek() != std::ifstream::traits_type::eof())
    fail("trailing", file, "has more data than its shape " + shape_text(shape) + " announces");
  return t;
}

void write_npy(const std::filesystem::path& file, const HostTensor& tensor) {
  std::string shape;
  for (int64_t d : tensor.shape) shape += std::to_string(d) + ", ";
  if (tensor.shape.size() > 1) shape.resize(shape.size() - 2);
  if (tensor.shape.size() == 1) shape.pop_back();
  std::string header = "{'descr': '" + std::string(descr(tensor.dtype)) +
                       "', 'fortran_order': False, 'shape': (" + shape + "), }";
  constexpr size_t kAlign = 64, kPrefix = kMagicSize + 4;
  header.append(kAlign - 1 - (kPrefix + header.size()) % kAlign, ' ');
  header += '\n';

  std::ofstream out(file, std::ios::binary);
  out.write(kMagic, kMagicSize);
  const char version_and_length[] = {1, 0, static_cast<char>(header.size() & 0xff),
                                     static_cast<char>(header.size() >> 8)};
  out.write(version_and_length, sizeof version_and_length);
  out.write(header.data(), static_cast<std::streamsize>(header.size()));
  out.write(reinterpret_cast<const char*>(tensor.bytes.get()), tensor.size_bytes());
  out.close();
  if (!out) fail("write", file, "cannot be written");
}

}  // namespace kernels
