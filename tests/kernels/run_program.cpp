#include "run_program.h"

#include <cstring>

#include "kernels/declare.h"

namespace kernels_test {

using namespace kernels;

std::string ProgramRun::failures() const {
  std::string text;
  for (const OutputVerdict& v : verdicts)
    if (!v.passed)
      text += v.name + ": " + std::to_string(v.bad) + " of " + std::to_string(v.total) + ", " +
              v.detail + "\n";
  return text;
}

std::map<std::string, int64_t> ProgramRun::blocks() const {
  std::map<std::string, int64_t> by_name;
  for (const pl::ScopeRecord& s : record.scopes) by_name[s.name] += s.block_num;
  return by_name;
}

int64_t ProgramRun::total_blocks() const {
  int64_t n = 0;
  for (const pl::ScopeRecord& s : record.scopes) n += s.block_num;
  return n;
}

ProgramRun run(const std::string& program, const std::string& mode, const Settings& settings,
               pl::SessionOptions options, const TensorSet* inputs) {
  const Program& p = find_program(program);
  ProgramRun r;
  r.knobs = p.resolve(mode, settings);
  r.inputs = inputs != nullptr ? *inputs : p.make_inputs(r.knobs, mode, 1);
  r.golden = p.golden(r.inputs, r.knobs, mode);
  pl::Session session(p.name, options);
  for (const auto& [name, tensor] : p.run(session, with_private_inouts(r.inputs), r.knobs, mode)) {
    HostTensor out = make_tensor(name, tensor.dtype(),
                                 {tensor.shape().begin(), tensor.shape().end()}, Role::Output);
    std::memcpy(out.bytes.get(), session.data(tensor), static_cast<size_t>(out.size_bytes()));
    r.actual.add(out);
  }
  r.record = session.finish();
  r.verdicts = judge(p, r.inputs, r.actual, r.golden);
  return r;
}

OpCounts count(const pl::RecordedProgram& record) {
  OpCounts n;
  for (const pl::ScopeRecord& scope : record.scopes) {
    for (const pl::BlockRecord& block : scope.blocks) {
      for (const pl::Op& op : block.ops) {
        if (op.kind != pl::Op::Kind::Instr) continue;
        switch (op.opcode) {
          case isa::Opcode::TLOAD:
            ++n.loads;
            n.load_bytes += op.gm.bytes();
            break;
          case isa::Opcode::TSTORE:
            ++n.stores;
            n.store_bytes += op.gm.bytes();
            break;
          case isa::Opcode::TMATMUL:
          case isa::Opcode::TMATMUL_ACC:
            ++n.matmuls;
            break;
          case isa::Opcode::SREAD:
          case isa::Opcode::SWRITE:
            n.scalars += isa::scalar_elements(op.gm);
            break;
          case isa::Opcode::SWORK:
            break;
          default:
            ++n.vector;
        }
      }
    }
  }
  return n;
}

Settings small(Settings more) {
  Settings s = {{"hidden", "1024"}, {"q_lora", "512"}, {"heads", "16"}};
  s.insert(s.end(), more.begin(), more.end());
  return s;
}

bool same_bytes(const HostTensor& a, const HostTensor& b) {
  return a.size_bytes() == b.size_bytes() &&
         std::memcmp(a.bytes.get(), b.bytes.get(), static_cast<size_t>(a.size_bytes())) == 0;
}

}  // namespace kernels_test
