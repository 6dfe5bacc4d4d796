// TCVT against element-by-element conversions written here.
#include "support.h"

using namespace isa_test;

namespace {

constexpr DType kTypes[] = {DType::F32, DType::BF16, DType::F16, DType::I8,  DType::U8,
                            DType::I16, DType::U16,  DType::I32, DType::U32, DType::I64};

double integral(double x, RoundMode mode) {
  const double down = std::floor(x), up = std::ceil(x), cut = x < 0 ? up : down;
  if (down == up) return x;
  const double nearest = x - down < up - x ? down : up;
  const bool tie = x - down == up - x;
  switch (mode) {
    case RoundMode::None:
    case RoundMode::Trunc:
      return cut;
    case RoundMode::Floor:
      return down;
    case RoundMode::Ceil:
      return up;
    case RoundMode::Rint:
      return tie ? (std::fmod(down, 2) == 0 ? down : up) : nearest;
    case RoundMode::Round:
      return tie ? (x < 0 ? down : up) : nearest;
    case RoundMode::Odd:
      return std::fmod(down, 2) == 0 ? up : down;
  }
  return 0;
}

/// The integral value's low 64 bits by long division.
uint64_t wrap(double x) {
  if (!std::isfinite(x)) return 0;
  double magnitude = std::fabs(x);
  while (magnitude >= 18446744073709551616.0) {
    const double unit = std::ldexp(1.0, std::max(64, std::ilogb(magnitude)));
    magnitude -= unit;
  }
  const uint64_t low = static_cast<uint64_t>(magnitude);
  return x < 0 ? uint64_t{0} - low : low;
}

uint64_t expected(const Tile& src, int r, int c, DType to, RoundMode mode) {
  const DType from = src.view.dtype;
  if (!is_float(from)) {
    // sign-extended integer
    int64_t i = 0;
    switch (from) {
      case DType::I64:
        i = src.at<int64_t>(r, c);
        break;
      default:
        i = static_cast<int64_t>(src.value(r, c));
        break;
    }
    if (to == DType::F32) return float_bits(static_cast<float>(i));
    if (to == DType::F16) return f16().encode(static_cast<double>(i), mode);
    const uint64_t mask =
        isa::size_of(to) == 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * isa::size_of(to))) - 1;
    return static_cast<uint64_t>(i) & mask;
  }
  const double x = src.value(r, c);
  if (to == DType::F32) return float_bits(static_cast<float>(x));
  if (to == DType::F16) return std::isnan(x) ? 0x7e00 : f16().encode(x, mode);
  if (to == DType::BF16) return std::isnan(x) ? 0x7fc0 : bf16().encode(x, mode);
  const uint64_t mask =
      isa::size_of(to) == 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * isa::size_of(to))) - 1;
  return (std::isfinite(x) ? wrap(integral(x, mode)) : 0) & mask;
}

/// Values around ties, range ends and specials.
void fill_for_casts(Tile& t, Random& random) {
  fill_ordinary(t, random);
  add_specials(t, random);
  if (t.view.dtype != DType::F32) return;
  const float list[] = {0.5f,
                        -0.5f,
                        1.5f,
                        -1.5f,
                        2.5f,
                        -2.5f,
                        127.5f,
                        -128.5f,
                        0.49999997f,
                        -0.49999997f,
                        8388609.0f,
                        -8388609.0f,
                        2147483520.0f,
                        2147483648.0f,
                        -2147483648.0f,
                        -2147483904.0f,
                        4294967296.0f,
                        6442450944.0f,
                        3e9f,
                        -3e9f,
                        1e20f,
                        -1e20f,
                        32768.0f,
                        -32769.0f,
                        65504.0f,
                        65519.996f,
                        65520.0f,
                        1e30f,
                        9223372036854775808.0f,
                        4194303.5f,
                        4194304.5f};
  std::uniform_int_distribution<size_t> pick(0, std::size(list) - 1), third(0, 2);
  for (int r = 0; r < t.view.rows; ++r)
    for (int c = 0; c < t.view.cols; ++c)
      if (third(random) == 0) t.at<float>(r, c) = list[pick(random)];
}

bool supported(DType from, DType to) {
  return isa::cast_supported(from, to, false) || isa::cast_supported(from, to, true);
}

}  // namespace

