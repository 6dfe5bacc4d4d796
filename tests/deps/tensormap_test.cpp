// The overlap rules of runtime.md §1.5.
#include "lower/deps_tensormap.h"

#include "program_maker.h"

using namespace maker;
using lower::Overlap;
using lower::overlap;

namespace {

TensorArg view(int64_t offset, std::vector<int64_t> shape, std::vector<int64_t> strides,
               DType t = DType::F32) {
  TensorArg a;
  a.buffer = BufferId(0);
  a.dtype = t;
  a.offset = offset;
  a.shape = std::move(shape);
  a.strides = std::move(strides);
  return a;
}
/// [rows x cols] at (row, col) of a [64 x 128] tensor.
TensorArg part(int row, int col, int rows, int cols) {
  return view(row * 128 + col, {rows, cols}, {128, 1});
}

}  // namespace

TEST_CASE("element ranges that do not meet") {
  CHECK(overlap(part(0, 0, 8, 128), part(8, 0, 8, 128)) == Overlap::None);
  CHECK(overlap(view(0, {16}, {1}), view(16, {16}, {1})) == Overlap::None);
  CHECK(overlap(view(0, {17}, {1}), view(16, {16}, {1})) == Overlap::Other);
}

TEST_CASE("ranges that meet, dimensions that do not") {
  // Two column halves: the element ranges interleave, the columns are disjoint.
  CHECK(overlap(part(0, 0, 64, 64), part(0, 64, 64, 64)) == Overlap::None);
  CHECK(overlap(part(0, 0, 64, 65), part(0, 64, 64, 64)) == Overlap::Other);
  CHECK(overlap(part(3, 10, 2, 10), part(4, 20, 1, 5)) == Overlap::None);
}

TEST_CASE("covered: the new view contains the old one, not the reverse") {
  CHECK(overlap(part(0, 0, 64, 128), part(4, 16, 8, 8)) == Overlap::Covered);
  CHECK(overlap(part(4, 16, 8, 8), part(0, 0, 64, 128)) == Overlap::Other);
  CHECK(overlap(part(4, 16, 8, 8), part(4, 16, 8, 8)) == Overlap::Covered);
  CHECK(overlap(part(4, 16, 8, 8), part(4, 16, 8, 9)) == Overlap::Other);
  CHECK(overlap(view(0, {2, 8, 16}, {1024, 128, 1}),
                view(1024 + 128, {1, 2, 16}, {1024, 128, 1})) == Overlap::Covered);
}

TEST_CASE("geometry that cannot be compared counts as overlap") {
  const TensorArg a = part(0, 0, 64, 64), b = part(0, 64, 64, 64);  // disjoint columns
  TensorArg other_type = b, other_strides = b, transposed = b;
  other_type.dtype = DType::I32;
  other_strides.strides = {64, 1};
  transposed.strides = {1, 128};
  CHECK(overlap(a, other_type) == Overlap::Other);
  CHECK(overlap(a, other_strides) == Overlap::Other);
  CHECK(overlap(a, transposed) == Overlap::Other);
  CHECK(overlap(a, view(64, {64 * 64}, {1})) == Overlap::Other);  // another rank
  TensorArg odd_a = a, odd_b = b;
  odd_a.strides = odd_b.strides = {100, 64};  // strides that do not divide
  odd_a.shape = odd_b.shape = {64, 1};
  CHECK(overlap(odd_a, odd_b) == Overlap::Other);
  // Every other element, one view on even and one on odd ones.
  CHECK(overlap(view(0, {4, 8}, {128, 2}), view(1, {4, 8}, {128, 2})) == Overlap::Other);
  // A view that runs over its row end has no place in the reference shape.
  CHECK(overlap(part(0, 100, 4, 64), part(1, 64, 2, 16)) == Overlap::Other);
}

TEST_CASE("the map: lookups see live writers, INOUT removes what it covers") {
  lower::TensorMap map(1);
  std::vector<lower::TensorMap::Hit> hits;
  map.insert(TaskId(1), part(0, 0, 8, 128));
  map.insert(TaskId(2), part(8, 0, 8, 128));
  map.lookup(part(4, 0, 8, 128), false, hits);
  REQUIRE(hits.size() == 2);
  CHECK_FALSE(hits[0].covered);
  map.lookup(part(0, 0, 12, 128), true, hits);  // covers writer 1, touches writer 2
  REQUIRE(hits.size() == 2);
  CHECK(hits[0].covered);
  CHECK_FALSE(hits[1].covered);
  CHECK(map.writers(BufferId(0)) == std::vector<TaskId>{TaskId(2)});
  map.lookup(part(8, 0, 8, 128), false, hits);  // INPUT covers without removing
  REQUIRE(hits.size() == 1);
  CHECK(hits[0].covered);
  CHECK(map.writers(BufferId(0)).size() == 1);
}
