// The options that sampling commands share: the model, the rows and how to sample.
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

// How a model that only answers is held.
void add_dtype_option(OptionTable& table, std::string& dtype);

// How a completion is drawn: its length, temperature, top_p ... seed.
void add_sampler_options(OptionTable& table, Recipe& recipe);

// For commands whose samples are judged and written to a new file: SamplingSettings, and in its recipe the
// rewards, reward_threshold and holdout_fraction.
struct JudgedSettings : SamplingSettings {
  bool overwrite = false;
};
void add_judging_options(OptionTable& table, JudgedSettings& settings);
// Throws Error where model, data or rewards are missing, or the output exists and may not be replaced.
void check_judged(std::string_view command, const JudgedSettings& settings);

// A model ready to run, and the rows as problems.
struct LoadedModel {
  Checkpoint checkpoint;
  Model model;
  LoadedModel(const std::string& path, const std::string& dtype);
};

}  // namespace cohort
