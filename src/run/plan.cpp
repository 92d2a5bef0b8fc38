#include "run/plan.h"

#include <algorithm>

#include "model/activations.h"
#include "model/adapter_files.h"
#include "model/checkpoint.h"
#include "ops/log_prob.h"
#include "rollout/kv_blocks.h"
#include "run/method_options.h"
#include "run/plan_memory.h"
#include "run/problem_maker.h"
#include "run/reference.h"
#include "run/reward_folder.h"
#include "run/start.h"

namespace cohort {
namespace {

// Of the reward models that the recipe names.
struct RewardBytes {
  int64_t models = 0;    // weights, and packed for the kernels
  int64_t training = 0;  // gradients and moments of the one that goes on training
};
RewardBytes reward_bytes(const Recipe& r) {
  RewardBytes bytes;
  const auto add = [&](const std::string& folder, bool trained) {
    const ModelSize model = model_size(reward_config(folder));
    bytes.models += model.weights + model.packed;
    if (trained) bytes.training += 3 * model.weights;
  };
  for (const std::string& name : r.reward_funcs)
    if (name.starts_with(kModelReward)) add(name.substr(kModelReward.size()), r.steps_per_iteration > 0);
  if (!r.process_reward_model.empty()) add(r.process_reward_model, false);
  return bytes;
}

// Of a reference that never moves.
int64_t fixed_model_bytes(const std::string& path) {
  const ModelConfig config = load_checkpoint(path, Weights::later).config;
  const ModelSize size = model_size(config);
  return is_adapter_folder(path) ? size.weights + size.packed
                                 : frozen_model_bytes(path, config, FrozenDtype::automatic);
}

}  // namespace

int64_t Plan::total_bytes() const {
  int64_t sum = 0;
  for (const auto& [name, bytes] : memory) sum += bytes;
  return sum;
}

Plan make_plan(const Recipe& r, const Checkpoint& start, const Datasets& data, int64_t limit) {
  const ModelConfig& c = start.config;
  const LoraConfig* const lora = start.adapter ? &start.adapter->config() : nullptr;
  Plan plan;
  const Method& method = find_method(r.method);
  const bool sampled = method.sampled();
  int64_t longest_prompt = 1, longest_completion = method.own_completions() ? r.max_completion_length : 1;
  longest_prompt = std::max(longest_prompt, data.longest_train.prompt);
  longest_completion = std::max(longest_completion, data.longest_train.completion);
  const bool measures_loss = r.eval_steps > 0 && held_out_kind(r) != RowKind::prompts;
  if (measures_loss) {
    longest_prompt = std::max(longest_prompt, data.longest_eval.prompt);
    longest_completion = std::max(longest_completion, data.longest_eval.completion);
  }
  int64_t longest_sampled = 0;
  if (method.own_completions()) longest_sampled = longest_prompt;
  if (r.eval_steps > 0 && !measures_loss) longest_sampled = std::max(longest_sampled, data.longest_eval.prompt);
  if (longest_sampled > 0)
    plan.sequence_cache_bytes =
        KvBlocks::block_bytes(c) *
        (KvBlocks::blocks_for(longest_sampled) + KvBlocks::blocks_for(r.max_completion_length - 1));
  const auto [parameters, weights, packed] = model_size(c);
  plan.parameters = parameters;
  const TrainedPart part{lora, r.frozen()};
  const TrainedSize trained = trained_size(c, part);
  plan.trained = trained.parameters;
  const int64_t G = sampled ? r.num_generations : method.source == Source::pairs ? 2 : 1;
  const int64_t group_tokens = longest_prompt + G * (longest_completion - 1);
  const int64_t groups = sampled ? r.train_batch_size / std::max<int64_t>(1, G) : r.train_batch_size;
  plan.tokens_per_step = groups * group_tokens;
  const int64_t micro_groups =
      std::clamp<int64_t>(r.micro_batch_tokens / std::max<int64_t>(1, group_tokens), 1, groups);
  const int64_t micro = micro_groups * group_tokens, head_rows = micro_groups * G * longest_completion;

  if (lora)
    plan.memory.emplace_back("frozen base, packed for the kernels", frozen_model_bytes(start.source, c, r.base_dtype()));
  else
    plan.memory.emplace_back("weights, and packed for the kernels", weights + packed);
  if (lora) plan.memory.emplace_back("adapter: weights, and packed", trained.adapter);
  plan.memory.emplace_back("gradients", trained.floats);
  const bool trust_region = method.update == UpdateRule::trpo;
  if (trust_region)
    plan.memory.emplace_back("trust region: start, solution, residual, direction", 4 * trained.floats);
  else
    plan.memory.emplace_back("optimizer moments", 2 * trained.floats);
  if (needs_reference(r, method)) {
    const bool adapter = !r.adapter.empty() || is_adapter_folder(r.model) || reference_moves(r);
    if (method.other == Other::teacher)
      plan.memory.emplace_back("teacher", fixed_model_bytes(r.teacher_model));
    else if (!lora)
      plan.memory.emplace_back("reference model", reference_moves(r) ? weights + packed : fixed_model_bytes(r.model));
    else if (adapter)
      plan.memory.emplace_back("reference: the base with an adapter of its own", trained.adapter);
    else
      plan.memory.emplace_back("reference: the base without the adapter", 0);
  }
  // Off-loaded ones are there only while the passes that need more are not.
  const RewardBytes reward = reward_bytes(r);
  if (reward.models > 0 && !r.offload_reward_models) plan.memory.emplace_back("reward models", reward.models);
  if (reward.training > 0)
    plan.memory.emplace_back("gradients and moments of the reward model", reward.training);
  const PassShape pass{micro, head_rows, groups * group_tokens, r.gradient_checkpointing, part};
  const int64_t scratch = scratch_bytes(c, pass), micro_activations = activation_bytes(c, pass);
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
    const bool possible = r.steps_per_generation == 1 && !r.filter_groups && !r.offline_rollouts &&
                          r.max_tool_calling_iterations == 0;
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
  // Two products of a matrix are always made, forward and input gradient; the third is its own gradient.
  const double matrices = matrix_parameters(c, c.num_hidden_layers);
  const double learning =
      lora ? 3.0 * static_cast<double>(trained.parameters)
           : matrix_parameters(c, c.num_hidden_layers - std::min(r.freeze_layers, c.num_hidden_layers));
  const bool head_learns = !lora && !(r.freeze_embeddings && c.tie_word_embeddings);
  plan.flops_per_step =
      (4 * matrices + 2 * learning) * tokens +
      (head_learns ? 6 : 4) * static_cast<double>(c.vocab_size * c.hidden_size) * rows +
      12 * static_cast<double>(c.num_hidden_layers * c.attention_width()) * average_path * rows;
  // A forward is a third of that, a backward two. The conjugate gradient's steps take three forwards (one of
  // them the backward's) and a backward each, the line search's a forward.
  if (trust_region)
    plan.flops_per_step *= 1 + static_cast<double>(5 * r.cg_max_steps + r.line_search_max_iter) / 3;
  return plan;
}

std::string describe(const Plan& plan, int64_t limit) {
  std::string text =
      fmt::format("plan: {:.3g} M parameters{}, at most {} tokens and {:.3g} GFLOP in an optimizer step\n",
                  static_cast<double>(plan.parameters) / 1e6,
                  plan.trained == plan.parameters
                      ? ""
                      : fmt::format(", {:.3g} M trained", static_cast<double>(plan.trained) / 1e6),
                  plan.tokens_per_step, plan.flops_per_step / 1e9);
  for (const auto& [name, bytes] : plan.memory)
    text += fmt::format("  {:>9.1f} MB  {}\n", static_cast<double>(bytes) / 1e6, name);
  text += fmt::format("  {:>9.1f} MB  in the worst case, of {:.1f} MB available",
                      static_cast<double>(plan.total_bytes()) / 1e6, static_cast<double>(limit) / 1e6);
  return text;
}

void refuse(const Plan& plan, int64_t limit, std::string_view advice) {
  fail("this run needs up to {:.2f} GB and {:.2f} GB are available: {}, or take a smaller model\n{}",
       static_cast<double>(plan.total_bytes()) / 1e9, static_cast<double>(limit) / 1e9, advice,
       describe(plan, limit));
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
  refuse(plan, limit, advice);
}

RecipePlan plan_recipe(const Recipe& recipe) {
  const Checkpoint start = load_start(recipe, std::nullopt);
  const Datasets data = load_datasets(recipe, start.tokenizer, start.config);
  const int64_t limit = memory_limit(recipe.memory_limit_gb);
  return {make_plan(recipe, start, data, limit),
          limit};
}

}  // namespace cohort
