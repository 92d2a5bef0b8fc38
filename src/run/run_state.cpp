#include "run/run_state.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/checksum.h"
#include "base/json.h"
#include "base/log.h"
#include "model/adapter_files.h"

namespace cohort {
namespace fs = std::filesystem;
using OrderedJson = nlohmann::ordered_json;

namespace {

constexpr const char* kState = "trainer_state.json";
constexpr const char* kOptimizer = "optimizer.safetensors";

std::pair<int64_t, std::string> size_and_checksum(const fs::path& path) {
  int64_t size = 0;
  Checksum64 sum;
  read_parts(path, [&](std::string_view part) {
    size += static_cast<int64_t>(part.size());
    sum.update(part);
  });
  return {size, fmt::format("{:016x}", sum.value())};
}

// The steps of all folders named checkpoint-N, newest first.
std::vector<int64_t> checkpoint_steps(const fs::path& run) {
  std::vector<int64_t> steps;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(run, error)) {
    const std::string name = entry.path().filename().string();
    constexpr std::string_view prefix = "checkpoint-";
    if (!name.starts_with(prefix)) continue;
    const std::string digits = name.substr(prefix.size());
    if (digits.empty() || digits.size() > 12 || digits.find_first_not_of("0123456789") != std::string::npos)
      continue;
    steps.push_back(std::stoll(digits));
  }
  std::sort(steps.rbegin(), steps.rend());
  return steps;
}

// Reads trainer_state.json and holds every file against it. Throws Error naming what is wrong.
RunState read_state(const fs::path& folder) {
  const fs::path path = folder / kState;
  try {
    const OrderedJson j = parse_json(read_file(path));
    RunState s;
    s.step = j.at("step");
    s.num_tokens = j.at("num_tokens");
    s.best_value = j.at("best_value");
    s.best_step = j.at("best_step");
    s.prompts_drawn = j.at("prompts_drawn");
    s.reward_model_steps = j.at("reward_model_steps");
    s.kl_coef = j.at("kl_coef");
    s.entropy_coef = j.at("entropy_coef");
    s.lengths = {j.at("lengths").at("metrics"), j.at("lengths").at("samples"),
                 j.at("lengths").at("eval_samples")};
    for (const auto& [name, file] : j.at("files").items()) {
      const auto [bytes, checksum] = size_and_checksum(folder / name);
      if (bytes != file.at("bytes").get<int64_t>())
        fail("{}: expected {} bytes, found {}", (folder / name).string(), file.at("bytes").get<int64_t>(),
             bytes);
      if (checksum != file.at("checksum").get<std::string>())
        fail("{}: its checksum is not the recorded one", (folder / name).string());
    }
    return s;
  } catch (const OrderedJson::exception& e) {
    fail("{}: {}", path.string(), e.what());
  }
}

}  // namespace

fs::path checkpoint_folder(const fs::path& run, int64_t step) {
  return run / fmt::format("checkpoint-{}", step);
}

void save_run(const fs::path& run, const RunState& state, const Model& model, const Optimizer* optimizer,
              const Checkpoint& start, const std::function<void(const fs::path&)>& others, int64_t keep) {
  const auto write = [&](const fs::path& folder) {
    if (model.adapter())
      save_adapter(folder, *model.adapter(), start.source, start.tokenizer);
    else
      save_checkpoint(folder, model.config(), model.flat().data, start.tokenizer, start.texts);
    if (optimizer) optimizer->save(folder / kOptimizer);
    if (others) others(folder);
  };
  save_run(run, state, write, keep);
}

void save_run(const fs::path& run, const RunState& state, const std::function<void(const fs::path&)>& write,
              int64_t keep) {
  const fs::path folder = checkpoint_folder(run, state.step);
  fs::path aside = folder;
  aside += ".tmp";
  try {
    fs::remove_all(aside);
    fs::create_directories(aside);
    write(aside);
    OrderedJson j;
    j["step"] = state.step;
    j["num_tokens"] = state.num_tokens;
    j["best_value"] = state.best_value;
    j["best_step"] = state.best_step;
    j["prompts_drawn"] = state.prompts_drawn;
    j["reward_model_steps"] = state.reward_model_steps;
    j["kl_coef"] = state.kl_coef;
    j["entropy_coef"] = state.entropy_coef;
    j["lengths"] = {{"metrics", state.lengths.metrics},
                    {"samples", state.lengths.samples},
                    {"eval_samples", state.lengths.eval_samples}};
    j["files"] = OrderedJson::object();
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(aside))
      if (entry.is_regular_file()) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      const auto [bytes, checksum] = size_and_checksum(file);
      j["files"][fs::relative(file, aside).generic_string()] = {{"bytes", bytes}, {"checksum", checksum}};
    }
    write_new_file(aside / kState, dump_json(j, 2) + "\n");
    sync_folder(aside);
    fs::remove_all(folder);  // a torn one of the same step
    rename_synced(aside, folder);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(aside, ignored);
    throw;
  }
  settle_run(run, state, keep);
}

void settle_run(const fs::path& run, const RunState& state, int64_t keep) {
  const auto name = [](int64_t step) { return fmt::format("checkpoint-{}\n", step); };
  write_file(run / "latest", name(state.step));
  if (state.best_step >= 0) write_file(run / "best", name(state.best_step));
  if (keep > 0) {
    int64_t kept = 0;
    for (int64_t step : checkpoint_steps(run))
      if (++kept > keep && step != state.best_step) fs::remove_all(checkpoint_folder(run, step));
  }
}

std::optional<FoundCheckpoint> find_checkpoint(const fs::path& run) {
  for (int64_t step : checkpoint_steps(run)) {
    const fs::path folder = checkpoint_folder(run, step);
    try {
      return FoundCheckpoint{folder, read_state(folder)};
    } catch (const Error& e) {
      log_warning("{} is torn and is not used: {}", folder.string(), e.what());
    }
  }
  return std::nullopt;
}

std::unique_ptr<RunWriter> open_run(const fs::path& run, bool resume,
                                    const std::optional<FoundCheckpoint>& resumed, std::string_view recipe,
                                    int64_t keep) {
  if (resumed) {
    const RunState& state = resumed->state;
    log_info("resuming after step {} from {}", state.step, resumed->folder.string());
    auto writer = std::make_unique<RunWriter>(run, recipe, state.step, state.lengths);
    settle_run(run, state, keep);
    return writer;
  }
  if (resume && fs::exists(run / "recipe.toml")) {
    log_info("{} holds no whole checkpoint: starting again from step 0", run.string());
    return std::make_unique<RunWriter>(run, recipe, 0, RunLengths{});
  }
  return std::make_unique<RunWriter>(run, recipe);
}

void load_optimizer(const FoundCheckpoint& checkpoint, Optimizer& optimizer) {
  optimizer.load(checkpoint.folder / kOptimizer, checkpoint.state.step);
}

}  // namespace cohort
