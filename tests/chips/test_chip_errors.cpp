// Every way a chip file, a SoC name or an override can be wrong, by id and line.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "chips/chip.h"
#include "isa/error.h"

namespace {

std::string builtin_text() {
  std::ifstream in(std::string(CHIPS_SOURCE_DIR) + "/a2a3.toml");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// A copy of a2a3.toml with the first `from` replaced; removed at the end of the scope.
class ChangedChip {
 public:
  ChangedChip(const std::string& from, const std::string& to) {
    std::string text = builtin_text();
    const size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    line_ =
        1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<long>(at), '\n'));
    text.replace(at, from.size(), to);
    std::ofstream(path_) << text;
  }
  ~ChangedChip() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }
  std::string where() const { return fmt::format("{}:{}", path_, line_); }

 private:
  std::string path_ = "test_chip_changed.toml";
  int line_ = 0;
};

isa::Error error_of(const std::string& chip, const std::string& soc = "",
                    const std::vector<std::string>& overrides = {}) {
  try {
    chips::load_chip(chip, soc, overrides);
  } catch (const isa::Error& e) {
    CHECK(std::string(e.what()).find('\n') == std::string::npos);
    return e;
  }
  FAIL("no error");
  throw;
}

bool mentions(const isa::Error& e, const std::string& text) {
  return std::string(e.what()).find(text) != std::string::npos;
}

const std::string kLatency = "latency = { value = 265, unit = \"cycles\"";

}  // namespace

TEST_CASE("a chip file that does not exist") {
  const isa::Error e = error_of("no/such/chip.toml");
  CHECK(e.id() == "chip.file");
  CHECK(mentions(e, "no/such/chip.toml"));
}

TEST_CASE("a directory is not a chip file") { CHECK(error_of(".").id() == "chip.file"); }

TEST_CASE("an empty file has no name") {
  std::ofstream("test_chip_empty.toml").flush();
  CHECK(error_of("test_chip_empty.toml").id() == "chip.missing-key");
  std::remove("test_chip_empty.toml");
}

TEST_CASE("syntax errors name the line") {
  const ChangedChip file("latency = { value = 265,", "latency = { value = 265 ");
  const isa::Error e = error_of(file.path());
  CHECK(e.id() == "chip.syntax");
  CHECK(e.where() == file.where());
}

TEST_CASE("a key given twice is a syntax error") {
  const ChangedChip file("serial = { value = true,", "latency = { value = true,");
  CHECK(error_of(file.path()).id() == "chip.syntax");
}

TEST_CASE("unknown keys") {
  SECTION("in a section") {
    const ChangedChip file("row_nd2nz_bytes", "row_nd2nz_octets");
    const isa::Error e = error_of(file.path());
    CHECK(e.id() == "chip.unknown-key");
    CHECK(e.where() == file.where());
    CHECK(mentions(e, "mte2.row_nd2nz_octets"));
    CHECK(mentions(e, "row_nd2nz_bytes"));  // what the section has
  }
  SECTION("a section") {
    const ChangedChip file("[sync]", "[synch]");
    CHECK(error_of(file.path()).id() == "chip.unknown-key");
  }
  SECTION("at the top level") {
    const ChangedChip file("name = \"a2a3\"", "name = \"a2a3\"\ncolour = 3");
    CHECK(error_of(file.path()).id() == "chip.unknown-key");
  }
  SECTION("a field of a parameter") {
    const ChangedChip file("confidence = \"calibrated\", note",
                           "confidence = \"calibrated\", remark");
    CHECK(mentions(error_of(file.path()), "remark"));
  }
  SECTION("an opcode") {
    const ChangedChip file("TADD = {", "TADDD = {");
    const isa::Error e = error_of(file.path());
    CHECK(e.id() == "chip.unknown-key");
    CHECK(mentions(e, "TADDD"));
  }
  SECTION("a column of an opcode") {
    const ChangedChip file("TADD = { head = 10", "TADD = { heat = 10");
    CHECK(error_of(file.path()).id() == "chip.unknown-key");
  }
  SECTION("in a SoC variant") {
    const ChangedChip file("soc.clock_mhz = 1850", "soc.clock = 1850");
    const isa::Error e = error_of(file.path(), "910_9391");
    CHECK(e.id() == "chip.unknown-key");
    CHECK(e.where() == file.where());
  }
}