TEST_CASE("the native conversions are those of the two chips") {
  // kernel-language.md §1.3, written out
  const std::vector<std::pair<DType, std::vector<DType>>> both = {
      {DType::F32, {DType::F16, DType::BF16, DType::I16, DType::I32, DType::I64}},
      {DType::F16, {DType::F32, DType::I32, DType::I16, DType::I8, DType::U8}},
      {DType::BF16, {DType::F32, DType::I32}},
      {DType::I16, {DType::F16, DType::F32}},
      {DType::I32, {DType::F32, DType::I16, DType::I64}},
      {DType::I64, {DType::F32, DType::I32}},
      {DType::U8, {DType::F16}},
      {DType::I8, {DType::F16}}};
  const auto listed = [&](DType from, DType to) {
    for (const auto& [f, list] : both)
      if (f == from) return std::find(list.begin(), list.end(), to) != list.end();
    return false;
  };
  for (const DType from : kTypes)
    for (const DType to : kTypes) {
      const bool only_a2a3 = from == DType::I32 && to == DType::F16;
      const bool only_a5 = (from == DType::BF16 && to == DType::F16) ||
                           (from == DType::I8 && (to == DType::I16 || to == DType::I32));
      CAPTURE(name(from), name(to));
      CHECK(isa::cast_supported(from, to, false) == (listed(from, to) || only_a2a3));
      CHECK(isa::cast_supported(from, to, true) == (listed(from, to) || only_a5));
    }
}

TEST_CASE("TCVT honours the mode for every pair, on strided and partly valid tiles") {
  on_every_host([] {
    Random random(11);
    for (const DType from : kTypes)
      for (const DType to : kTypes) {
        if (!supported(from, to)) continue;
        for (const RoundMode mode : kModes) {
          CAPTURE(name(from), name(to), name(mode));
          Tile src(from, 6, 300, 5, 277);
          fill_for_casts(src, random);
          Tile dst(to, 7, 301);
          const Tile before(dst);
          isa::Attr attr;
          attr.round = mode;
          run(Opcode::TCVT, dst, {&src}, attr);
          require_result(dst, before, 5, 277,
                         [&](int r, int c) { return expected(src, r, c, to, mode); });
        }
      }
  });
}

TEST_CASE("all 65536 bf16 and fp16 patterns convert as the tables say") {
  on_every_host([] {
    for (const DType from : {DType::BF16, DType::F16})
      for (const DType to : {DType::F32, DType::I32, DType::I8, DType::F16}) {
        if (!supported(from, to) || from == to) continue;
        for (const RoundMode mode : kModes) {
          CAPTURE(name(from), name(to), name(mode));
          Tile src(from, 256, 256, -1, -1, 0);
          for (int i = 0; i < 65536; ++i)
            src.at<uint16_t>(i / 256, i % 256) = static_cast<uint16_t>(i);
          Tile dst(to, 256, 256, -1, -1, 0);
          const Tile before(dst);
          isa::Attr attr;
          attr.round = mode;
          run(Opcode::TCVT, dst, {&src}, attr);
          require_result(dst, before, 256, 256,
                         [&](int r, int c) { return expected(src, r, c, to, mode); });
        }
      }
  });
}

TEST_CASE("fp32 to fp16 and bf16 on every boundary of the format") {
  on_every_host([] {
    for (const DType to : {DType::F16, DType::BF16}) {
      const Format& format = to == DType::F16 ? f16() : bf16();
      const int rows = (format.infinity() * 6 + 255) / 256;
      Tile src(DType::F32, rows, 256), dst(to, rows, 256);
      const Tile before(dst);
      const float inf = std::numeric_limits<float>::infinity();
      for (int i = 0; i < rows * 256; ++i) {
        const int bits = std::min(i / 6, format.infinity() - 1);
        double x = format.values[bits];
        if (i % 2 == 1) x = (x + format.values[bits + 1]) / 2;
        float f = static_cast<float>(x);
        if (i % 6 / 2 == 1) f = std::nextafter(f, inf);
        if (i % 6 / 2 == 2) f = std::nextafter(f, -inf);
        src.at<float>(i / 256, i % 256) = bits % 3 == 0 ? -f : f;
      }
      for (const RoundMode mode : kModes) {
        CAPTURE(name(to), name(mode));
        isa::Attr attr;
        attr.round = mode;
        run(Opcode::TCVT, dst, {&src}, attr);
        require_result(dst, before, rows, 256,
                       [&](int r, int c) { return expected(src, r, c, to, mode); });
      }
    }
  });
}

