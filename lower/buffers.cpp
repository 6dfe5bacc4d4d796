#include "lower/buffers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <tuple>

#include "isa/error.h"

namespace lower {
namespace {

using isa::MemSpace;
using isa::Opcode;
using pl::Op;
using pl::TileRef;

int64_t alignment(MemSpace s) {  // hardware.md §2.2
  switch (s) {
    case MemSpace::L0A:
    case MemSpace::L0B:
      return 512;
    case MemSpace::L0C:
      return 128;
    default:
      return 32;
  }
}

int64_t align_up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

/// The allocated ranges of one memory, by address.
class Space {
 public:
  struct Range {
    int64_t addr = 0, bytes = 0;
    uint32_t value = kNone;
  };

  Space() = default;
  Space(int64_t reserved, int64_t align)
      : align_(align), base_(align_up(reserved, align)), peak_(base_) {}

  uint32_t take(uint32_t value, int64_t bytes) {
    bytes = align_up(std::max<int64_t>(bytes, 1), align_);
    int64_t at = base_;
    size_t i = 0;
    while (i < ranges_.size() && ranges_[i].addr - at < bytes) {
      at = ranges_[i].addr + ranges_[i].bytes;
      ++i;
    }
    ranges_.insert(ranges_.begin() + static_cast<std::ptrdiff_t>(i), {at, bytes, value});
    if (at + bytes > peak_) {
      peak_ = at + bytes;
      at_peak_ = ranges_;
    }
    return static_cast<uint32_t>(at);
  }

  void release(uint32_t addr) { ranges_.erase(find(addr)); }

  /// `value` takes over the start of the range at `addr`; the rest of it becomes free.
  void inherit(uint32_t addr, uint32_t value, int64_t bytes) {
    Range& r = *find(addr);
    r.value = value;
    r.bytes = align_up(std::max<int64_t>(bytes, 1), align_);
  }

  int64_t peak() const { return peak_; }
  const std::vector<Range>& at_peak() const { return at_peak_; }

 private:
  std::vector<Range>::iterator find(uint32_t addr) {
    return std::lower_bound(ranges_.begin(), ranges_.end(), static_cast<int64_t>(addr),
                            [](const Range& r, int64_t a) { return r.addr < a; });
  }

  int64_t align_ = 32, base_ = 0, peak_ = 0;
  std::vector<Range> ranges_, at_peak_;
};

/// Buffers that belong to a source position (reuse switched off).
class SiteBuffers {
 public:
  /// Address of a buffer of `key` whose last occupant is dead, or a new one from `space`.
  uint32_t take(const Item& item, uint32_t value, int64_t bytes, Space& space,
                const std::vector<uint32_t>& last_use, uint32_t now) {
    auto& owned = buffers_[{item.op->site.value, static_cast<int>(item.op->opcode), item.stage}];
    for (Owned& o : owned)
      if (o.bytes >= bytes && last_use[o.value] < now) {
        o.value = value;
        return o.addr;
      }
    owned.push_back({space.take(value, bytes), bytes, value});
    return owned.back().addr;
  }

 private:
  struct Owned {
    uint32_t addr;
    int64_t bytes;
    uint32_t value;
  };
  std::map<std::tuple<uint32_t, int, int>, std::vector<Owned>> buffers_;
};

bool whole(const TileRef& ref, const Value& v) {
  return ref.offset == 0 && ref.rows == v.rows && ref.cols == v.cols &&
         (ref.stride == v.stride || ref.rows == 1);
}

/// Places the values of one stream, item by item.
class Placer {
 public:
  Placer(const BlockWork& work, int stream, bool reuse, Placement& out)
      : work_(work), items_(work.streams[static_cast<size_t>(stream)]), reuse_(reuse), out_(out) {
    for (int s = 0; s < isa::kMemSpaces; ++s)
      spaces_[s] = Space(work.reserved[s], alignment(static_cast<MemSpace>(s)));
  }

