#include "run/evaluate.h"

#include "eval/curves.h"

namespace cohort {

Evaluation evaluate(const Model& model, const Tokenizer& tokenizer, const Problems& problems,
                    std::span<const RewardFunction> rewards, int32_t num_generations,
                    const GenerationOptions& options, const std::function<void(int64_t, int64_t)>& progress) {
  Evaluation e;
  const std::vector<Drawn> drawn = draw_problems(problems, 0, problems.size());
  GenerationOptions o = options;
  o.step = 0xFFFFFFFFu;  // no step of training: no number is shared with it
  e.groups = policy_groups(model, tokenizer, drawn, num_generations, o, progress, nullptr, rewards);
  score_groups(drawn, rewards, e.groups);
  for (const Group& g : e.groups) {
    PromptResult& r = e.results.emplace_back();
    for (const Sample& s : g.samples) {
      const auto& [name, first] = s.rewards.front();  // of those that judge the row
      if (first != first) {
        ++r.uncomputed;
        continue;
      }
      // Samples that read alike but are judged differently (a format reward) are different answers.
      // A reward that extracts no answer votes with its verdict.
      const bool correct = first >= 1;
      const auto& extract = std::ranges::find(rewards, name, &RewardFunction::name)->extract;
      const std::string answer = extract ? extract(s.completion) : correct ? "right" : "wrong";
      r.votes.push_back({answer + (correct || answer.empty() ? "" : "\n"), correct});
      r.lengths.push_back(s.sampled_tokens());
    }
  }
  e.summary = summarize(e.results);
  return e;
}

Metrics evaluation_metrics(const Evaluation& e) {
  const EvalSummary& s = e.summary;
  Metrics m{{"eval_accuracy", s.accuracy},
            {"eval_accuracy_low", s.accuracy_interval.low},
            {"eval_accuracy_high", s.accuracy_interval.high}};
  const Curves curves = sampling_curves(e.results);
  for (const auto& [family, curve] : {std::pair("pass", &curves.pass), {"maj", &curves.maj}})
    for (const CurvePoint& p : *curve) {
      if (p.k == 1) continue;  // the accuracy
      const std::string name = fmt::format("eval_{}@{}", family, p.k);
      m.insert(m.end(),
               {{name, p.value}, {name + "_low", p.interval.low}, {name + "_high", p.interval.high}});
    }
  m.emplace_back("eval_mean_length", s.mean_length);
  Metrics rollout;
  add_rollout_metrics(e.groups, rollout);
  for (const auto& [name, value] : rollout)
    if (name == "reward" || (name.starts_with("rewards/") && !name.ends_with("/std")) ||
        name == "completions/clipped_ratio")
      m.emplace_back("eval_" + name, value);
  m.emplace_back("eval_problems", static_cast<double>(s.prompts));
  if (s.uncomputed > 0) m.emplace_back("eval_uncomputed", static_cast<double>(s.uncomputed));
  return m;
}

}  // namespace cohort
