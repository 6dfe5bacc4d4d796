// Pictures of a run: an SVG for documents and a page to look around in.
#pragma once

#include <string>
#include <vector>

#include "isa/graph.h"
#include "traces/timeline.h"

namespace traces {

struct SvgOptions {
  std::string title;
  int width = 1200;     ///< pixels
  int lane_height = 7;  ///< pixels per core
};

/// The swimlane as SVG: a lane per core, cubes above vectors, coloured by scope, with a legend and
/// a time axis in us from the first submit. Error "traces.timeline".
std::string swimlane_svg(const Timeline& timeline, const isa::TaskGraph& graph,
                         const SvgOptions& options = {});

/// One run for the viewer; both references must outlive the call.
struct ViewerRun {
  std::string label;
  const Timeline& timeline;
  const isa::TaskGraph& graph;
};

struct ViewerOptions {
  std::string title;
  bool instructions = true;  ///< pipe lanes, if the timeline holds instructions
};

/// A page that shows one run, or two over each other aligned at their first submit; self-contained,
/// works from a file. Errors "traces.timeline", "traces.viewer" (not one or two runs).
std::string viewer_html(const std::vector<ViewerRun>& runs, const ViewerOptions& options = {});

/// The data behind the page as JSON (times in whole nanoseconds from the first submit).
std::string viewer_data(const std::vector<ViewerRun>& runs, const ViewerOptions& options = {});

/// Colour of the n-th scope, "#rrggbb"; repeats after twenty.
std::string scope_colour(int index);

}  // namespace traces