  void run() {
    out_.addr.assign(work_.values.size(), kNone);
    find_last_uses();
    for (uint32_t i = 0; i < items_.size(); ++i)
      if (is_instr(items_[i])) place(i);
    for (int s = 0; s < isa::kMemSpaces; ++s) {
      out_.peak[s] = spaces_[s].peak();
      out_.live_at_peak[s].clear();
      for (const Space::Range& r : spaces_[s].at_peak())
        out_.live_at_peak[s].push_back({r.value, static_cast<uint32_t>(r.addr)});
    }
  }

 private:
  template <class F>
  void for_each_ref(const Op& op, F&& f) {
    for (int s = 0; s < op.n_src; ++s)
      if (op.src[s].present()) f(op.src[s]);
    if (op.dst.present()) f(op.dst);
  }

  void find_last_uses() {
    last_use_.assign(work_.values.size(), 0);
    for (uint32_t i = 0; i < items_.size(); ++i)
      if (is_instr(items_[i]))
        for_each_ref(*items_[i].op, [&](const TileRef& r) { last_use_[r.value.value] = i; });
  }

  Space& space_of(uint32_t value) {
    return spaces_[static_cast<size_t>(work_.values[value].space)];
  }
  bool placed(uint32_t value) const { return out_.addr[value] != kNone; }

  void allocate(uint32_t value, const Item& item, uint32_t now) {
    const Value& v = work_.values[value];
    if (v.fixed)
      out_.addr[value] = v.addr;
    else if (reuse_)
      out_.addr[value] = space_of(value).take(value, v.bytes);
    else
      out_.addr[value] = owned_.take(item, value, v.bytes, space_of(value), last_use_, now);
  }

  /// The result takes the buffer of a source that dies here.
  bool place_in_place(uint32_t now, const Op& op) {
    const uint32_t dst = op.dst.value.value;
    const Value& d = work_.values[dst];
    for (int s = 0; s < op.n_src; ++s) {
      const TileRef& ref = op.src[s];
      if (!ref.present() || !may_alias(op, s) || last_use_[ref.value.value] != now) continue;
      const Value& v = work_.values[ref.value.value];
      if (v.fixed || v.space != d.space || v.bytes < d.bytes || !whole(ref, v)) continue;
      if (ref.rows != d.rows || ref.cols != d.cols || (v.stride != d.stride && d.rows != 1))
        continue;
      if (blocked_by_other_source(op, s)) continue;
      out_.addr[dst] = out_.addr[ref.value.value];
      space_of(dst).inherit(out_.addr[dst], dst, d.bytes);
      out_.addr[ref.value.value] = kTaken;
      taken_ = ref.value.value;
      return true;
    }
    return false;
  }

  static bool blocked_by_other_source(const Op& op, int s) {
    for (int t = 0; t < op.n_src; ++t)
      if (t != s && op.src[t].present() && op.src[t].value == op.src[s].value && !may_alias(op, t))
        return true;
    return false;
  }

  void place(uint32_t now) {
    const Item& item = items_[now];
    const Op& op = *item.op;
    for (int s = 0; s < op.n_src; ++s)  // a source nobody wrote: undefined contents, but a place
      if (op.src[s].present() && !placed(op.src[s].value.value))
        allocate(op.src[s].value.value, item, now);
    taken_ = kNone;
    if (item.scratch != kNone) allocate(item.scratch, item, now);
    uint32_t taken_addr = kNone;
    if (op.dst.present() && !placed(op.dst.value.value)) {
      const bool fixed = work_.values[op.dst.value.value].fixed;
      if (fixed || !reuse_ || !place_in_place(now, op))
        allocate(op.dst.value.value, item, now);
      else
        taken_addr = out_.addr[op.dst.value.value];
    }
    if (taken_ != kNone) out_.addr[taken_] = taken_addr;  // emit still needs the source's address
    if (!reuse_) return;
    if (item.scratch != kNone) space_of(item.scratch).release(out_.addr[item.scratch]);
    for (int s = 0; s < op.n_src; ++s) {
      bool again = false;  // the same value twice dies once
      for (int t = 0; t < s; ++t)
        again |= op.src[t].present() && op.src[t].value == op.src[s].value;
      if (op.src[s].present() && !again) retire(op.src[s].value.value, now);
    }
    if (op.dst.present()) {
      bool is_source = false;
      for (int s = 0; s < op.n_src; ++s)
        is_source |= op.src[s].present() && op.src[s].value == op.dst.value;
      if (!is_source) retire(op.dst.value.value, now);
    }
  }

