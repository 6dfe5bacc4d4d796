#include <catch2/catch.hpp>
#include <cstring>

#include "error_id.h"
#include "kernels/npy.h"
#include "temp_dir.h"

using namespace kernels;
using isa::DType;
using kernels_test::error_id;
using kernels_test::error_of;
using kernels_test::read_file;
using kernels_test::TempDir;
using kernels_test::write_file;

namespace {

/// A version 1.0 file as the format's specification describes it.
std::string npy(const std::string& dictionary, const std::string& data, char version = 1) {
  std::string header = dictionary + "\n";
  std::string file = "\x93NUMPY";
  file += version;
  file += '\0';
  file += static_cast<char>(header.size() & 0xff);
  file += static_cast<char>(header.size() >> 8);
  if (version > 1) file += std::string(2, '\0');
  return file + header + data;
}

const char kDict[] = "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }";
const std::string kData("\x01\x00\x02\x00\x03\x00\x04\x00\xff\xff\x00\x80", 12);
const TensorSpec kSpec = {"t", DType::I16, {2, 3}, Role::Input};

std::string refusal(const std::string& bytes, const TensorSpec& spec = kSpec) {
  const TempDir dir;
  write_file(dir / "a.npy", bytes);
  return error_id([&] { read_npy(dir / "a.npy", spec); });
}

}  // namespace

TEST_CASE("a file written to the specification is read") {
  const TempDir dir;
  for (char version : {1, 2, 3}) {
    write_file(dir / "a.npy", npy(kDict, kData, version));
    const HostTensor t = read_npy(dir / "a.npy", kSpec);
    const int16_t expected[] = {1, 2, 3, 4, -1, -32768};
    CHECK(std::memcmp(t.bytes.get(), expected, sizeof expected) == 0);
    CHECK(t.name == "t");
  }
}

TEST_CASE("what is written has the specified bytes") {
  const TempDir dir;
  const HostTensor t = make_tensor("t", DType::F32, {3}, Role::Output);
  t.as<float>()[1] = 1.5f;
  write_npy(dir / "a.npy", t);
  const std::string bytes = read_file(dir / "a.npy");
  CHECK(bytes.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
  const size_t header =
      static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
  CHECK((10 + header) % 64 == 0);
  CHECK(bytes[10 + header - 1] == '\n');
  CHECK(bytes.substr(10, 59) == "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }  ");
  CHECK(bytes.substr(10 + header) == std::string("\0\0\0\0\0\0\xc0\x3f\0\0\0\0", 12));
}

TEST_CASE("every dtype and rank survives a round trip") {
  const TempDir dir;
  for (int d = 0; d < isa::kDTypes; ++d) {
    for (const std::vector<int64_t>& shape :
         {std::vector<int64_t>{}, std::vector<int64_t>{5}, std::vector<int64_t>{2, 1, 7}}) {
      const HostTensor t = make_tensor("t", static_cast<DType>(d), shape, Role::Output);
      for (int64_t i = 0; i < t.size_bytes(); ++i)
        t.bytes.get()[i] = static_cast<uint8_t>(37 * i + 11);
      write_npy(dir / "a.npy", t);
      const HostTensor back = read_npy(dir / "a.npy", {"t", t.dtype, shape, Role::Output});
      CHECK(std::memcmp(back.bytes.get(), t.bytes.get(), static_cast<size_t>(t.size_bytes())) == 0);
    }
  }
}

TEST_CASE("bf16 is stored as raw uint16") {
  const TempDir dir;
  const HostTensor t = make_tensor("t", DType::BF16, {2}, Role::Input);
  t.as<uint16_t>()[0] = 0x3f80;
  write_npy(dir / "a.npy", t);
  CHECK(read_file(dir / "a.npy").find("'<u2'") != std::string::npos);
  CHECK(read_npy(dir / "a.npy", {"t", DType::U16, {2}}).as<uint16_t>()[0] == 0x3f80);
}

TEST_CASE("broken files are refused with the reason") {
  const std::string good = npy(kDict, kData);
  CHECK(refusal(good) == "");
  CHECK(refusal("") == "npy.magic");
  CHECK(refusal("PK\x03\x04 a zip archive") == "npy.magic");
  CHECK(refusal(good.substr(0, 9)) == "npy.truncated");
  CHECK(refusal(good.substr(0, 40)) == "npy.truncated");
  CHECK(refusal(good.substr(0, good.size() - 1)) == "npy.truncated");
  CHECK(refusal(good + "x") == "npy.trailing");
  CHECK(refusal(npy(kDict, kData, 9)) == "npy.version");
  CHECK(refusal(npy("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }", kData)) ==
        "npy.fortran-order");
  CHECK(refusal(npy("{'descr': '>i2', 'fortran_order': False, 'shape': (2, 3), }", kData)) ==
        "npy.dtype");
  CHECK(refusal(npy("{'descr': '<i2', 'fortran_order': False, 'shape': (3, 2), }", kData)) ==
        "npy.shape");
  CHECK(refusal(npy("{'descr': '<i2', 'fortran_order': False, 'shape': (6,), }", kData)) ==
        "npy.shape");
  CHECK(refusal(npy("{'descr': '<i2', 'fortran_order': False}", kData)) == "npy.header");
  CHECK(refusal(npy("{'descr': '<i2', 'fortran_order': False, 'shape': (2, x), }", kData)) ==
        "npy.header");
  CHECK(refusal(npy("{'descr': '<i2", kData)) != "");
  std::string huge = good;
  huge[6] = 2;  // version 2: a four-byte length, here nonsense
  huge[11] = '\x7f';
  CHECK(refusal(huge) == "npy.header");
}

TEST_CASE("messages name file, tensor and both sides") {
  const TempDir dir;
  write_file(dir / "a.npy", npy(kDict, kData));
  const std::string shape = error_of([&] { read_npy(dir / "a.npy", {"w", DType::I16, {6, 1}}); });
  CHECK(shape.find("a.npy: has shape [2, 3], tensor w is [6, 1]") != std::string::npos);
  const std::string type = error_of([&] { read_npy(dir / "a.npy", {"w", DType::BF16, {2, 3}}); });
  CHECK(type.find("holds <i2, tensor w is BF16 (<u2)") != std::string::npos);
  CHECK(error_id([&] { read_npy(dir / "none.npy", kSpec); }) == "npy.open");
  CHECK(error_id([&] { read_npy(dir.path(), kSpec); }) == "npy.open");
  CHECK(error_id([&] {
          write_npy(dir / "no/such/folder.npy", make_tensor("t", DType::I8, {1}, Role::Output));
        }) == "npy.write");
}
