// TSORT32 and TMRGSORT work on lists of (score, id) words: the id's bits ride along and are never
// computed with (feasibility.md §5).
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "isa/checks.h"
#include "isa/lanes.h"
#include "isa/numerics.h"

namespace isa {
namespace {

struct Pair {
  uint32_t score, id;
};

/// Descending, NaN before every number.
bool before(const Pair& a, const Pair& b) {
  const float x = bits_to_float(a.score), y = bits_to_float(b.score);
  if (std::isnan(x) || std::isnan(y)) return std::isnan(x) && !std::isnan(y);
  return x > y;
}

void append(std::vector<Pair>& list, const uint32_t* words, int64_t n_words) {
  for (int64_t i = 0; i + 1 < n_words; i += 2) list.push_back({words[i], words[i + 1]});
}
void write(uint32_t* words, const std::vector<Pair>& list) {
  for (const Pair& p : list) {
    *words++ = p.score;
    *words++ = p.id;
  }
}

/// Merges sorted runs that follow each other in `list`; `ends` are their ends. Equal scores keep
/// their order.
void merge_runs(std::vector<Pair>& list, const std::vector<size_t>& ends) {
  using Offset = std::vector<Pair>::difference_type;
  for (size_t i = 1; i < ends.size(); ++i)
    std::inplace_merge(list.begin(), list.begin() + static_cast<Offset>(ends[i - 1]),
                       list.begin() + static_cast<Offset>(ends[i]), before);
}

void require_words(const TileView& t) {
  if (t.dtype != DType::F32) reject_dtype(Opcode::TMRGSORT, t);
}

void merge_one_list(const Attr& attr, const TileView& dst, const TileView& src) {
  const int64_t run = attr.block_len;
  if (run < 0 || run % 2 != 0 || src.valid_cols % 2 != 0)
    reject_shape(Opcode::TMRGSORT,
                 fmt::format("block_len {} and width {} must be whole (score, id) pairs", run,
                             src.valid_cols));
  require_area(Opcode::TMRGSORT, "dst", dst, valid_area(src));
  std::vector<Pair> list;
  std::vector<size_t> ends;
  for (int64_t r = 0; r < src.valid_rows; ++r)
    for (int64_t c = 0; c < src.valid_cols; c += 4 * run) {
      list.clear();
      ends.clear();
      for (int64_t s = c; s < std::min<int64_t>(c + 4 * run, src.valid_cols); s += run) {
        append(list, src.row<uint32_t>(r) + s, std::min<int64_t>(run, src.valid_cols - s));
        ends.push_back(list.size());
      }
      merge_runs(list, ends);
      write(dst.row<uint32_t>(r) + c, list);
    }
}

void merge_lists(const TileView& dst, const TileView* lists, int n_lists) {
  int64_t width = 0;
  for (int i = 0; i < n_lists; ++i) {
    require_words(lists[i]);
    if (lists[i].valid_rows != lists[0].valid_rows || lists[i].valid_cols % 2 != 0)
      reject_shape(Opcode::TMRGSORT,
                   fmt::format("list {} must have {} rows of whole (score, id) pairs",
                               describe(lists[i]), lists[0].valid_rows));
    width += lists[i].valid_cols;
  }
  require_area(Opcode::TMRGSORT, "dst", dst, {lists[0].valid_rows, width});
  std::vector<Pair> list;
  std::vector<size_t> ends;
  for (int64_t r = 0; r < lists[0].valid_rows; ++r) {
    list.clear();
    ends.clear();
    for (int i = 0; i < n_lists; ++i) {
      append(list, lists[i].row<uint32_t>(r), lists[i].valid_cols);
      ends.push_back(list.size());
    }
    merge_runs(list, ends);
    write(dst.row<uint32_t>(r), list);
  }
}

}  // namespace

void sort32(const TileView& dst, const TileView& scores, const TileView& ids) {
  if (scores.dtype != DType::F32) reject_dtype(Opcode::TSORT32, scores);
  if (ids.dtype != DType::U32 && ids.dtype != DType::I32) reject_dtype(Opcode::TSORT32, ids);
  if (dst.dtype != DType::F32) reject_dtype(Opcode::TSORT32, dst);
  const Area area = valid_area(scores);
  require_area(Opcode::TSORT32, "ids", ids, area);
  require_area(Opcode::TSORT32, "dst", dst, {area.rows, 2 * area.cols});
  std::vector<Pair> group;
  for (int64_t r = 0; r < area.rows; ++r)
    for (int64_t c = 0; c < area.cols; c += 32) {
      group.clear();
      for (int64_t i = c; i < std::min<int64_t>(c + 32, area.cols); ++i)
        group.push_back({scores.row<uint32_t>(r)[i], ids.row<uint32_t>(r)[i]});
      std::stable_sort(group.begin(), group.end(), before);
      write(dst.row<uint32_t>(r) + 2 * c, group);
    }
}

void merge_sort(const Attr& attr, const TileView& dst, const TileView* lists, int n_lists) {
  require_words(dst);
  require_words(lists[0]);
  if (n_lists == 1 && attr.block_len != 0) return merge_one_list(attr, dst, lists[0]);
  if (n_lists < 2 || n_lists > 4)
    reject_shape(Opcode::TMRGSORT,
                 fmt::format("merges 2 to 4 lists, or one with a block_len; got {}", n_lists));
  merge_lists(dst, lists, n_lists);
}

}  // namespace isa
