#include "model/adapter_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "model/config_fields.h"

namespace cohort {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kMaxRank = 1 << 16;

// Keys that say nothing about what the tensors of a file compute, whatever their value.
constexpr std::string_view kHarmless[] = {"auto_mapping",      "inference_mode", "lora_dropout",
                                          "megatron_config",   "megatron_core",  "peft_version",
                                          "qalora_group_size", "revision",       "task_type"};
// Those that are read.
constexpr std::string_view kRead[] = {
    "peft_type",        "r", "lora_alpha", "use_rslora", "target_modules", "base_model_name_or_path", "bias",
    "init_lora_weights"};

// null, false, 0, "", [] or {}: PEFT's way to say that a feature is not used.
bool unused(const ordered_json& value) {
  return value.is_null() || (value.is_boolean() && !value.get<bool>()) ||
         (value.is_number() && value.get<double>() == 0) ||
         (value.is_string() && value.get<std::string>().empty()) || (value.is_structured() && value.empty());
}

class Keys {
 public:
  Keys(const ordered_json& object, std::string source) : object_(object), source_(std::move(source)) {}
  [[noreturn]] void wrong(std::string_view key, std::string_view expected) const {
    const auto found = object_.find(key);
    fail("{}: '{}': expected {}, found {:.80}", source_, key, expected,
         found == object_.end() ? "nothing" : dump_json(*found));
  }
  const ordered_json& at(std::string_view key, std::string_view expected,
                         bool (ordered_json::*is)() const) const {
    const auto found = object_.find(key);
    if (found == object_.end() || !((*found).*is)()) wrong(key, expected);
    return *found;
  }
  const ordered_json* find(std::string_view key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  void refuse_unread() const {
    for (const auto& [key, value] : object_.items()) {
      const auto is_key = [name = std::string_view(key)](std::string_view known) { return known == name; };
      if (!std::ranges::any_of(kRead, is_key) && !std::ranges::any_of(kHarmless, is_key) && !unused(value))
        wrong(key, "nothing (plain LoRA has no such thing here)");
    }
  }

 private:
  const ordered_json& object_;
  std::string source_;
};

// The projection that a target names by itself, by its path in a layer, or in one layer of a model (PEFT
// writes out all-linear so; that all layers are there is seen when their tensors are taken). Else the name
// as it is.
std::string projection_of(const std::string& name) {
  std::string_view rest = name;
  constexpr std::string_view layers = "model.layers.";
  if (rest.starts_with(layers)) {
    rest.remove_prefix(layers.size());
    const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (digits == 0 || digits == rest.size() || rest[digits] != '.') return name;
    rest.remove_prefix(digits + 1);
  }
  const size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return name;
  const std::string_view part = rest.substr(0, dot), module = rest.substr(dot + 1);
  const bool attention =
      module.ends_with("_proj") && std::string_view("qkvo").find(module[0]) != std::string_view::npos;
  return part == (attention ? "self_attn" : "mlp") ? std::string(module) : name;
}

}  // namespace

AdapterConfig parse_adapter_config(const std::string& text, const std::string& source) {
  const ordered_json root = parse_object(text, source);
  const Keys keys(root, source);
  AdapterConfig c;
  if (const auto* type = keys.find("peft_type"); !type || *type != "LORA")
    keys.wrong("peft_type", "\"LORA\"");
  const std::string rank = fmt::format("a rank of 1 to {}", kMaxRank);
  const ordered_json& r = keys.at("r", rank, &ordered_json::is_number_integer);
  if (r.is_number_unsigned() ? r.get<uint64_t>() > uint64_t{kMaxRank} || r.get<uint64_t>() < 1 : true)
    keys.wrong("r", rank);
  c.lora.r = r.get<int64_t>();
  const std::string_view alpha = "a number above 0 and of at most 1e6";
  c.lora.lora_alpha = keys.at("lora_alpha", alpha, &ordered_json::is_number).get<double>();
  if (!(c.lora.lora_alpha > 0 && c.lora.lora_alpha <= 1e6)) keys.wrong("lora_alpha", alpha);
  if (const ordered_json* use = keys.find("use_rslora")) {
    if (!use->is_boolean()) keys.wrong("use_rslora", "true or false");
    c.lora.use_rslora = use->get<bool>();
  }
  if (const ordered_json* bias = keys.find("bias"); bias && *bias != "none") keys.wrong("bias", "\"none\"");
  // Other ways to initialise change the base's weights beside them.
  if (const ordered_json* way = keys.find("init_lora_weights");
      way && !way->is_boolean() && *way != "gaussian")
    keys.wrong("init_lora_weights", "true, false or \"gaussian\", which leave the base as it is");
  std::vector<std::string> names;
  const ordered_json* modules = keys.find("target_modules");
  if (modules && modules->is_string()) {
    if (*modules != "all-linear") keys.wrong("target_modules", "a list of names (patterns are not read)");
    names.push_back("all-linear");
  } else {
    for (const ordered_json& name : keys.at("target_modules", "a list of names", &ordered_json::is_array)) {
      if (!name.is_string()) keys.wrong("target_modules", "a list of names");
      names.push_back(projection_of(name.get<std::string>()));
    }
  }
  c.lora.target_modules = lora_targets(names, source + ": 'target_modules'");
  if (const ordered_json* base = keys.find("base_model_name_or_path")) {
    if (!base->is_string()) keys.wrong("base_model_name_or_path", "a path");
    c.base_model_name_or_path = base->get<std::string>();
  }
  keys.refuse_unread();
  return c;
}

}  // namespace cohort
