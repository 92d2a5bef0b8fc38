#include "model/critic.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

#include "base/file.h"
#include "model/checkpoint.h"
#include "model/config_json.h"
#include "model/transformer.h"

namespace cohort {

struct Critic::State {
  explicit State(Model m) : model(std::move(m)) {}
  // Only a critic that learns has these.
  Gradients& learn() {
    if (!gradients) gradients.emplace(model);
    return *gradients;
  }
  Optimizer& train() {
    if (!optimizer) optimizer.emplace(model);
    return *optimizer;
  }

  Model model;
  Trunk trunk;
  Tensor hidden;  // (U, C), what the trunk returned
  std::optional<Gradients> gradients;
  std::optional<Optimizer> optimizer;
};

namespace {

Model with_scalar_head(const ModelConfig& config, const Tensor& weights) {
  COHORT_CHECK(weights.size() == parameter_floats(parameter_list(config)), "{} floats for {}", weights.size(),
               parameter_floats(parameter_list(config)));
  const ModelConfig scalar = critic_config(config);
  const std::vector<Parameter> list = parameter_list(scalar);
  Buffer own(parameter_floats(list));
  own.zero();
  const int64_t shared = config.scalar_head ? own.size() : list.back().offset;
  std::memcpy(own.data(), weights.data,
              static_cast<size_t>(std::min(shared, weights.size())) * sizeof(float));
  return Model(scalar, std::move(own));
}

}  // namespace

ModelConfig critic_config(ModelConfig policy) {
  policy.scalar_head = true;
  return policy;
}

Critic::Critic(const ModelConfig& config, const Tensor& weights)
    : state_(std::make_unique<State>(with_scalar_head(config, weights))) {}
Critic::Critic(std::unique_ptr<State> state) : state_(std::move(state)) {}
Critic::Critic(Critic&&) noexcept = default;
Critic& Critic::operator=(Critic&&) noexcept = default;
Critic::~Critic() = default;

const ModelConfig& Critic::config() const { return state_->model.config(); }
const Model& Critic::model() const { return state_->model; }

std::vector<float> Critic::values(const TokenTree& tree) { return forward(tree, Activations::Keep::none); }

std::vector<float> Critic::forward(const TokenTree& tree, Activations::Keep keep) {
  State& s = *state_;
  const HeadPlan head(tree);
  s.hidden = s.trunk.forward(s.model, tree, head.nodes, keep);
  const int64_t U = s.hidden.rows();
  std::vector<float> by_node(head.nodes.size()), values(tree.rows.size());
  matmul(s.hidden, s.model.packed_head(), {}, {}, Tensor(by_node.data(), {U, 1}));
  for (int64_t u = 0; u < U; ++u)
    for (int32_t i = head.offsets[u]; i < head.offsets[u + 1]; ++i) values[head.rows[i]] = by_node[u];
  return values;
}

void Critic::backward(const TokenTree& tree, std::span<const float> seeds) {
  State& s = *state_;
  const HeadPlan head(tree);
  COHORT_CHECK(seeds.size() == tree.rows.size(), "{} seeds for {} rows", seeds.size(), tree.rows.size());
  const int64_t U = static_cast<int64_t>(head.nodes.size());
  std::vector<float> by_node(head.nodes.size());
  for (int64_t u = 0; u < U; ++u)
    for (int32_t i = head.offsets[u]; i < head.offsets[u + 1]; ++i) by_node[u] += seeds[head.rows[i]];
  const Tensor d_value(by_node.data(), {U, 1});
  Gradients& gradients = s.learn();
  matmul_dx(d_value, s.model.weights().head, s.trunk.d_hidden());
  matmul_dw(d_value, s.hidden, gradients.views().head);
  s.trunk.backward(s.model, tree, gradients);
}

double Critic::step(const AdamWOptions& options, double max_grad_norm) {
  State& s = *state_;
  s.learn().finish();
  const double norm = s.train().step(s.model, *s.gradients, options, max_grad_norm);
  s.gradients->zero();
  return norm;
}

Tensor Critic::gradients() const {
  Gradients& gradients = state_->learn();
  gradients.finish();
  return gradients.flat();
}

void Critic::save(const std::filesystem::path& folder, bool with_optimizer) const {
  std::filesystem::create_directories(folder);
  write_new_file(folder / "config.json", config_json(config(), ""));
  save_weights(folder, config(), state_->model.flat().data, std::numeric_limits<int64_t>::max());
  if (with_optimizer) state_->train().save(folder / "optimizer.safetensors");
  sync_folder(folder);
}

Critic Critic::load(const std::filesystem::path& folder, bool with_optimizer, int64_t steps) {
  const std::filesystem::path path = folder / "config.json";
  const ModelConfig config = parse_config(read_file(path), path.string());
  if (!config.scalar_head)
    fail("{}: expected a model with a scalar head (architectures: ...ForSequenceClassification, one label)",
         path.string());
  auto state = std::make_unique<State>(Model(config, load_weights(folder, config)));
  if (with_optimizer) state->train().load(folder / "optimizer.safetensors", steps);
  return Critic(std::move(state));
}

}  // namespace cohort