TEST_CASE("missing keys") {
  SECTION("a parameter") {
    const ChangedChip file("cross_core =", "# cross_core =");
    const isa::Error e = error_of(file.path());
    CHECK(e.id() == "chip.missing-key");
    CHECK(mentions(e, "sync.cross_core"));
  }
  SECTION("an opcode") {
    const ChangedChip file("TLOG =", "# TLOG =");
    const isa::Error e = error_of(file.path());
    CHECK(e.id() == "chip.missing-key");
    CHECK(mentions(e, "vec.ops.TLOG"));
  }
  SECTION("a source") {
    const ChangedChip file(kLatency + ", source = \"hardware.md §3.4\"", kLatency);
    const isa::Error e = error_of(file.path());
    CHECK(e.id() == "chip.missing-key");
    CHECK(e.where() == file.where());
    CHECK(mentions(e, "has no source"));
  }
  SECTION("a bare value") {
    const ChangedChip file("[sync]", "[sync]\nbare = 3");
    CHECK(error_of(file.path()).id() == "chip.missing-key");
  }
  SECTION("the default SoC") {
    const ChangedChip file("default =", "# default =");
    CHECK(mentions(error_of(file.path()), "soc.default"));
  }
  SECTION("the source of a variant") {
    const ChangedChip file("[soc.910_9382]\nsource = \"hardware.md §1.1\"", "[soc.910_9382]");
    CHECK(mentions(error_of(file.path()), "soc.910_9382.source"));
  }
}

TEST_CASE("values out of range name the line, the value and the range") {
  const std::pair<const char*, const char*> changes[] = {
      {"latency = { value = 265,", "latency = { value = -1,"},
      {"latency = { value = 265,", "latency = { value = 1e7,"},
      {"latency = { value = 265,", "latency = { value = inf,"},
      {"latency = { value = 265,", "latency = { value = true,"},
      {"latency = { value = 265,", "latency = { value = \"fast\","},
      {"aic = { value = 24,", "aic = { value = 23.5,"},
      {"aic = { value = 24,", "aic = { value = 0,"},
      {"serial = { value = true,", "serial = { value = 1,"},
      {"l0a_layout = { value = \"ZZ\"", "l0a_layout = { value = 2"},
      {"bytes_ub = { value = 67,", "bytes_ub = { value = 0,"},
      {"TADD = { head = 10,", "TADD = { head = -10,"},
      {"confidence = \"measured\"", "confidence = \"sure\""},
  };
  for (const auto& [from, to] : changes) {
    CAPTURE(to);
    const ChangedChip file(from, to);
    const isa::Error e = error_of(file.path());
    CHECK(e.id() == "chip.range");
    CHECK(e.where() == file.where());
  }
  const ChangedChip file("latency = { value = 265,", "latency = { value = -1,");
  CHECK(mentions(error_of(file.path()), "mte2.latency = -1: must be between 0 and"));
}

TEST_CASE("values that contradict each other") {
  SECTION("cores") {
    const isa::Error e = error_of("a2a3", "", {"soc.aic=12"});
    CHECK(e.id() == "chip.range");
    CHECK(mentions(e, "soc.aiv = 48 must be twice soc.aic = 12"));
  }
  CHECK(error_of("a2a3", "", {"l2.line=200"}).id() == "chip.range");
  CHECK(error_of("a2a3", "", {"runtime.task_window=1000"}).id() == "chip.range");
}

TEST_CASE("an unknown SoC lists the known ones") {
  const isa::Error e = error_of("a2a3", "910B9");
  CHECK(e.id() == "chip.unknown-soc");
  CHECK(mentions(e, "910B9"));
  CHECK(mentions(e, "910B4-1"));
}

TEST_CASE("a default SoC that is not in the file") {
  const ChangedChip file("default = \"910_9382\"", "default = \"910_0000\"");
  CHECK(error_of(file.path()).id() == "chip.unknown-soc");
}

TEST_CASE("bad overrides") {
  for (const char* text : {"mte2.latency", "=3", "mte2.latency=", "mte2.latancy=3", "latency=3",
                           "mte2.latency=3cycles", "mte2.latency=nan", "vec.ops.TADD.heat=3",
                           "vec.ops.TADD=3", "hbm.gib=64"}) {
    CAPTURE(text);
    const isa::Error e = error_of("a2a3", "", {text});
    CHECK(e.id() == "chip.override");
    CHECK(mentions(e, text));
  }
  CHECK(mentions(error_of("a2a3", "", {"hbm.gib=64"}), "no model uses it"));
  CHECK(error_of("a2a3", "", {"mte2.latency=-3"}).id() == "chip.range");
  CHECK(error_of("a2a3", "", {"soc.aic=two"}).id() == "chip.override");
  CHECK(error_of("a2a3", "", {"mte2.serial=2"}).id() == "chip.range");
}
