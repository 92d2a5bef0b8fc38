// The options that generate and eval share: the model, the rows and how to sample.
#pragma once

#include "base/options.h"
#include "model/checkpoint.h"
#include "run/dataset.h"

namespace cohort {

// Rows, prompt text and sampling are fields of the recipe that train has too, under the same names.
struct SamplingSettings {
  Recipe recipe;
  std::string output;
};

// Declares model, data, output, prompt text and the sampling options. Temperature may be 0 here: the
// likeliest token. With `datasets` --data is a list and goes there.
void add_sampling_options(OptionTable& table, SamplingSettings& settings,
                          std::vector<std::string>* datasets = nullptr);

// A model ready to run, and the rows as problems.
struct LoadedModel {
  Checkpoint checkpoint;
  Model model;
  explicit LoadedModel(const std::string& path);
};

}  // namespace cohort
