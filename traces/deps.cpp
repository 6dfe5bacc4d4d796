#include "traces/deps.h"

#include <array>
#include <map>

#include "traces/json_text.h"
#include "traces/naming.h"

namespace traces {
namespace {

template <class... Args>
void put(Text& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

/// Upstream's spelling of data types in dependency files.
std::string_view dep_dtype(isa::DType t) {
  constexpr std::array<std::string_view, isa::kDTypes> names = {
      "FLOAT32", "BFLOAT16", "FLOAT16", "INT8",   "UINT8",
      "INT16",   "UINT16",   "INT32",   "UINT32", "INT64"};
  return names.at(static_cast<size_t>(t));
}

std::string_view dep_direction(isa::Direction d) {
  constexpr std::array<std::string_view, 5> names = {"INPUT", "OUTPUT", "OUTPUT_EXISTING", "INOUT",
                                                     "NO_DEP"};
  return names.at(static_cast<size_t>(d));
}

/// FNV-1a over address and version (always 0): a stable 64-bit name of a tensor.
uint64_t tensor_id(const isa::GmBuffer& buffer) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (uint64_t word : {buffer.gm_addr, uint64_t{0}})
    for (int byte = 0; byte < 8; ++byte) {
      hash ^= (word >> (8 * byte)) & 0xff;
      hash *= 0x100000001b3u;
    }
  return hash;
}

void put_list(Text& out, const std::vector<int64_t>& values) {
  append(out, "[");
  for (size_t i = 0; i < values.size(); ++i) put(out, "{}{}", i == 0 ? "" : ",", values[i]);
  append(out, "]");
}

/// `"<prefix>shape":[..],"<prefix>start_offset":"..","<prefix>strides":[..]`
void put_geometry(Text& out, std::string_view prefix, const isa::TensorArg& arg) {
  put(out, "\"{}shape\":", prefix);
  put_list(out, arg.shape);
  put(out, ",\"{}start_offset\":\"{}\",\"{}strides\":", prefix, arg.offset, prefix);
  put_list(out, arg.strides);
}

void put_task(Text& out, const isa::TaskGraph& graph, isa::TaskId id) {
  const isa::Task& task = graph.task(id);
  put(out, "{{\"task_id\":\"{}\",\"scope\":\"{}\",\"kernel_ids\":[", task_token(graph, id),
      task.manual_scope ? "manual" : "auto");
  for (size_t lane = 0; lane < task.func.size(); ++lane)
    put(out, "{}{}", lane == 0 ? "" : ",",
        task.func[lane].valid() ? static_cast<int64_t>(task.func[lane].value) : -1);
  put(out, "],\"block_num\":{},\"early_dispatch\":{},\"args\":[", task.block_num,
      task.allow_early_resolve);
  for (size_t i = 0; i < task.args.size(); ++i) {
    const isa::TensorArg& arg = task.args[i];
    put(out, "{}\n  {{\"idx\":{},\"type\":\"{}\",\"tensor_id\":\"{}\",\"dtype\":\"{}\",",
        i == 0 ? "" : ",", i, dep_direction(arg.dir), tensor_id(graph.buffer(arg.buffer)),
        dep_dtype(arg.dtype));
    put_geometry(out, "", arg);
    append(out, "}");
  }
  append(out, "]}");
}

/// The producer's argument behind an automatic edge: its first writing use of the same buffer.
const isa::TensorArg* producer_arg(const isa::Task& producer, isa::BufferId buffer) {
  for (const isa::TensorArg& arg : producer.args)
    if (arg.buffer == buffer && arg.dir != isa::Direction::Input &&
        arg.dir != isa::Direction::NoDep)
      return &arg;
  return nullptr;
}

void put_edge(Text& out, const isa::TaskGraph& graph, const isa::TaskEdge& edge) {
  constexpr std::array<std::string_view, 3> sources = {"explicit", "creator", "tensormap"};
  const bool tracked = edge.source == isa::EdgeSource::TensorMap;
  put(out, "{{\"pred\":\"{}\",\"succ\":\"{}\",\"arg\":{},\"source\":\"{}\",\"flags\":[{}]",
      task_token(graph, edge.pred), task_token(graph, edge.succ), edge.arg,
      sources.at(static_cast<size_t>(edge.source)), tracked ? "\"wait\"" : "\"wait\",\"retain\"");
  if (tracked) put(out, ",\"overlap\":\"{}\"", edge.covered ? "covered" : "other");
  const isa::Task& consumer = graph.task(edge.succ);
  if (edge.arg >= 0 && static_cast<size_t>(edge.arg) < consumer.args.size()) {
    const isa::TensorArg& arg = consumer.args[static_cast<size_t>(edge.arg)];
    put(out, ",\"tensor_id\":\"{}\",\"consumer_dtype\":\"{}\",",
        tensor_id(graph.buffer(arg.buffer)), dep_dtype(arg.dtype));
    put_geometry(out, "consumer_", arg);
    const isa::TensorArg* written = producer_arg(graph.task(edge.pred), arg.buffer);
    if (tracked && written != nullptr) {
      append(out, ",");
      put_geometry(out, "producer_", *written);
    }
  }
  append(out, "}");
}

}  // namespace

void write_deps_json(const isa::TaskGraph& graph, const Sink& sink) {
  Text out;
  append(out, "{\"runtime\":\"tensormap_and_ringbuffer\",\n\"tasks\":[");
  for (uint32_t t = 0; t < graph.tasks.size(); ++t) {
    append(out, t == 0 ? "\n " : ",\n ");
    put_task(out, graph, isa::TaskId(t));
    pass_on_piece(out, sink);
  }
  append(out, "],\n\"tensors\":[");
  const char* separator = "\n ";
  for (const isa::GmBuffer& buffer : graph.buffers) {
    int64_t elements = 1;
    for (int64_t extent : buffer.shape) elements *= extent;
    put(out,
        "{}{{\"tensor_id\":\"{}\",\"buffer_addr\":\"{}\",\"version\":0,\"dtype\":\"{}\","
        "\"buffer_numel\":\"{}\"}}",
        separator, tensor_id(buffer), buffer.gm_addr, dep_dtype(buffer.dtype), elements);
    pass_on_piece(out, sink);
    separator = ",\n ";
  }
  append(out, "],\n\"edges\":[");
  separator = "\n ";
  for (const isa::TaskEdge& edge : graph.edges) {
    append(out, separator);
    put_edge(out, graph, edge);
    pass_on_piece(out, sink);
    separator = ",\n ";
  }
  append(out, "]}\n");
  pass_on(out, sink);
}

std::string deps_json(const isa::TaskGraph& graph) {
  return collect([&](const Sink& sink) { write_deps_json(graph, sink); });
}

std::string name_map_json(const isa::TaskGraph& graph) {
  Text out;
  append(out, "{\"level\": 2, \"orchestrator_name\": ");
  append_json_string(out, graph.program);
  append(out, ", \"callable_id_to_name\": {");
  for (size_t f = 0; f < graph.func_names.size(); ++f) {
    put(out, "{}\n  \"{}\": ", f == 0 ? "" : ",", f);
    append_json_string(out, graph.func_names[f]);
  }
  append(out, "}}\n");
  return to_string(out);
}

}  // namespace traces
