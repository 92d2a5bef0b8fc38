// The table of methods. Every method is one gradient (DeepSeekMath, arXiv 2402.03300, section 5.2):
//   grad J = E[(q, o) ~ source] sum_t weight * coefficient(credit, log-probs) * grad log pi(o_t | q, o_<t)
#pragma once

#include <span>
#include <string_view>

#include "rl/coefficient.h"
#include "rl/credit.h"

namespace cohort {

enum class Source {
  file,            // completions come with the rows
  pairs,           // a preferred and a rejected completion come with each row
  initial_policy,  // sampled once from the starting model, the right ones kept; from then on a file
  policy,          // sampled from the live policy
};

// Another model whose log-probs of the completions are wanted.
enum class Other {
  none,
  reference,  // where the recipe gives the KL term a weight
  always,     // dpo's reference: its log-probs are computed once, before step 1
  teacher,    // the recipe's teacher_model
};

// What makes a step of the gradient.
enum class UpdateRule {
  adamw,
  trpo,  // a natural gradient within a trust region (trpo.h)
};

struct Method {
  std::string_view name, summary;
  Source source;
  CreditRule credit;
  CoefficientRule coefficient;
  Other other = Other::none;
  bool critic = false;
  UpdateRule update = UpdateRule::adamw;

  bool sampled() const { return source == Source::policy; }
  // Whether completions are the policy's, be it as it started; else they come with the rows.
  bool own_completions() const { return sampled() || source == Source::initial_policy; }
};

std::span<const Method> methods();

// Throws Error listing the known methods and the nearest of them.
const Method& find_method(std::string_view name);

}  // namespace cohort
