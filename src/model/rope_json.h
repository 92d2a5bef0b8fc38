// Rotary embeddings in a config.json.
#pragma once

#include "model/config.h"
#include "model/config_fields.h"

namespace cohort {

// rope_theta and rope_scaling, from what transformers 4 and 5 write. Throws Error naming the field.
void read_rope(const Fields& fields, ModelConfig* config);

// As transformers 4's rope_scaling; null where there is none.
nlohmann::ordered_json rope_scaling_json(const RopeScaling& scaling);

}  // namespace cohort
