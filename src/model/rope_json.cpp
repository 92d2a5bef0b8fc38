#include "model/rope_json.h"

#include <cmath>

#include "base/math.h"

namespace cohort {
namespace {

using nlohmann::ordered_json;
using Kind = RopeScaling::Kind;

// Beside the rope's parameters it goes before the one among them; where it is not said, the model was pretrained with all of
// max_position_embeddings (transformers' standardize_rope_params).
int64_t original_context(const Fields& fields, const Fields& rope) {
  const char* name = "original_max_position_embeddings";
  const int64_t context = fields.integer(name, rope.integer(name, fields.integer("max_position_embeddings", 4096)));
  if (context < 2) fail("{}: '{}': expected 2 or more, found {}", rope.where(), name, context);
  return context;
}

double stretch(const Fields& fields, const Fields& rope, int64_t original) {
  const auto most = static_cast<double>(fields.integer("max_position_embeddings", 4096));
  return rope.number("factor", most / static_cast<double>(original));
}

void read_yarn(const Fields& fields, const Fields& rope, RopeScaling* s) {
  s->original_max_position_embeddings = original_context(fields, rope);
  s->factor = stretch(fields, rope, s->original_max_position_embeddings);
  const double mscale = rope.number("mscale", 0), mscale_all_dim = rope.number("mscale_all_dim", 0);
  const double implied = mscale != 0 && mscale_all_dim != 0 ? yarn_attention_factor(s->factor, mscale) /
                                                                  yarn_attention_factor(s->factor, mscale_all_dim)
                                                            : yarn_attention_factor(s->factor);
  s->attention_factor = rope.number("attention_factor", implied);
  s->beta_fast = rope.number("beta_fast", 32);
  s->beta_slow = rope.number("beta_slow", 1);
  s->truncate = rope.boolean("truncate", true);
}

void read_longrope(const Fields& fields, const Fields& rope, RopeScaling* s) {
  s->original_max_position_embeddings = original_context(fields, rope);
  s->factor = stretch(fields, rope, s->original_max_position_embeddings);
  const double implied =
      s->factor <= 1 ? 1.0
                     : std::sqrt(1 + log(s->factor) / log(static_cast<double>(s->original_max_position_embeddings)));
  s->attention_factor = rope.number("attention_factor", implied);
  const ordered_json& factors = rope.required("short_factor", "an array of numbers");
  if (!factors.is_array()) rope.wrong("short_factor", "an array of numbers", factors);
  for (const ordered_json& factor : factors) {
    if (!factor.is_number() || !(factor.get<double>() > 0)) rope.wrong("short_factor", "positive numbers", factor);
    s->short_factor.push_back(factor.get<double>());
  }
}

void read_llama3(const Fields& fields, const Fields& rope, RopeScaling* s) {
  s->factor = rope.number("factor");
  s->low_freq_factor = rope.number("low_freq_factor");
  s->high_freq_factor = rope.number("high_freq_factor");
  s->original_max_position_embeddings = original_context(fields, rope);
}

}  // namespace

// transformers 5 writes rope_parameters with rope_theta inside; 4 writes rope_theta and rope_scaling (null: none).
void read_rope(const Fields& fields, ModelConfig* config) {
  config->rope_theta = fields.number("rope_theta", 10000.0);
  const char* name = fields.find("rope_scaling") ? "rope_scaling" : "rope_parameters";
  if (fields.number("partial_rotary_factor", 1.0) != 1.0)
    fail("{}: 'partial_rotary_factor': rotating a part of each head is not supported", fields.where());
  const ordered_json* object = fields.find(name);
  if (!object) return;
  if (!object->is_object()) fields.wrong(name, "an object", *object);
  const Fields rope(*object, fmt::format("{}: '{}'", fields.where(), name));
  config->rope_theta = rope.number("rope_theta", config->rope_theta);
  if (rope.number("partial_rotary_factor", 1.0) != 1.0)
    fail("{}: 'partial_rotary_factor': rotating a part of each head is not supported", rope.where());
  for (const auto& [key, value] : object->items())
    if (value.is_object())
      fail("{}: '{}': rope parameters by layer type are not supported", rope.where(), key);

  RopeScaling& scaling = config->rope_scaling;
  const std::string type = rope.string("rope_type", rope.string("type", "default"));
  if (type == "linear" || type == "dynamic") {
    scaling.kind = type == "linear" ? Kind::linear : Kind::dynamic;
    scaling.factor = rope.number("factor");
  } else if (type == "llama3") {
    scaling.kind = Kind::llama3;
    read_llama3(fields, rope, &scaling);
  } else if (type == "yarn" && config->model_type != "phi3") {
    scaling.kind = Kind::yarn;
    read_yarn(fields, rope, &scaling);
  } else if (type == "longrope" || type == "su") {  // su: Phi-3's first name for it
    scaling.kind = Kind::longrope;
    read_longrope(fields, rope, &scaling);
  } else if (type != "default") {
    fail("{}: rope type '{}' is not supported; supported are default, linear, dynamic, llama3, yarn, longrope",
         rope.where(), type);
  }
}

ordered_json rope_scaling_json(const RopeScaling& s) {
  switch (s.kind) {
    case Kind::none:
      return nullptr;
    case Kind::linear:
      return {{"rope_type", "linear"}, {"factor", s.factor}};
    case Kind::dynamic:
      return {{"rope_type", "dynamic"}, {"factor", s.factor}};
    case Kind::llama3:
      return {{"rope_type", "llama3"},
              {"factor", s.factor},
              {"low_freq_factor", s.low_freq_factor},
              {"high_freq_factor", s.high_freq_factor},
              {"original_max_position_embeddings", s.original_max_position_embeddings}};
    case Kind::yarn:
      return {{"rope_type", "yarn"},
              {"factor", s.factor},
              {"attention_factor", s.attention_factor},
              {"beta_fast", s.beta_fast},
              {"beta_slow", s.beta_slow},
              {"truncate", s.truncate},
              {"original_max_position_embeddings", s.original_max_position_embeddings}};
    case Kind::longrope:  // only within the original context: beyond it other factors are needed
      return {{"rope_type", "longrope"},
              {"factor", s.factor},
              {"attention_factor", s.attention_factor},
              {"short_factor", s.short_factor},
              {"long_factor", s.short_factor},
              {"original_max_position_embeddings", s.original_max_position_embeddings}};
  }
  return nullptr;
}

}  // namespace cohort
