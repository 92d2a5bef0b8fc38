// On-policy distillation (arXiv 2306.13649, with the reverse KL per token): credit from a teacher on the
// student's own samples.
#pragma once

#include "rl/credit.h"

namespace cohort {

// A_t = log pi_teacher(o_t) - log pi_old(o_t), the one-sample estimate of minus the reverse KL at token t.
// The teacher's log-probs stand in Sample::ref_log_probs. Inserted tokens get 0.
void distillation_credit(std::span<Group> groups, const CreditOptions& options);

}  // namespace cohort
