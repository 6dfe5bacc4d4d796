#include "kernels/compare.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "isa/error.h"
#include "isa/numerics.h"
#include "isa/semantics.h"
#include "kernels/declare.h"
#include "kernels/text.h"

namespace kernels {
namespace {

using isa::DType;

std::string number(double x) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.6g", x);
  return buffer;
}

void check_alike(const HostTensor& actual, const HostTensor& expected) {
  if (actual.dtype == expected.dtype && actual.shape == expected.shape) return;
  throw isa::Error("kernel.shape", "output " + actual.name,
                   "is " + std::string(isa::name(actual.dtype)) + " " + shape_text(actual.shape) +
                       ", its golden is " + std::string(isa::name(expected.dtype)) + " " +
                       shape_text(expected.shape));
}

/// Calls `f` with a function element index -> double for the tensor's type.
template <class F>
void with_reader(const HostTensor& t, F&& f) {
  switch (t.dtype) {
    case DType::F32:
      return f([p = t.as<float>()](int64_t i) -> double { return p[i]; });
    case DType::BF16:
      return f([p = t.as<uint16_t>()](int64_t i) -> double { return isa::bf16_to_f32(p[i]); });
    case DType::F16:
      return f([p = t.as<uint16_t>()](int64_t i) -> double { return isa::f16_to_f32(p[i]); });
    case DType::I8:
      return f([p = t.as<int8_t>()](int64_t i) -> double { return p[i]; });
    case DType::U8:
      return f([p = t.as<uint8_t>()](int64_t i) -> double { return p[i]; });
    case DType::I16:
      return f([p = t.as<int16_t>()](int64_t i) -> double { return p[i]; });
    case DType::U16:
      return f([p = t.as<uint16_t>()](int64_t i) -> double { return p[i]; });
    case DType::I32:
      return f([p = t.as<int32_t>()](int64_t i) -> double { return p[i]; });
    case DType::U32:
      return f([p = t.as<uint32_t>()](int64_t i) -> double { return p[i]; });
    case DType::I64:
      return f([p = t.as<int64_t>()](int64_t i) -> double { return static_cast<double>(p[i]); });
  }
}

std::string position(int64_t flat, const std::vector<int64_t>& shape) {
  std::vector<int64_t> index(shape.size());
  for (size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = flat % shape[axis];
    flat /= shape[axis];
  }
  return shape_text(index);
}

void note_bad(OutputVerdict& v, const HostTensor& t, int64_t i, double actual, double expected) {
  if (v.bad++ == 0)
    v.detail = position(i, t.shape) + ": " + number(actual) + ", expected " + number(expected);
}

double abs_error(double actual, double expected) {
  return actual == expected ? 0.0 : std::fabs(actual - expected);  // Inf == Inf is no error
}

/// An infinite error is never within an infinite tolerance.
bool within(double error, double atol, double rtol, double expected) {
  return error <= atol + rtol * std::fabs(expected) && !std::isinf(error);
}

/// Visits elements [0, n): `bad(actual, expected, error)` says whether one is out of tolerance.
template <class Bad>
void scan(OutputVerdict& v, const HostTensor& actual, const HostTensor& expected, int64_t begin,
          int64_t end, Bad&& bad) {
  with_reader(actual, [&](auto read_actual) {
    with_reader(expected, [&](auto read_expected) {
      for (int64_t i = begin; i < end; ++i) {
        const double a = read_actual(i), e = read_expected(i), error = abs_error(a, e);
        if (error > v.max_abs_err || std::isnan(error)) v.max_abs_err = error;
        if (bad(a, e, error)) note_bad(v, actual, i, a, e);
      }
    });
  });
  v.total += end - begin;
}

/// `scan` of everything, but without looking at pages that are zero on both sides: the unused part
/// of a paged cache is hundreds of megabytes. `bad` must hold for no pair of zeros.
template <class Bad>
void scan_used(OutputVerdict& v, const HostTensor& actual, const HostTensor& expected, Bad&& bad) {
  constexpr int64_t kPageBytes = 4096;
  const auto size = static_cast<int64_t>(isa::size_of(actual.dtype));
  const int64_t step = kPageBytes / size, n = actual.numel();
  for (int64_t begin = 0; begin < n; begin += step) {
    const int64_t end = std::min(begin + step, n);
    const auto bytes = static_cast<size_t>((end - begin) * size);
    if (all_zero(actual.bytes.get() + begin * size, bytes) &&
        all_zero(expected.bytes.get() + begin * size, bytes))
      v.total += end - begin;
    else
      scan(v, actual, expected, begin, end, bad);
  }
}

OutputVerdict start(const HostTensor& actual, const HostTensor& expected, std::string rule) {
  check_alike(actual, expected);
  OutputVerdict v;
  v.name = actual.name;
  v.rule = std::move(rule);
  return v;
}

/// Elements of one entry of the leading axis.
int64_t row_size(const HostTensor& t) {
  return t.shape.empty() || t.shape[0] == 0 ? 1 : t.numel() / t.shape[0];
}

int64_t integer_at(const HostTensor& t, int64_t i) {
  return isa::get_integer(t.bytes.get() + i * static_cast<int64_t>(isa::size_of(t.dtype)), t.dtype);
}

constexpr int64_t kAllRows = std::numeric_limits<int64_t>::max();

/// Elements of the first `rows` rows.
int64_t elements(const HostTensor& t, int64_t rows) {
  return std::clamp<int64_t>(rows, 0, t.shape.empty() ? 1 : t.shape[0]) * row_size(t);
}

OutputVerdict allclose_rows(const HostTensor& actual, const HostTensor& expected, int64_t rows,
                            double atol, double rtol, double max_error_ratio,
                            const std::string& prefix) {
  OutputVerdict v = start(actual, expected,
                          prefix + "ratio_allclose(" + number(atol) + ", " + number(rtol) + ", " +
                              number(max_error_ratio) + ")");
  int64_t not_finite = 0;
  scan(v, actual, expected, 0, elements(actual, rows), [&](double a, double e, double error) {
    if (!std::isfinite(a)) ++not_finite;
    return !within(error, atol, rtol, e);
  });
  const double allowed = std::nearbyint(max_error_ratio * static_cast<double>(v.total));
  v.passed = not_finite == 0 && static_cast<double>(v.bad) <= allowed;
  if (not_finite > 0) v.detail = std::to_string(not_finite) + " NaN or Inf; " + v.detail;
  return v;
}

OutputVerdict reldiff_rows(const HostTensor& actual, const HostTensor& expected, int64_t rows,
                           double diff, double pct, double max_hd, std::string rule) {
  OutputVerdict v = start(actual, expected, std::move(rule));
  const int64_t end = elements(actual, rows);
  double largest = 0;
  scan(v, actual, expected, 0, end, [&](double a, double e, double error) {
    const double scale = std::max({std::fabs(a), std::fabs(e), std::ldexp(1.0, -14) / diff}) + 1e-9;
    const double rd = error < diff ? error : error / scale;
    if (rd > largest || std::isnan(rd)) largest = std::isnan(largest) ? largest : rd;
    return !(rd <= diff);
  });
  v.passed = static_cast<double>(v.bad) <= std::nearbyint(pct * static_cast<double>(v.total)) &&
             largest < max_hd;
  return v;
}

std::string reldiff_rule(const char* name, double diff, double pct, double max_hd) {
  return std::string(name) + "(" + number(diff) + ", " + number(pct) + ", " + number(max_hd) + ")";
}

}  // namespace

