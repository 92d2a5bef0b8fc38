#include "cli/inspect.h"

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "model/adapter_config.h"
#include "model/config_json.h"
#include "model/read_weights.h"
#include "model/weights.h"
#include "tensor/gguf.h"
#include "tensor/safetensors.h"
#include "text/tokenizer.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShown = 80;  // characters of a text, where not all is asked for

// As a JSON string, cut where it is long.
std::string quoted(std::string_view text, const InspectSettings& s) {
  if (s.metadata || text.size() <= kShown) return json_text(text);
  size_t end = kShown;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return fmt::format("{} ... ({} bytes)", json_text(text.substr(0, end)), text.size());
}

// A name inside a line: no control characters.
std::string plain(std::string_view text) {
  const std::string json = json_text(text);
  return json.substr(1, json.size() - 2);
}

std::string bytes_text(double bytes) {
  if (bytes < 1e3) return fmt::format("{:.0f} bytes", bytes);
  if (bytes < 1e6) return fmt::format("{:.1f} kB", bytes / 1e3);
  return bytes < 1e9 ? fmt::format("{:.1f} MB", bytes / 1e6) : fmt::format("{:.2f} GB", bytes / 1e9);
}

std::string count_text(int64_t n) {
  const auto d = static_cast<double>(n);
  if (n < 1000) return fmt::format("{}", n);
  const std::string about = n < 1000000      ? fmt::format("{:.1f} K", d / 1e3)
                            : n < 1000000000 ? fmt::format("{:.1f} M", d / 1e6)
                                             : fmt::format("{:.2f} B", d / 1e9);
  return fmt::format("{} ({})", n, about);
}

std::string line(std::string_view name, const std::string& text) {
  return fmt::format("  {:<12}{}\n", name, text);
}

std::string quoted_json(const nlohmann::ordered_json& value) {
  std::string text = dump_json(value);
  if (text.size() <= 2 * kShown) return text;
  size_t end = 2 * kShown;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return text.substr(0, end) + " ...";
}

// What `read` makes, or why it cannot.
std::string attempt(std::string_view name, const std::function<std::string()>& read) {
  try {
    return read();
  } catch (const std::exception& e) {
    return line(name, fmt::format("not readable: {}", plain(e.what())));
  }
}

std::string config_lines(const ModelConfig& c) {
  std::string out =
      line("model",
           fmt::format("{}{}, {} layers of width {}, {} heads of {} ({} of keys and values), feed-forward {}",
                       plain(c.model_type), c.scalar_head ? " with a scalar head" : "", c.num_hidden_layers,
                       c.hidden_size, c.num_attention_heads, c.head_dim, c.num_key_value_heads,
                       c.intermediate_size));
  std::string rope = fmt::format("theta {}", c.rope_theta);
  if (c.rope_scaling.kind == RopeScaling::Kind::linear)
    rope += fmt::format(", linear scaling by {}", c.rope_scaling.factor);
  if (c.rope_scaling.kind == RopeScaling::Kind::llama3)
    rope += fmt::format(", llama3 scaling by {} beyond {} (low {}, high {})", c.rope_scaling.factor,
                        c.rope_scaling.original_max_position_embeddings, c.rope_scaling.low_freq_factor,
                        c.rope_scaling.high_freq_factor);
  if (c.rope_scaling.kind == RopeScaling::Kind::yarn)
    rope += fmt::format(", yarn scaling by {} beyond {}", c.rope_scaling.factor,
                        c.rope_scaling.original_max_position_embeddings);
  if (c.rope_scaling.kind == RopeScaling::Kind::dynamic) rope += ", dynamic scaling (not beyond this context)";
  if (c.rope_scaling.kind == RopeScaling::Kind::longrope)
    rope += fmt::format(", longrope (its short factors; the model claims {} tokens)", c.max_position_embeddings);
  std::string window;
  if (c.sliding_window > 0)
    window = fmt::format(", {} of {} layers see {} tokens", std::ranges::count(c.windowed_layers, true),
                         c.num_hidden_layers, c.sliding_window);
  out += line("context", fmt::format("{} tokens{}, rope {}", c.context(), window, rope));
  int64_t parameters = 0;
  for (const Parameter& p : parameter_list(c)) parameters += p.size();
  out += line("parameters",
              count_text(parameters) + (c.tie_word_embeddings ? ", the embedding is the head too" : ""));
  std::string tokens = fmt::format("{} in the vocabulary", c.vocab_size);
  if (c.bos_token_id >= 0) tokens += fmt::format(", first {}", c.bos_token_id);
  if (!c.eos_token_ids.empty()) tokens += fmt::format(", end {}", fmt::join(c.eos_token_ids, " "));
  if (c.pad_token_id >= 0) tokens += fmt::format(", padding {}", c.pad_token_id);
  return out + line("tokens", tokens);
}

