// sort32 and mrgsort against std::stable_sort.
#include "support.h"

using namespace isa_test;

namespace {

struct Pair {
  float score;
  uint32_t id;
};

Pair pair_at(const Tile& t, int r, int k) {
  return {t.at<float>(r, 2 * k), t.at<uint32_t>(r, 2 * k + 1)};
}

bool descending(const Pair& x, const Pair& y) { return x.score > y.score; }

/// Scores from a small set, so that ties are common; ids that are NaN patterns or huge as floats.
void fill_pairs(Tile& scores, Tile& ids, Random& random) {
  std::uniform_int_distribution<int> small(-6, 6);
  for (int r = 0; r < scores.view.rows; ++r)
    for (int c = 0; c < scores.view.cols; ++c) {
      scores.at<float>(r, c) = static_cast<float>(small(random)) * 0.25f;
      ids.at<uint32_t>(r, c) = 0x7fc00000u + static_cast<uint32_t>(c);
    }
}

Mismatches compare(const std::vector<Pair>& want, const Tile& got, int row, int first) {
  Mismatches m;
  for (size_t k = 0; k < want.size(); ++k) {
    const Pair p = pair_at(got, row, first + static_cast<int>(k));
    m.expect(float_bits(p.score) == float_bits(want[k].score) && p.id == want[k].id, "row", row,
             "pair", k, "is", p.score, p.id);
  }
  return m;
}

}  // namespace

TEST_CASE("sort32 sorts groups of 32 descending, ties by position") {
  Random random(1);
  for (const int n : {1, 31, 32, 33, 256, 300}) {
    Tile scores(DType::F32, 2, n), ids(DType::U32, 2, n), dst(DType::F32, 2, 2 * n);
    fill_pairs(scores, ids, random);
    run(Opcode::TSORT32, dst, {&scores, &ids});
    for (int r = 0; r < 2; ++r)
      for (int c = 0; c < n; c += 32) {
        std::vector<Pair> group;
        for (int i = c; i < std::min(c + 32, n); ++i)
          group.push_back({scores.at<float>(r, i), ids.at<uint32_t>(r, i)});
        std::stable_sort(group.begin(), group.end(), descending);
        CAPTURE(n);
        REQUIRE_NO_MISMATCH(compare(group, dst, r, c));
      }
  }
}

TEST_CASE("sort32 and the mrgsort ladder sort a whole row") {
  Random random(2);
  for (const int n : {128, 512, 2048, 1000}) {
    Tile scores(DType::F32, 1, n), ids(DType::U32, 1, n);
    Tile a(DType::F32, 1, 2 * n), b(DType::F32, 1, 2 * n);
    fill_pairs(scores, ids, random);
    run(Opcode::TSORT32, a, {&scores, &ids});
    Tile *from = &a, *to = &b;
    for (int block = 64; block < 2 * n; block *= 4) {  // 64, 256, 1024
      isa::Attr attr;
      attr.block_len = block;
      run(Opcode::TMRGSORT, *to, {from}, attr);
      std::swap(from, to);
      // every run of 4 * block words is sorted now
      for (int c = 0; c < n; c += 2 * block) {
        std::vector<Pair> want;
        for (int i = c; i < std::min(c + 2 * block, n); ++i)
          want.push_back({scores.at<float>(0, i), ids.at<uint32_t>(0, i)});
        std::stable_sort(want.begin(), want.end(), descending);
        CAPTURE(n, block, c);
        REQUIRE_NO_MISMATCH(compare(want, *from, 0, c));
      }
    }
  }
}

TEST_CASE("mrgsort merges two to four lists; equal scores keep the order of the lists") {
  Random random(3);
  std::uniform_int_distribution<int> small(0, 9);
  for (int lists = 2; lists <= 4; ++lists) {
    std::vector<Tile> tiles;
    std::vector<std::vector<Pair>> want(2);
    int total = 0;
    for (int l = 0; l < lists; ++l) {
      const int n = 8 + 24 * l;
      Tile t(DType::F32, 2, 2 * n);
      for (int r = 0; r < 2; ++r) {
        std::vector<Pair> list;
        for (int i = 0; i < n; ++i)
          list.push_back({static_cast<float>(small(random)), static_cast<uint32_t>(1000 * l + i)});
        std::stable_sort(list.begin(), list.end(), descending);
        for (int i = 0; i < n; ++i) {
          t.at<float>(r, 2 * i) = list[i].score;
          t.at<uint32_t>(r, 2 * i + 1) = list[i].id;
        }
        want[r].insert(want[r].end(), list.begin(), list.end());
      }
      total += n;
      tiles.push_back(t);
    }
    Tile dst(DType::F32, 2, 2 * total);
    std::vector<const Tile*> src;
    for (const Tile& t : tiles) src.push_back(&t);
    run(Opcode::TMRGSORT, dst, src);
    for (int r = 0; r < 2; ++r) {
      std::stable_sort(want[r].begin(), want[r].end(), descending);
      CAPTURE(lists);
      REQUIRE_NO_MISMATCH(compare(want[r], dst, r, 0));
    }
  }
}

TEST_CASE("a NaN score sorts before every number") {
  Tile scores(DType::F32, 1, 4), ids(DType::I32, 1, 4), dst(DType::F32, 1, 8);
  const float inf = std::numeric_limits<float>::infinity();
  const float values[] = {1, std::nanf(""), inf, -inf};
  for (int c = 0; c < 4; ++c) {
    scores.at<float>(0, c) = values[c];
    ids.at<int32_t>(0, c) = c;
  }
  run(Opcode::TSORT32, dst, {&scores, &ids});
  const uint32_t order[] = {1, 2, 0, 3};
  for (int k = 0; k < 4; ++k) CHECK(dst.at<uint32_t>(0, 2 * k + 1) == order[k]);
}