Comparator allclose(double rtol, double atol) {
  return [=](const HostTensor& actual, const HostTensor& expected, const TensorSet&) {
    OutputVerdict v =
        start(actual, expected, "allclose(rtol=" + number(rtol) + ", atol=" + number(atol) + ")");
    scan_used(v, actual, expected,
              [&](double, double e, double error) { return !within(error, atol, rtol, e); });
    v.passed = v.bad == 0;
    return v;
  };
}

Comparator ratio_allclose(double atol, double rtol, double max_error_ratio) {
  return [=](const HostTensor& actual, const HostTensor& expected, const TensorSet&) {
    return allclose_rows(actual, expected, kAllRows, atol, rtol, max_error_ratio, "");
  };
}

Comparator valid_ratio_allclose(std::string count_name, double atol, double rtol,
                                double max_error_ratio) {
  return [=](const HostTensor& actual, const HostTensor& expected, const TensorSet& context) {
    const int64_t n = integer_at(context.at(count_name), 0);
    return allclose_rows(actual, expected, n, atol, rtol, max_error_ratio,
                         std::to_string(n) + " rows: ");
  };
}

Comparator all_but(double atol, double rtol, double count) {
  return [=](const HostTensor& actual, const HostTensor& expected, const TensorSet& context) {
    const double ratio = count / static_cast<double>(actual.numel());
    return ratio_allclose(atol, rtol, ratio)(actual, expected, context);
  };
}

Comparator ratio_reldiff(double diff_thd, double pct_thd, double max_diff_hd) {
  return [=](const HostTensor& actual, const HostTensor& expected, const TensorSet&) {
    return reldiff_rows(actual, expected, kAllRows, diff_thd, pct_thd, max_diff_hd,
                        reldiff_rule("ratio_reldiff", diff_thd, pct_thd, max_diff_hd));
  };
}

Comparator valid_ratio_reldiff(int64_t n, double diff_thd, double pct_thd, double max_diff_hd) {
  return [=](const HostTensor& actual, const HostTensor& expected, const TensorSet&) {
    return reldiff_rows(actual, expected, n, diff_thd, pct_thd, max_diff_hd,
                        std::to_string(n) + " rows: " +
                            reldiff_rule("ratio_reldiff", diff_thd, pct_thd, max_diff_hd));
  };
}