  void retire(uint32_t value, uint32_t now) {
    if (last_use_[value] == now && value != taken_ && !work_.values[value].fixed)
      space_of(value).release(out_.addr[value]);
  }

  static constexpr uint32_t kTaken = kNone - 1;

  const BlockWork& work_;
  const std::vector<Item>& items_;
  bool reuse_;
  Placement& out_;
  std::array<Space, isa::kMemSpaces> spaces_;
  SiteBuffers owned_;
  std::vector<uint32_t> last_use_;
  uint32_t taken_ = kNone;
};

}  // namespace

int64_t capacity(const chips::Chip& chip, MemSpace space) {
  const auto& m = chip.memory;
  switch (space) {
    case MemSpace::UB:
      return m.ub;
    case MemSpace::L1:
      return m.l1;
    case MemSpace::L0A:
      return m.l0a;
    case MemSpace::L0B:
      return m.l0b;
    case MemSpace::L0C:
      return m.l0c;
    case MemSpace::GM:
      break;
  }
  return 0;
}

bool may_alias(const Op& op, int i) {
  switch (op.opcode) {
    case Opcode::TADD:
    case Opcode::TSUB:
    case Opcode::TMUL:
    case Opcode::TDIV:
    case Opcode::TMAX:
    case Opcode::TMIN:
      return true;
    case Opcode::TADDS:
    case Opcode::TSUBS:
    case Opcode::TMULS:
    case Opcode::TDIVS:
    case Opcode::TMAXS:
    case Opcode::TMINS:
    case Opcode::TEXP:
    case Opcode::TLOG:
    case Opcode::TSQRT:
    case Opcode::TABS:
    case Opcode::TNEG:
      return i == 0;
    case Opcode::TROWEXPANDADD:
    case Opcode::TROWEXPANDSUB:
    case Opcode::TROWEXPANDMUL:
    case Opcode::TROWEXPANDDIV:
    case Opcode::TCOLEXPANDADD:
    case Opcode::TCOLEXPANDSUB:
    case Opcode::TCOLEXPANDMUL:
    case Opcode::TCOLEXPANDDIV:
    case Opcode::TCOLEXPANDEXPDIF:
      return i == 0;  // never the broadcast operand
    case Opcode::TSEL:
      return i != 0;  // never the mask
    case Opcode::TCVT:
      return isa::size_of(op.dst.dtype) <= isa::size_of(op.src[0].dtype);  // never widening
    default:
      return false;
  }
}

void place_buffers(const BlockWork& work, int stream, bool reuse, Placement& out) {
  Placer(work, stream, reuse, out).run();
}

std::string shape_text(const Value& v) {
  return fmt::format("[{}x{}] {}", v.rows, v.cols, isa::name(v.dtype));
}

bool fits(const Placement& placement, const chips::Chip& chip) {
  for (int s = 1; s < isa::kMemSpaces; ++s)
    if (placement.peak[s] > capacity(chip, static_cast<MemSpace>(s))) return false;
  return true;
}

void check_capacity(const BlockWork& work, const Placement& placement, const chips::Chip& chip,
                    const std::vector<std::string>& sites) {
  for (int s = 1; s < isa::kMemSpaces; ++s) {
    const int64_t limit = capacity(chip, static_cast<MemSpace>(s));
    if (placement.peak[s] <= limit) continue;
    std::string live;
    for (const LiveValue& l : placement.live_at_peak[s]) {
      const Value& v = work.values[l.value];
      const std::string site = site_text(sites, v.site);
      live += (live.empty() ? "" : ", ") + shape_text(v) + (site.empty() ? "" : " (" + site + ")");
    }
    const std::string space(isa::name(static_cast<MemSpace>(s)));
    std::string id = space;
    std::transform(id.begin(), id.end(), id.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (live.empty()) live = "the rings between AIC and AIV";
    throw isa::Error("lower." + id + "-overflow", work.where,
                     fmt::format("{} needs {} B, {} has {} B; use smaller tiles; live: {}", space,
                                 placement.peak[s], chip.name, limit, live));
  }
}

}  // namespace lower
