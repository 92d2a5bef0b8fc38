#include "rl/distillation.h"

#include "base/check.h"

namespace cohort {

void distillation_credit(std::span<Group> groups, const CreditOptions&) {
  for (Group& group : groups)
    for (Sample& s : group.samples) {
      const size_t T = s.completion_ids.size();
      COHORT_CHECK(s.ref_log_probs.size() == T && s.log_probs.size() == T,
                   "{} tokens, {} of the teacher, {} recorded", T, s.ref_log_probs.size(),
                   s.log_probs.size());
      s.advantages.assign(T, 0.0f);
      for (size_t t = 0; t < T; ++t)
        if (s.is_sampled(t)) s.advantages[t] = s.ref_log_probs[t] - s.log_probs[t];
    }
}

}  // namespace cohort