Comparator valid_ratio_reldiff(std::string count_name, double diff_thd, double pct_thd,
                               double max_diff_hd) {
  return [=](const HostTensor& actual, const HostTensor& expected, const TensorSet& context) {
    const int64_t n = integer_at(context.at(count_name), 0);
    return valid_ratio_reldiff(n, diff_thd, pct_thd, max_diff_hd)(actual, expected, context);
  };
}

Comparator topk_pair_compare(std::string values_name) {
  return [values_name](const HostTensor& actual, const HostTensor& expected,
                       const TensorSet& context) {
    OutputVerdict v = start(actual, expected, "topk_pair_compare(" + values_name + ")");
    const HostTensor& values = context.at(values_name);
    if (values.shape != actual.shape)
      throw isa::Error("kernel.shape", "output " + actual.name,
                       "its values " + values_name + " are " + shape_text(values.shape) + ", not " +
                           shape_text(actual.shape));
    const int64_t width = actual.shape.empty() ? 1 : actual.shape.back();
    with_reader(values, [&](auto value) {
      int64_t i = 0;
      scan(v, actual, expected, 0, actual.numel(), [&](double a, double e, double) {
        const int64_t here = i++, column = here % width;
        if (a == e) return false;
        const bool left = column == 0 || value(here - 1) >= value(here);
        const bool right = column + 1 == width || value(here) >= value(here + 1);
        return !(left && right);
      });
    });
    v.passed = v.bad == 0;
    return v;
  };
}

namespace {

/// One row of indices against the values they point at.
struct LookupRow {
  const int32_t* index;
  const float* values;
  int64_t width, offset;

  bool valid(int64_t i) const { return index[i] >= offset && index[i] < offset + width; }
  /// Whether the values at i and i + 1 descend; an end of the list or a -1 ends the values.
  bool descends(int64_t i) const {
    if (i < 0 || i + 1 >= width || index[i + 1] == -1) return true;
    return valid(i) && valid(i + 1) && values[index[i] - offset] >= values[index[i + 1] - offset];
  }
  bool once(int64_t i) const { return std::count(index, index + width, index[i]) == 1; }
};

}  // namespace

Comparator topk_lookup_compare(std::string values_name, std::string offset_name) {
  return [=](const HostTensor& actual, const HostTensor& expected, const TensorSet& context) {
    OutputVerdict v = start(actual, expected, "topk_lookup_compare(" + values_name + ")");
    const HostTensor& values = context.at(values_name);
    if (values.shape != actual.shape || values.dtype != DType::F32 || actual.dtype != DType::I32)
      throw isa::Error("kernel.shape", "output " + actual.name,
                       "needs INT32 indices and FP32 values " + values_name + " of one shape");
    const int64_t width = actual.shape.back(), offset = integer_at(context.at(offset_name), 0);
    int64_t i = 0;
    scan(v, actual, expected, 0, actual.numel(), [&](double a, double e, double) {
      const int64_t here = i++, row = here / width * width, column = here - row;
      if (a == e) return false;
      const LookupRow r{actual.as<int32_t>() + row, values.as<float>() + row, width, offset};
      if (e == -1 || !r.valid(column)) return true;
      return !(r.descends(column - 1) && r.descends(column) && r.once(column));
    });
    v.passed = v.bad == 0;
    return v;
  };
}

Comparator valid_rows_compare(std::string count_name, double atol, double rtol) {
  return [=](const HostTensor& actual, const HostTensor& expected, const TensorSet& context) {
    OutputVerdict v =
        start(actual, expected,
              "valid_rows_compare(" + count_name + ", " + number(atol) + ", " + number(rtol) + ")");
    const HostTensor& counts = context.at(count_name);
    if (actual.shape.size() < 2 || counts.numel() < actual.shape[0])
      throw isa::Error("kernel.shape", "output " + actual.name,
                       "needs [lanes, slots, ...] and one count per lane in " + count_name);
    const int64_t lane_size = row_size(actual), slot_size = lane_size / actual.shape[1];
    for (int64_t lane = 0; lane < actual.shape[0]; ++lane) {
      const int64_t slots = std::clamp<int64_t>(integer_at(counts, lane), 0, actual.shape[1]);
      scan(v, actual, expected, lane * lane_size, lane * lane_size + slots * slot_size,
           [&](double, double e, double error) { return !within(error, atol, rtol, e); });
    }
    v.passed = v.bad == 0;
    return v;
  };
}

std::vector<OutputVerdict> judge(const Program& program, const TensorSet& inputs,
                                 const TensorSet& actual, const TensorSet& expected) {
  TensorSet context = actual;
  for (const HostTensor& t : inputs.all())
    if (!context.has(t.name)) context.add(t);
  std::vector<OutputVerdict> verdicts;
  for (const HostTensor& golden : expected.all()) {
    const auto rule = program.comparators.find(golden.name);
    const Comparator compare = rule != program.comparators.end() ? rule->second : allclose();
    verdicts.push_back(compare(actual.at(golden.name), golden, context));
  }
  return verdicts;
}

}  // namespace kernels
