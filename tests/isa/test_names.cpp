#include <set>

#include "support.h"

using namespace isa_test;

TEST_CASE("data types have two spellings") {
  const std::pair<const char*, const char*> spellings[] = {
      {"FP32", "float32"},  {"BF16", "bfloat16"}, {"FP16", "float16"},  {"INT8", "int8"},
      {"UINT8", "uint8"},   {"INT16", "int16"},   {"UINT16", "uint16"}, {"INT32", "int32"},
      {"UINT32", "uint32"}, {"INT64", "int64"}};
  const size_t sizes[] = {4, 2, 2, 1, 1, 2, 2, 4, 4, 8};
  for (int i = 0; i < isa::kDTypes; ++i) {
    const DType t = isa::dtype_from_name(spellings[i].first);
    CHECK(t == static_cast<DType>(i));
    CHECK(isa::dtype_from_name(spellings[i].second) == t);
    CHECK(isa::name(t) == spellings[i].first);
    CHECK(isa::size_of(t) == sizes[i]);
  }
  CHECK(error_id([] { isa::dtype_from_name("FP8"); }) == "isa.unknown-dtype");
}

TEST_CASE("every opcode has a name of its own") {
  std::set<std::string_view> names;
  for (int i = 0; i < isa::kOpcodes; ++i) names.insert(isa::name(static_cast<Opcode>(i)));
  CHECK(names.size() == static_cast<size_t>(isa::kOpcodes));
  CHECK(isa::name(Opcode::TLOAD) == "TLOAD");
  CHECK(isa::name(Opcode::TADD) == "TADD");
  CHECK(isa::name(Opcode::TCOLEXPANDEXPDIF) == "TCOLEXPANDEXPDIF");
  CHECK(isa::name(Opcode::TCONCAT) == "TCONCAT");
  CHECK(isa::name(Opcode::SYNCALL) == "SYNCALL");
}