TEST_CASE("the int8 quantisation chain quantises exactly") {
  on_every_host([] {
    Tile x(DType::F32, 4, 255), i(DType::I32, 4, 255), h(DType::F16, 4, 255), q(DType::I8, 4, 255);
    for (int r = 0; r < 4; ++r)
      for (int c = 0; c < 255; ++c)
        x.at<float>(r, c) = static_cast<float>(c - 127) + 0.25f * static_cast<float>(r);
    isa::Attr rint, round, trunc;
    rint.round = RoundMode::Rint;
    round.round = RoundMode::Round;
    trunc.round = RoundMode::Trunc;
    run(Opcode::TCVT, i, {&x}, rint);
    run(Opcode::TCVT, h, {&i}, round);
    run(Opcode::TCVT, q, {&h}, trunc);
    for (int r = 0; r < 4; ++r)
      for (int c = 0; c < 254; ++c) {
        // .25 rounds down, .75 up, .5 to the even neighbour
        const int base = c - 127;
        const int want = r == 0 || r == 1 ? base : r == 3 ? base + 1 : base + (base & 1);
        REQUIRE(static_cast<int>(q.at<int8_t>(r, c)) == want);
      }
  });
}

TEST_CASE("what a conversion to integers wraps to") {
  const auto one = [](float x, DType to) {
    Tile src(DType::F32, 1, 1), dst(to, 1, 1);
    src.at<float>(0, 0) = x;
    run(Opcode::TCVT, dst, {&src});
    return dst.value(0, 0);
  };
  on_every_host([&] {
    CHECK(one(2147483648.0f, DType::I32) == -2147483648.0);
    CHECK(one(4294967296.0f + 512.0f, DType::I32) == 512);
    CHECK(one(-4294967296.0f - 512.0f, DType::I32) == -512);
    CHECK(one(65536.0f + 5, DType::I16) == 5);
    CHECK(one(40000.0f, DType::I16) == 40000 - 65536);
    CHECK(one(std::numeric_limits<float>::infinity(), DType::I32) == 0);
    CHECK(one(std::numeric_limits<float>::quiet_NaN(), DType::I32) == 0);
    CHECK(one(std::numeric_limits<float>::quiet_NaN(), DType::I64) == 0);
    Tile h(DType::F16, 1, 4), q(DType::I8, 1, 4), u(DType::U8, 1, 4);
    const double values[] = {128, -129, 300.5, -1};
    for (int c = 0; c < 4; ++c) h.at<uint16_t>(0, c) = f16().encode(values[c], RoundMode::Rint);
    run(Opcode::TCVT, q, {&h});
    run(Opcode::TCVT, u, {&h});
    CHECK(q.value(0, 0) == -128);
    CHECK(q.value(0, 1) == 127);
    CHECK(q.value(0, 2) == 44);
    CHECK(u.value(0, 3) == 255);
  });
}

TEST_CASE("a conversion to a type of the same or a smaller size can be done in place") {
  on_every_host([] {
    Random random(5);
    for (const auto& [from, to] :
         {std::pair(DType::F32, DType::I32), std::pair(DType::F32, DType::BF16),
          std::pair(DType::F32, DType::F16), std::pair(DType::I32, DType::F16),
          std::pair(DType::F16, DType::I8), std::pair(DType::I32, DType::F32)}) {
      Tile src(from, 1, 1003, -1, -1, 0);
      fill_for_casts(src, random);
      Tile apart(to, 1, 1003, -1, -1, 0), in_place(src);
      isa::Attr attr;
      attr.round = RoundMode::Rint;
      run(Opcode::TCVT, apart, {&src}, attr);
      TileView narrow = in_place.view;
      narrow.dtype = to;
      isa::execute(Opcode::TCVT, attr, narrow, &in_place.view, 1);
      CAPTURE(name(from), name(to));
      REQUIRE(std::memcmp(narrow.data, apart.view.data, 1003 * isa::size_of(to)) == 0);
    }
    Tile wide(DType::F32, 2, 2);
    TileView half = wide.view;
    half.dtype = DType::BF16;
    CHECK(error_id([&] { isa::execute(Opcode::TCVT, {}, wide.view, &half, 1); }) == "isa.alias");
  });
}