std::string tokenizer_lines(const Tokenizer& t, const InspectSettings& s) {
  std::string text = t.description();
  for (const auto& [name, id] :
       {std::pair{"first", t.bos_token_id()}, {"end", t.eos_token_id()}, {"padding", t.pad_token_id()}})
    if (id >= 0) text += fmt::format(", {} {}", name, quoted(t.token(id), s));
  return line("tokenizer", text) +
         line("template", t.chat_template().empty() ? "none" : quoted(t.chat_template(), s));
}

struct Shown {
  std::string name, encoding;
  std::vector<int64_t> shape;
  size_t bytes;
};

std::string tensor_lines(const std::vector<Shown>& tensors, const InspectSettings& s) {
  std::map<std::string, std::pair<int64_t, double>> encodings;
  std::string list;
  double all = 0;
  for (const Shown& t : tensors) {
    auto& [count, bytes] = encodings[t.encoding];
    ++count;
    bytes += static_cast<double>(t.bytes);
    all += static_cast<double>(t.bytes);
    if (s.tensors)
      list += fmt::format("    {:<50} {:<18} {:<5} {}\n", plain(t.name), shape_text(t.shape), t.encoding,
                          t.bytes);
  }
  std::string summary;
  for (const auto& [name, n] : encodings)
    summary += fmt::format("{}{} {} ({})", summary.empty() ? "" : ", ", n.first, name, bytes_text(n.second));
  return line("tensors", fmt::format("{}, {}{}", tensors.size(), bytes_text(all),
                                     summary.empty() ? "" : ": " + summary)) +
         list;
}

std::string value_text(const GgufValue& v, const InspectSettings& s) {
  const auto element = [&](int64_t i) -> std::string {
    if (v.type == GgufType::string) return quoted(v.strings[static_cast<size_t>(i)], s);
    return gguf_element_text(v, i);
  };
  if (!v.is_array) return element(0);
  std::string text;
  const int64_t most = s.metadata ? v.count : std::min<int64_t>(v.count, 6);
  for (int64_t i = 0; i < most; ++i) text += (i ? ", " : "") + element(i);
  return fmt::format("[{}{}]", text, most < v.count ? fmt::format(", ... {} in all", v.count) : "");
}

std::string inspect_gguf(const fs::path& path, const InspectSettings& s) {
  const GgufFile file(path);
  std::string out = attempt("model", [&] { return config_lines(gguf_config(file)); });
  out += attempt("tokenizer", [&] { return tokenizer_lines(Tokenizer::from_gguf(file), s); });
  std::vector<Shown> tensors;
  for (const GgufTensor& t : file.tensors())
    tensors.push_back({t.name, encoding_info(t.encoding).name, t.shape, t.bytes.size()});
  out += tensor_lines(tensors, s);
  out += line("metadata", fmt::format("{} values", file.metadata().size()));
  for (const auto& [key, value] : file.metadata())
    out += fmt::format("    {} = {}\n", plain(key), value_text(value, s));
  return out;
}

void add_safetensors(const SafetensorsFile& file, std::vector<Shown>* tensors) {
  for (const SafetensorsEntry& e : file.entries())
    tensors->push_back({e.name, e.dtype, e.shape, e.bytes.size()});
}

std::string inspect_safetensors(const fs::path& path, const InspectSettings& s) {
  const SafetensorsFile file(path);
  std::vector<Shown> tensors;
  add_safetensors(file, &tensors);
  std::string out = tensor_lines(tensors, s);
  for (const auto& [key, value] : file.metadata())
    out += line("metadata", fmt::format("{} = {}", plain(key), quoted(value, s)));
  return out;
}

// Keys and values of a JSON object, one a line; of a nested one, its text.
std::string json_lines(const nlohmann::ordered_json& object, const InspectSettings& s) {
  std::string out;
  for (const auto& [key, value] : object.items())
    out += fmt::format("    {} = {}\n", plain(key), s.metadata ? dump_json(value) : quoted_json(value));
  return out;
}

std::string inspect_config(const std::string& text, const std::string& name, const InspectSettings& s) {
  std::string out = attempt("model", [&] { return config_lines(parse_config(text, name)); });
  if (out.find("not readable") != std::string::npos || s.metadata)
    out += attempt("config", [&] { return json_lines(parse_ordered_json(text), s); });
  return out;
}

std::string inspect_adapter(const std::string& text, const std::string& name, const InspectSettings& s) {
  std::string out = attempt("adapter", [&] {
    const AdapterConfig c = parse_adapter_config(text, name);
    const LoraConfig& l = c.lora;
    const std::string base = c.base_model_name_or_path;
    return line("adapter",
                fmt::format("LoRA of rank {}, alpha {}{}: counted {} times, on {}", l.r, l.lora_alpha,
                            l.use_rslora ? " (rsLoRA)" : "", l.scale(), fmt::join(l.target_modules, " "))) +
           line("base", base.empty() ? "not named" : quoted(base, s));
  });
  if (out.find("not readable") != std::string::npos || s.metadata)
    out += attempt("config", [&] { return json_lines(parse_ordered_json(text), s); });
  return out;
}

