// Instructions that move whole elements: their type does not matter, only its size.
#pragma once

#include "isa/semantics.h"

namespace isa {

void move_tile(Opcode op, const TileView& dst, const TileView& src);
void fill(const TileView& dst, int64_t rows, int64_t cols, double value);
void expand_column(Opcode op, const TileView& dst, const TileView& column, int64_t rows,
                   int64_t cols);
void expand_row(Opcode op, const TileView& dst, const TileView& row, int64_t rows, int64_t cols);
void fillpad(const Attr& attr, const TileView& dst, const TileView& src);
void ramp(const Attr& attr, const TileView& dst);
void select(const TileView& dst, const TileView& mask, const TileView& a, const TileView& b);
void gather(const TileView& dst, const TileView& src, const TileView& index);
void scatter(const TileView& dst, const TileView& src, const TileView& index);
void gather_mask(const Attr& attr, const TileView& dst, const TileView& src);
void scatter_mask(const Attr& attr, const TileView& dst, const TileView& src);
void transpose(const TileView& dst, const TileView& src);
void concat(const TileView& dst, const TileView& a, const TileView& b);

// (score, id) lists: sorting.cpp
void sort32(const TileView& dst, const TileView& scores, const TileView& ids);
void merge_sort(const Attr& attr, const TileView& dst, const TileView* lists, int n_lists);

// TCVT: convert.cpp
void convert(const Attr& attr, const TileView& dst, const TileView& src);

}  // namespace isa
