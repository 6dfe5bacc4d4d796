#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "traces/json_text.h"
#include "traces/naming.h"
#include "traces/picture.h"

namespace traces {
namespace {

constexpr int kLeft = 64, kRight = 16, kTop = 34, kGroupGap = 10;
constexpr int kLegendLine = 18;
constexpr const char* kIdleColour = "#e3e3e3";

constexpr std::array<const char*, 20> kColours = {
    "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#b07aa1", "#edc948",
    "#9c755f", "#ff9da7", "#2f6f8f", "#a0cbe8", "#d37295", "#8cd17d", "#86bcb6",
    "#b6992d", "#499894", "#d4a6c8", "#79706e", "#f1ce63", "#6b4c9a"};

std::string xml(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

/// A round distance of at most twelve marks over `length`: 1, 2 or 5 times a power of ten (ps).
int64_t tick_distance(int64_t length) {
  for (int64_t decade = 1000;; decade *= 10)
    for (int64_t factor : {1, 2, 5})
      if (length / (decade * factor) <= 12) return decade * factor;
}

class Svg {
 public:
  Svg(const Timeline& tl, const isa::TaskGraph& graph, const SvgOptions& options)
      : tl_(tl), graph_(graph), options_(options), scopes_(graph), zero_(time_zero(tl)) {
    for (const LaneRow& row : tl.lanes) length_ = std::max(length_, (row.finish - zero_).value);
    length_ = std::max<int64_t>(length_, 1);
    place_cores();
  }

  std::string build() {
    const int lanes_end = bottom_;
    const int legend_top = lanes_end + 34;
    const int height = legend_top + layout_legend() * kLegendLine + 6;
    put("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" width=\"{}\" "
        "height=\"{}\" font-family=\"sans-serif\" font-size=\"11\">\n",
        options_.width, height, options_.width, height);
    put("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    put("<text x=\"{}\" y=\"20\" font-size=\"14\" fill=\"#222222\">{}</text>\n", kLeft,
        xml(options_.title.empty() ? graph_.program : options_.title));
    lanes();
    axis(lanes_end);
    rows();
    legend(legend_top);
    append(out_, "</svg>\n");
    return to_string(out_);
  }

 private:
  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  void place_cores() {
    const std::vector<isa::CoreKind>& kinds = tl_.meta.core_kinds;
    core_y_.resize(kinds.size());
    int y = kTop;
    for (isa::CoreKind kind : {isa::CoreKind::AIC, isa::CoreKind::AIV}) {
      const int top = y;
      for (size_t core = 0; core < kinds.size(); ++core) {
        if (kinds[core] != kind) continue;
        core_y_[core] = y;
        y += options_.lane_height + 1;
      }
      if (y == top) continue;
      groups_.push_back({std::string(isa::name(kind)), top, y});
      y += kGroupGap;
    }
    bottom_ = y - (groups_.empty() ? 0 : kGroupGap);
  }

  double x(int64_t ps) const {
    return kLeft + static_cast<double>(ps) * (options_.width - kLeft - kRight) /
                       static_cast<double>(length_);
  }

  void lanes() {
    for (const Group& g : groups_) {
      put("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"#f6f6f6\"/>\n", kLeft, g.top,
          options_.width - kLeft - kRight, g.bottom - g.top);
      put("<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#222222\">{} x{}</text>\n", kLeft - 8,
          (g.top + g.bottom) / 2 + 4, g.title, (g.bottom - g.top) / (options_.lane_height + 1));
    }
  }

  void axis(int y) {
    const int64_t distance = tick_distance(length_);
    for (int64_t t = 0; t <= length_; t += distance) {
      put("<line x1=\"{0:.2f}\" y1=\"{1}\" x2=\"{0:.2f}\" y2=\"{2}\" stroke=\"#c8c8c8\" "
          "stroke-width=\"0.6\"/>\n",
          x(t), kTop - 4, y + 4);
      put("<text x=\"{:.2f}\" y=\"{}\" text-anchor=\"middle\" fill=\"#444444\">{:g}</text>\n", x(t),
          y + 16, static_cast<double>(t) / 1e6);
    }
    put("<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#444444\">us</text>\n", kLeft - 8,
        y + 16);
  }

  void rows() {
    for (const LaneRow& row : tl_.lanes) {
      const int scope = scopes_.of_task[row.task.value];
      const double left = x((row.start - zero_).value), right = x((row.end - zero_).value);
      put("<rect x=\"{:.2f}\" y=\"{}\" width=\"{:.2f}\" height=\"{}\" fill=\"{}\"><title>{} {} "
          "block {}: {:.3f} us</title></rect>\n",
          left, core_y_[row.core.value], std::max(0.3, right - left), options_.lane_height,
          has_work(row) && scope >= 0 ? scope_colour(scope) : kIdleColour,
          xml(graph_.task(row.task).name), core_label(row.kind, row.core), row.block,
          (row.end - row.start).us());
    }
  }

  /// Places legend entries in lines; returns the number of lines.
  int layout_legend() {
    int column = kLeft, line = 0;
    for (const std::string& scope : scopes_.names) {
      const int width = 30 + 7 * static_cast<int>(scope.size());
      if (column + width > options_.width - kRight && column > kLeft) {
        column = kLeft;
        ++line;
      }
      legend_at_.push_back({column, line});
      column += width;
    }
    return line + 1;
  }

  void legend(int top) {
    for (size_t s = 0; s < legend_at_.size(); ++s) {
      const auto [column, line] = legend_at_[s];
      const int y = top + line * kLegendLine;
      put("<rect x=\"{}\" y=\"{}\" width=\"12\" height=\"12\" fill=\"{}\"/>"
          "<text x=\"{}\" y=\"{}\" fill=\"#222222\">{}</text>\n",
          column, y, scope_colour(static_cast<int>(s)), column + 17, y + 10, xml(scopes_.names[s]));
    }
  }

  struct Group {
    std::string title;
    int top, bottom;
  };

  const Timeline& tl_;
  const isa::TaskGraph& graph_;
  const SvgOptions& options_;
  ScopeIndex scopes_;
  Picoseconds zero_;
  int64_t length_ = 0;
  std::vector<int> core_y_;
  std::vector<Group> groups_;
  int bottom_ = kTop;
  std::vector<std::pair<int, int>> legend_at_;  ///< (x, line)
  Text out_;
};

}  // namespace

std::string scope_colour(int index) {
  return kColours[static_cast<size_t>(index) % kColours.size()];
}

std::string swimlane_svg(const Timeline& timeline, const isa::TaskGraph& graph,
                         const SvgOptions& options) {
  check_timeline(timeline, graph);
  return Svg(timeline, graph, options).build();
}

}  // namespace traces