std::string inspect_folder(const fs::path& folder, const InspectSettings& s) {
  std::string out;
  const auto there = [&](const char* name) { return fs::exists(folder / name); };
  if (there("config.json")) out += inspect_config(read_file(folder / "config.json"), "config.json", s);
  if (there("generation_config.json"))
    out += attempt("generation", [&] {
      return line("generation",
                  quoted_json(parse_ordered_json(read_file(folder / "generation_config.json"))));
    });
  if (there("adapter_config.json"))
    out += inspect_adapter(read_file(folder / "adapter_config.json"), "adapter_config.json", s);
  if (there("tokenizer.json") || there("tokenizer.model"))
    out += attempt("tokenizer", [&] { return tokenizer_lines(Tokenizer::from_folder(folder), s); });
  std::vector<fs::path> files, guesses;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".safetensors")) files.push_back(entry.path());
    if (name.ends_with(".gguf") || name.starts_with("checkpoint-")) guesses.push_back(entry.path());
    if (name.ends_with(".bin") || name.ends_with(".pt") || name.ends_with(".pth"))
      out += line("weights",
                  fmt::format("{} is a pickle, which is not read: convert it to safetensors", plain(name)));
  }
  std::sort(files.begin(), files.end());
  // Shards of one model together, other files by themselves.
  std::vector<Shown> model;
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    out += attempt(name, [&] {
      const SafetensorsFile opened(file);
      if (name.starts_with("model")) {
        add_safetensors(opened, &model);
        return std::string();
      }
      std::vector<Shown> tensors;
      add_safetensors(opened, &tensors);
      return line("file", plain(name)) + tensor_lines(tensors, s);
    });
  }
  if (!model.empty()) out += tensor_lines(model, s);
  if (there("trainer_state.json"))
    out += attempt("run", [&] {
      nlohmann::ordered_json state = parse_ordered_json(read_file(folder / "trainer_state.json"));
      if (state.is_object()) state.erase("files");
      return line("run", "a checkpoint with the state of its training") + json_lines(state, s);
    });
  if (out.empty() && !guesses.empty()) {
    std::sort(guesses.begin(), guesses.end());
    std::string names;
    for (const fs::path& g : guesses) names += " " + plain(g.filename().string());
    out = line("holds", "no model itself; look into" + names);
  }
  if (out.empty()) fail("{}: no model and no tokenizer in this folder", folder.string());
  return out;
}

std::string inspect_json(const fs::path& path, const InspectSettings& s) {
  const std::string text = read_file(path), name = path.filename().string();
  nlohmann::ordered_json root;
  try {
    root = parse_ordered_json(text);
  } catch (const nlohmann::json::exception& e) {
    fail("{}: not valid JSON: {}", path.string(), e.what());
  }
  if (!root.is_object()) fail("{}: a JSON file, but no tokenizer, configuration or index", path.string());
  if (root.contains("model") && root.contains("added_tokens"))
    return attempt("tokenizer", [&] {
      return tokenizer_lines(Tokenizer::from_files({{"tokenizer.json", text}}, path.string()), s);
    });
  if (root.contains("peft_type")) return inspect_adapter(text, name, s);
  if (root.contains("model_type") || root.contains("architectures")) return inspect_config(text, name, s);
  return json_lines(root, s);
}

std::string inspect_file(const fs::path& path, const InspectSettings& s) {
  const MappedFile file(path);
  const std::string_view bytes = file.bytes();
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  if (bytes.starts_with("GGUF")) return inspect_gguf(path, s);
  if (bytes.size() > 8 && bytes[8] == '{' && bytes[0] != '{') return inspect_safetensors(path, s);
  if (first != std::string_view::npos && (bytes[first] == '{' || bytes[first] == '['))
    return inspect_json(path, s);
  if (bytes.starts_with("PK") || bytes.starts_with("\x80\x02"))
    fail("{}: a pickled file of PyTorch, which is not read: it could run code. Convert it to safetensors",
         path.string());
  if (path.extension() == ".model")
    return tokenizer_lines(Tokenizer::from_files({{"tokenizer.model", std::string(bytes)}}, path.string()),
                           s);
  fail("{}: neither GGUF, safetensors, JSON nor a SentencePiece model (.model)", path.string());
}

const char* kind_of(const fs::path& path) {
  const MappedFile file(path);
  return file.bytes().starts_with("GGUF")     ? "GGUF, "
         : path.extension() == ".safetensors" ? "safetensors, "
                                              : "";
}

}  // namespace

std::string inspect(const fs::path& path, const InspectSettings& settings) {
  if (!fs::exists(path)) fail("{}: no such file or folder", path.string());
  if (fs::is_directory(path))
    return fmt::format("{}: folder\n{}", plain(path.string()), inspect_folder(path, settings));
  return fmt::format("{}: {}{}\n{}", plain(path.string()), kind_of(path),
                     bytes_text(static_cast<double>(fs::file_size(path))), inspect_file(path, settings));
}

}  // namespace cohort
