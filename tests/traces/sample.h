// A run made by hand: two clusters, four tasks, all times chosen so that sums can be done on paper.
#pragma once

#include <string>

#include "isa/graph.h"
#include "traces/timeline.h"

namespace sample {

/// Tasks: 0 "norm" (2 AIV blocks), 1 "proj" (1 mixed block, its second AIV lane idle), 2 "norm"
/// again (1 block), 3 a dummy. Edges 0 -> 1 -> 2 -> 3.
isa::TaskGraph graph();

/// Rows by index: 0, 1 task 0; 2 AIC, 3 AIV0, 4 idle AIV1 of task 1; 5 task 2, dispatched to the
/// second slot of core 2 while row 3 ran there. Times in the .cpp.
traces::Timeline timeline();

/// A run of realistic size: `layers` times an AIC scope of 24 blocks and an AIV scope of 48 blocks
/// on 72 cores, `instrs` instructions a row (loads, work, stores that overlap on three pipes).
struct Run {
  isa::TaskGraph graph;
  traces::Timeline timeline;
};
Run synthetic(int layers, int instrs);

traces::Picoseconds ns(int64_t value);
/// The id of the isa::Error that `f` throws, "" if it throws none; `text` gets the whole message.
template <class F>
std::string error_id(F f, std::string* text = nullptr);

}  // namespace sample

#include "isa/error.h"

template <class F>
std::string sample::error_id(F f, std::string* text) {
  try {
    f();
  } catch (const isa::Error& e) {
    if (text != nullptr) *text = e.what();
    return e.id();
  }
  return "";
}
