#include "run/plan.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "model/activations.h"
#include "model/checkpoint.h"
#include "model/trunk.h"
#include "model/weights.h"
#include "ops/log_prob.h"
#include "rollout/kv_blocks.h"
#include "run/dataset.h"
#include "run/method_options.h"
#include "run/reward_folder.h"

namespace cohort {
namespace {

// Floats of the packed copies of all matrices that forward reads.
int64_t packed_floats(const ModelConfig& c) {
  auto packed = [](int64_t n, int64_t k) { return (n + 31) / 32 * 32 * k; };
  const int64_t C = c.hidden_size, F = c.intermediate_size;
  return c.num_hidden_layers *
             (packed(c.qkv_width(), C) + packed(C, c.attention_width()) + packed(2 * F, C) + packed(C, F)) +
         packed(c.scalar_head ? 1 : c.vocab_size, C);
}

double matrix_parameters(const ModelConfig& c) {  // of the layers
  const double C = static_cast<double>(c.hidden_size);
  return static_cast<double>(c.num_hidden_layers) *
         (C * static_cast<double>(c.qkv_width() + c.attention_width() + 3 * c.intermediate_size));
}

// Of the reward models that the recipe names.
struct RewardBytes {
  int64_t models = 0;    // weights, and packed for the kernels
  int64_t training = 0;  // gradients and moments of the one that goes on training
};
RewardBytes reward_bytes(const Recipe& r) {
  RewardBytes bytes;
  const auto add = [&](const std::string& folder, bool trained) {
    const ModelConfig c = reward_config(folder);
    const int64_t weights = 4 * parameter_floats(parameter_list(c));
    bytes.models += weights + 4 * packed_floats(c);
    if (trained) bytes.training += 3 * weights;
  };
  for (const std::string& name : r.reward_funcs)
    if (name.starts_with(kModelReward)) add(name.substr(kModelReward.size()), r.steps_per_iteration > 0);
  if (!r.process_reward_model.empty()) add(r.process_reward_model, false);
  return bytes;
}

}  // namespace

int64_t Plan::total_bytes() const {
  int64_t sum = 0;
  for (const auto& [name, bytes] : memory) sum += bytes;
  return sum;
}

Plan make_plan(const Recipe& r, const ModelConfig& c, const Datasets& data, int64_t limit) {
  Plan plan;
  const Method& method = find_method(r.method);
  const bool sampled = method.sampled();
  int64_t longest_prompt = 1, longest_completion = sampled || method.source == Source::initial_policy
                                                       ? r.max_completion_length
                                                       : 1;
  for (const Problem& p : data.train) {
    longest_prompt = std::max<int64_t>(longest_prompt, p.prompt_ids.size());
    longest_completion =
        std::max<int64_t>(longest_completion, std::max(p.completion_ids.size(), p.rejected_ids.size()));
  }
  int64_t longest_sampled = 0;
  if (sampled || method.source == Source::initial_policy) longest_sampled = longest_prompt;
  if (r.eval_steps > 0)
    for (const Problem& p : data.eval)
      longest_sampled = std::max<int64_t>(longest_sampled, p.prompt_ids.size());
  if (longest_sampled > 0)
    plan.sequence_cache_bytes =
        KvBlocks::block_bytes(c) *
        (KvBlocks::blocks_for(longest_sampled) + KvBlocks::blocks_for(r.max_completion_length - 1));
  const std::vector<Parameter> list = parameter_list(c);
  for (const Parameter& p : list) plan.parameters += p.size();
  const int64_t weights = 4 * parameter_floats(list), packed = 4 * packed_floats(c);
  const int64_t G = sampled ? r.num_generations : method.source == Source::pairs ? 2 : 1;
  const int64_t group_tokens = longest_prompt + G * (longest_completion - 1);
  const int64_t groups = sampled ? r.train_batch_size / std::max<int64_t>(1, G) : r.train_batch_size;
  plan.tokens_per_step = groups * group_tokens;
  const int64_t micro_groups =
      std::clamp<int64_t>(r.micro_batch_tokens / std::max<int64_t>(1, group_tokens), 1, groups);
  const int64_t micro = micro_groups * group_tokens, head_rows = micro_groups * G * longest_completion;

  plan.memory.emplace_back("weights, and packed for the kernels", weights + packed);
  plan.memory.emplace_back("gradients", weights);
  const bool trust_region = method.update == UpdateRule::trpo;
  if (trust_region)
    plan.memory.emplace_back("trust region: start, solution, residual, direction", 4 * weights);
  else
    plan.memory.emplace_back("optimizer moments", 2 * weights);
  if (needs_reference(r, method)) plan.memory.emplace_back("reference model", weights + packed);
  // Off-loaded ones are there only while the passes that need more are not.
  const RewardBytes reward = reward_bytes(r);
  if (reward.models > 0 && !r.offload_reward_models) plan.memory.emplace_back("reward models", reward.models);
  if (reward.training > 0)
    plan.memory.emplace_back("gradients and moments of the reward model", reward.training);
  const auto keep = r.gradient_checkpointing ? Activations::Keep::inputs : Activations::Keep::all;
  const int64_t C = c.hidden_size, F = c.intermediate_size;
  // Over the whole tree: dx, the gradients of attention and qkv, embedding rows that wait for the step's end;
  // over a chunk of its rows: the rest.
  const int64_t chunk = std::min<int64_t>(micro, kChunkRows);
  const int64_t scratch =
      4 * (micro * (2 * C + c.attention_width() + c.qkv_width()) + 3 * head_rows * C +
           chunk * (2 * C + 2 * F + (r.gradient_checkpointing ? 2 * F : 0)) + groups * group_tokens * C);
  const int64_t micro_activations = Activations::bytes(c, micro, keep) + scratch;
  if (method.critic) {
    plan.memory.emplace_back("critic: weights, gradients, moments", 4 * weights + packed);
    plan.memory.emplace_back("critic: activations of a micro-batch", micro_activations);
  }
  const int64_t head = std::max<int64_t>(kHeadWorkspaceBytes, 64 * c.vocab_size);
  int64_t kept = 0;
  if (sampled) {
    const int64_t own = KvBlocks::blocks_for(longest_completion - 1),
                  prompt = KvBlocks::blocks_for(longest_prompt);
    const int64_t rollout_prompts = r.prompts_per_rollout();
    const int64_t cache = std::min<int64_t>(static_cast<int64_t>(r.kv_memory_gb * 1e9),
                                            rollout_prompts * (prompt + G * own) * KvBlocks::block_bytes(c));
    const int64_t logits = 4 * c.vocab_size * std::min<int64_t>(r.max_sequences, r.generation_batch_size());
    plan.memory.emplace_back(
        "key/value cache and logits of the rollout",
        cache + std::min(logits, int64_t{64} << 20) + 4 * c.vocab_size * rollout_prompts);
    kept = Activations::bytes(c, rollout_prompts * group_tokens, Activations::Keep::all);
    // The rollout's activations serve one update, the first; later ones need a forward of their own, and so
    // do a reference and a trust region.
    const bool possible = r.steps_per_generation == 1 && !r.filter_groups && !r.offline_rollouts;
    const bool only_updates = r.num_iterations == 1 && !needs_reference(r, method) && !trust_region;
    const int64_t others = plan.total_bytes() + head + scratch + (only_updates ? 0 : micro_activations);
    plan.keep_activations =
        possible && (r.keep_rollout_activations == "true" ||
                     (r.keep_rollout_activations == "auto" && others + kept < limit * 9 / 10));
    if (plan.keep_activations) {
      plan.memory.emplace_back("activations of the rollout, kept for the update", kept);
      plan.memory.emplace_back("workspaces of backward",
                               scratch + Activations::bytes(c, micro, Activations::Keep::all) /
                                             std::max<int64_t>(1, c.num_hidden_layers));
    }
    if (!plan.keep_activations || !only_updates)
      plan.memory.emplace_back("activations of a micro-batch", micro_activations);
  } else {
    plan.memory.emplace_back("activations of a micro-batch", micro_activations);
  }
  plan.memory.emplace_back("logits of the vocabulary head", head);

  const double tokens = static_cast<double>(plan.tokens_per_step);
  const double rows = static_cast<double>(groups * G * longest_completion);
  const double average_path =
      static_cast<double>(longest_prompt) + static_cast<double>(longest_completion) / 2;
  plan.flops_per_step =
      6 * matrix_parameters(c) * tokens + 6 * static_cast<double>(c.vocab_size * C) * rows +
      12 * static_cast<double>(c.num_hidden_layers * c.attention_width()) * average_path * rows;
  // A forward is a third of that, a backward two. The conjugate gradient's steps take three forwards (one of
  // them the backward's) and a backward each, the line search's a forward.
  if (trust_region)
    plan.flops_per_step *= 1 + static_cast<double>(5 * r.cg_max_steps + r.line_search_max_iter) / 3;
  return plan;
}

int64_t memory_limit(const Recipe& recipe) {
  if (recipe.memory_limit_gb > 0) return static_cast<int64_t>(recipe.memory_limit_gb * 1e9);
  std::ifstream file("/proc/meminfo");
  std::string word;
  while (file >> word)
    if (word == "MemAvailable:") {
      int64_t kilobytes = 0;
      if (file >> kilobytes) return kilobytes * 1024;
    }
  return int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
}

std::string describe(const Plan& plan, int64_t limit) {
  std::string text = fmt::format(
      "plan: {:.3g} M parameters, at most {} tokens and {:.3g} GFLOP in an optimizer step\n",
      static_cast<double>(plan.parameters) / 1e6, plan.tokens_per_step, plan.flops_per_step / 1e9);
  for (const auto& [name, bytes] : plan.memory)
    text += fmt::format("  {:>9.1f} MB  {}\n", static_cast<double>(bytes) / 1e6, name);
  text += fmt::format("  {:>9.1f} MB  in the worst case, of {:.1f} MB available",
                      static_cast<double>(plan.total_bytes()) / 1e6, static_cast<double>(limit) / 1e6);
  return text;
}

void check(const Plan& plan, int64_t limit, const Recipe& recipe) {
  if (static_cast<double>(plan.sequence_cache_bytes) > recipe.kv_memory_gb * 1e9)
    fail(
        "kv_memory_gb: one sequence needs {:.3g} GB of key/value cache, found {}: raise it, or lower "
        "max_completion_length",
        static_cast<double>(plan.sequence_cache_bytes) / 1e9, recipe.kv_memory_gb);
  if (plan.total_bytes() <= limit) return;
  std::string advice = "lower micro_batch_tokens or max_completion_length";
  if (!recipe.gradient_checkpointing) advice += ", set gradient_checkpointing = true";
  if (plan.keep_activations) advice += ", set keep_rollout_activations = \"false\"";
  fail("this run needs up to {:.2f} GB and {:.2f} GB are available: {}, or take a smaller model\n{}",
       static_cast<double>(plan.total_bytes()) / 1e9, static_cast<double>(limit) / 1e9, advice,
       describe(plan, limit));
}

RecipePlan plan_recipe(const Recipe& recipe) {
  const Checkpoint start = load_checkpoint(recipe.model, Weights::later);
  const Datasets data = load_datasets(recipe, start.tokenizer, start.config);
  const int64_t limit = memory_limit(recipe);
  return {make_plan(recipe, start.config, data, limit), limit};
}

}  // namespace cohort
