#include "sim/core.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "sim/cost.h"
#include "sim/network.h"
#include "sim/pipes.h"

namespace sim {

using traces::Picoseconds;

namespace {

Picoseconds now() { return Picoseconds(static_cast<int64_t>(sc_core::sc_time_stamp().value())); }

sc_core::sc_time sc_duration(Picoseconds d) {
  return sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(d.value));
}

/// A spread in [0, 1) that differs from core to core: the bits of the number mirrored behind the
/// point, so that any run of cores covers the range evenly.
double spread(uint32_t number) {
  double value = 0, weight = 0.5;
  for (; number != 0; number >>= 1, weight /= 2) value += (number & 1) != 0 ? weight : 0;
  return value;
}

}  // namespace

void BlockEvents::raise(int32_t event, Picoseconds at) {
  raised_[static_cast<size_t>(event)] = at;
  changed_.notify(sc_core::SC_ZERO_TIME);
}

/// The executor loop as a state machine: each activation takes the job in hand as far as simulated
/// time allows and says what to wait for.
class Core::Impl : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Impl);
  Impl(sc_core::sc_module_name name, isa::CoreId id, isa::CoreKind kind, const CoreContext& context)
      : sc_module(name),
        id_(id),
        kind_(kind),
        context_(context),
        chip_(*context.chip),
        pipes_(context_, id, kind) {
    SC_METHOD(run);
    dont_initialize();
    sensitive << posted_;
    SC_METHOD(announce);
    dont_initialize();
    sensitive << finished_;
  }

  isa::CoreId id() const { return id_; }
  isa::CoreKind core_kind() const { return kind_; }
  int outstanding() const { return outstanding_; }
  sc_core::sc_event& finished_event() { return finished_; }

  uint32_t post(LaneJob job) {
    job.row.reg_task_id = next_reg_;
    jobs_.push_back({std::move(job), now(), Picoseconds(kNever)});
    ++outstanding_;
    posted_.notify(sc_core::SC_ZERO_TIME);
    return next_reg_++;
  }

  void ring(uint32_t reg_task_id) {
    for (Slot& slot : jobs_) {
      if (slot.job.row.reg_task_id != reg_task_id) continue;
      slot.doorbell = now() + ns(chip_.runtime.propagate);
      doorbell_.notify(sc_core::SC_ZERO_TIME);
    }
  }

  std::optional<size_t> take_finished() {
    if (finished_rows_.empty() || finished_rows_.front().visible > now()) return std::nullopt;
    const size_t row = finished_rows_.front().row;
    finished_rows_.pop_front();
    --outstanding_;
    return row;
  }

  std::string describe_wait() const {
    if (jobs_.empty()) return fmt::format("{}_{}: idle", isa::name(kind_), id_.value);
    const traces::LaneRow& row = running_ ? row_ : jobs_.front().job.row;
    std::string text = fmt::format("{}_{}: {} block {}", isa::name(kind_), id_.value,
                                   context_.graph->task(row.task).name, row.block);
    if (!running_) return text + (jobs_.front().job.gated ? ", waits for its doorbell" : "");
    const std::string wait = pipes_.describe_wait();
    return wait.empty() ? text : text + ", " + wait;
  }

 private:
  static constexpr int64_t kNever = INT64_MAX / 2;

  struct Slot {
    LaneJob job;
    Picoseconds posted;
    Picoseconds doorbell;  ///< when the core sees it
  };
  struct Finished {
    size_t row;
    Picoseconds visible;
  };

  static Picoseconds ns(double nanos) { return nanoseconds(nanos); }

  void run() {
    while (!jobs_.empty()) {
      if (!running_ && !start_job()) return;
      const LanePipes::Step step = pipes_.advance();
      if (pipes_.flag_wait() != nullptr && pass_flag()) continue;
      if (step.kind == LanePipes::Step::Kind::Done) {
        finish_job(step.at);
      } else if (pipes_.flag_wait() != nullptr && step.kind == LanePipes::Step::Kind::Event) {
        wait_for_flag(Picoseconds(kNever));
        return;
      } else if (pipes_.flag_wait() != nullptr && step.at > now()) {
        wait_for_flag(step.at);
        return;
      } else if (step.kind == LanePipes::Step::Kind::Event) {
        if (BlockEvents* events = jobs_.front().job.events.get(); events != nullptr) {
          next_trigger(events->changed());
        } else {
          next_trigger(never_);
        }
        return;
      } else if (step.at > now()) {
        wait_until(step.at);
        return;
      } else {
        pipes_.access();
      }
    }
  }

  /// Lets the scalar unit go on if the flag it stands at is there.
  bool pass_flag() {
    const LanePipes::FlagWait& wait = *pipes_.flag_wait();
    if (wait.at > now()) return false;
    const int32_t value = context_.network->value(context_.rank, wait.place);
    if (wait.equal ? value != wait.expected : value < wait.expected) return false;
    pipes_.pass_flag(now());
    return true;
  }

  /// Sleeps until `at`, until the scalar unit reaches its flag or the flag may have changed, or
  /// until an event of the block is raised.
  void wait_for_flag(Picoseconds at) {
    const LanePipes::FlagWait& wait = *pipes_.flag_wait();
    if (wait.at > now()) at = std::min(at, wait.at);
    const bool forever = at.value >= kNever;
    const sc_core::sc_time until = forever ? sc_core::SC_ZERO_TIME : sc_duration(at - now());
    sc_core::sc_event& flags = context_.network->changed(context_.rank);
    BlockEvents* const own = jobs_.front().job.events.get();
    if (own != nullptr && forever)
      next_trigger(flags | own->changed());
    else if (own != nullptr)
      next_trigger(until, flags | own->changed());
    else if (forever)
      next_trigger(flags);
    else
      next_trigger(until, flags);
  }

  /// Sleeps until `at`, or until an event of the block is raised that lets something start earlier.
  void wait_until(Picoseconds at) {
    BlockEvents* events = jobs_.front().job.events.get();
    if (events != nullptr) {
      next_trigger(sc_duration(at - now()), events->changed());
    } else {
      next_trigger(sc_duration(at - now()));
    }
  }

  /// Receive, head overhead and body start of the job in front; false while its doorbell is
  /// awaited.
  bool start_job() {
    Slot& slot = jobs_.front();
    if (slot.job.gated && slot.doorbell.value == kNever) {
      next_trigger(doorbell_);
      return false;
    }
    row_ = slot.job.row;
    row_.first_on_core = first_;
    const Picoseconds noticed = slot.posted + ns(chip_.runtime.propagate);
    const bool pending = !first_ && noticed <= core_free_;
    row_.receive = pending ? core_free_ : noticed;
    row_.start = row_.receive + head_overhead(pending);
    if (slot.job.gated) row_.start = std::max(row_.start, slot.doorbell);
    first_ = false;
    running_ = true;

    const double body =
        kind_ == isa::CoreKind::AIC ? chip_.task.body_aic_ns : chip_.task.body_aiv_ns;
    static const isa::Stream kIdle;
    const isa::Stream* stream = slot.job.stream != nullptr ? slot.job.stream : &kIdle;
    pipes_.begin(*stream, slot.job.events.get(), row_.start + ns(body), row_);
    return true;
  }

  Picoseconds head_overhead(bool pending) const {
    const chips::Chip::Runtime& cost = chip_.runtime;
    if (pending) return ns(cost.task_switch);
    if (!first_) return ns(cost.head_warm);
    return ns(cost.head_cold + cost.head_cold_spread * spread(id_.value));
  }

  void finish_job(Picoseconds end) {
    row_.end = end;
    const size_t row = context_.lanes->size();
    context_.lanes->push_back(row_);
    if (context_.record_instructions && context_.instrs != nullptr) {
      for (traces::InstrRow r : pipes_.instructions()) {
        r.lane_row = static_cast<uint32_t>(row);
        context_.instrs->push_back(r);
      }
    }
    // The end is reported first, the profiling record written after it.
    core_free_ = end + ns(context_.observer_effect ? chip_.runtime.observer : 0);
    finished_rows_.push_back({row, end + ns(chip_.runtime.fin_visible)});
    if (!armed_) arm(finished_rows_.back().visible);
    jobs_.pop_front();
    running_ = false;
  }

  void arm(Picoseconds visible) {
    armed_ = true;
    finished_.notify(sc_duration(std::max(visible, now()) - now()));
  }

  /// `finished_` has fired: arms it for the next end that is not visible yet.
  void announce() {
    armed_ = false;
    for (const Finished& f : finished_rows_) {
      if (f.visible > now()) return arm(f.visible);
    }
  }

  isa::CoreId id_;
  isa::CoreKind kind_;
  CoreContext context_;
  const chips::Chip& chip_;
  LanePipes pipes_;
  sc_core::sc_event posted_, doorbell_, finished_, never_;
  std::deque<Slot> jobs_;  ///< front: running (or gated), then pending
  std::deque<Finished> finished_rows_;
  traces::LaneRow row_;  ///< of the running job
  bool running_ = false, first_ = true;
  Picoseconds core_free_;
  bool armed_ = false;  ///< finished_ has a notification under way
  uint32_t next_reg_ = 0;
  int outstanding_ = 0;
};

Core::Core(sc_core::sc_module_name name, isa::CoreId id, isa::CoreKind kind,
           const CoreContext& context)
    : sc_module(name), impl_(std::make_unique<Impl>("executor", id, kind, context)) {}
Core::~Core() = default;

isa::CoreId Core::id() const { return impl_->id(); }
isa::CoreKind Core::core_kind() const { return impl_->core_kind(); }
int Core::outstanding() const { return impl_->outstanding(); }
uint32_t Core::post(LaneJob job) { return impl_->post(std::move(job)); }
void Core::ring(uint32_t reg_task_id) { impl_->ring(reg_task_id); }
std::optional<size_t> Core::take_finished() { return impl_->take_finished(); }
sc_core::sc_event& Core::finished_event() { return impl_->finished_event(); }
std::string Core::describe_wait() const { return impl_->describe_wait(); }

}  // namespace sim
