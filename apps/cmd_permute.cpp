// a2a3sim permute-rope IN OUT: interleaved weights to the split-half layout (kernels.md §3.4).
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "apps/commands.h"
#include "isa/error.h"
#include "kernels/manifest.h"
#include "kernels/permute.h"

namespace app {
namespace {

struct PermuteCommand {
  std::string program = "qkv_proj_rope", mode, in, out;
  std::vector<std::string> settings;
};

void permute(const PermuteCommand& c) {
  const kernels::Program& program = kernels::find_program(c.program);
  const std::string mode = c.mode.empty() ? program.modes.front() : c.mode;
  const kernels::Knobs knobs = program.resolve(mode, parse_settings(c.settings));
  const std::vector<kernels::TensorSpec> specs = program.inputs(knobs, mode);
  if (std::none_of(specs.begin(), specs.end(), [](const auto& t) { return t.name == "wq_b"; }))
    throw isa::Error("cli.permute", program.name, "has no weights with rope lanes to permute");
  const kernels::TensorSet inputs = kernels::load_tensors(c.in, specs);
  kernels::save_tensors(c.out, kernels::permute_to_split_half(inputs));
  print(fmt::format("{}: {} tensors in the split-half layout\n", c.out, inputs.all().size()));
}

}  // namespace

void add_permute_command(CLI::App& cli, CommandContext&) {
  auto c = std::make_shared<PermuteCommand>();
  CLI::App* cmd = cli.add_subcommand(
      "permute-rope",
      "Permute the rope lanes of interleaved weights for layout=split_half (offline, once)");
  cmd->add_option("in", c->in, "folder with manifest.json and .npy files")->required();
  cmd->add_option("out", c->out, "folder to write")->required();
  cmd->add_option("--program", c->program, "whose tensors these are")->capture_default_str();
  cmd->add_option("--mode", c->mode, "decode or prefill");
  cmd->add_option("--set", c->settings, "knobs that shape the tensors")->allow_extra_args(false);
  cmd->callback([c] { permute(*c); });
}

}  // namespace app
