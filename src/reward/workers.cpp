#include "reward/workers.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "base/check.h"
#include "base/json.h"
#include "reward/dialogue.h"
#include "reward/rules.h"

namespace cohort {
namespace {

// Limits of the rules themselves come long before; this is for a worker that hangs. A program's tests may take five times their
// CPU time each, so with larger limits it is longer.
constexpr double kSilence = 600, kSilencePerCpuSecond = 150;  // seconds
constexpr size_t kMostAtOnce = 16;

// One completion, to be judged by all costly functions that its row leads to.
struct Question {
  std::string text;  // what the worker is asked, but for the id
  int64_t begun = 0;                                // how often: equal completions of a row are judged once
  bool answered = false;
  std::vector<std::optional<RewardResult>> results;  // by costly function; none where the row leads elsewhere
  std::vector<int64_t> taken;                       // how often each was taken
};

class Workers {
 public:
  // `costly`: how many of the functions are.
  Workers(const RewardSettings& settings, int64_t max_completion_length, size_t costly) : costly_(costly) {
    RewardSettings own = settings;
    OptionTable table;
    add_reward_settings(table, own);
    const nlohmann::json greeting{{"settings", table.to_toml()}, {"max_completion_length", max_completion_length}};
    for (int64_t i = 0; i < settings.reward_workers; ++i) {
      dialogues_.push_back(std::make_unique<Dialogue>(
          Dialogue::Options{{reward_worker_program(), std::string(kRewardWorkerWord)},
                            "the reward worker",
                            dump_json(greeting) + "\n",
                            std::max(kSilence, kSilencePerCpuSecond * settings.code_cpu_seconds)}));
      dialogues_.back()->start();
    }
    for (const auto& dialogue : dialogues_) threads_.emplace_back([this, &dialogue] { serve(*dialogue); });
  }

  ~Workers() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    work_.notify_all();
    for (const auto& dialogue : dialogues_) dialogue->cancel();
    for (std::thread& thread : threads_) thread.join();
  }

  void begin(const RewardInput& input) {
    const std::lock_guard lock(mutex_);
    begin_locked(input);
  }

  std::vector<RewardResult> results(size_t function, std::span<const RewardInput> inputs) {
    std::unique_lock lock(mutex_);
    std::map<std::string, int64_t> wanted;
    for (const RewardInput& input : inputs) {
      const auto found = questions_.find(key(input));
      const int64_t left = found == questions_.end() ? 0 : found->second->begun - found->second->taken[function];
      if (++wanted[key(input)] > left) begin_locked(input);
    }
    std::vector<RewardResult> out;
    for (const RewardInput& input : inputs) {
      const auto found = questions_.find(key(input));
      Question& q = *found->second;
      answer_.wait(lock, [&] { return q.answered; });
      out.push_back(q.results[function] ? *q.results[function]
                                        : not_computed("the reward worker's routes are not this process's"));
      ++q.taken[function];
      bool done = true;
      for (size_t f = 0; f < costly_; ++f) done = done && (!q.results[f] || q.taken[f] == q.begun);
      if (done) questions_.erase(found);
    }
    return out;
  }

 private:
  static std::string key(const RewardInput& input) {
    return fmt::format("{} {} {} {}{}", static_cast<const void*>(&input.fields), input.completion_tokens,
                       input.completion.size(), input.completion, input.prompt);
  }

  void begin_locked(const RewardInput& input) {
    std::shared_ptr<Question>& q = questions_[key(input)];
    if (!q) {
      q = std::make_shared<Question>();
      q->text = dump_json(nlohmann::json{{"prompt", input.prompt},
                                         {"completion", input.completion},
                                         {"completion_tokens", input.completion_tokens},
                                         {"row", input.fields}});
      q->results.resize(costly_);
      q->taken.resize(costly_);
      waiting_.push_back(q);
      work_.notify_one();
    }
    ++q->begun;
  }

  // A thread of this process that waits for one worker.
  void serve(Dialogue& dialogue) {
    for (;;) {
      std::vector<std::shared_ptr<Question>> some;
      {
        std::unique_lock lock(mutex_);
        work_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
        if (ending_) return;
        // A fair share, so that no worker sits idle beside a long line.
        const size_t count = std::clamp(waiting_.size() / (2 * dialogues_.size()), size_t{1}, kMostAtOnce);
        for (; some.size() < count; waiting_.pop_front()) some.push_back(std::move(waiting_.front()));
      }
      ask(dialogue, some);
    }
  }

  void ask(Dialogue& dialogue, std::span<const std::shared_ptr<Question>> some) {
    const auto give_up = [&](size_t i, const std::string& why) {
      finish(*some[i], std::vector<std::optional<RewardResult>>(costly_, not_computed(why)));
    };
    try {
      dialogue.run(
          some.size(),
          [&](size_t i) { return fmt::format("{{\"id\":{},{}", i, some[i]->text.substr(1)); },
          [&](size_t i, const nlohmann::json& answer) { finish(*some[i], results_of(answer)); }, give_up);
    } catch (const std::exception& error) {
      for (size_t i = 0; i < some.size(); ++i)
        if (!some[i]->answered) give_up(i, error.what());
    }
  }

  // {"id": 3, "results": [{"value": 1, "reason": ""}, {"value": null, "reason": "no gold"}, null]}
  std::vector<std::optional<RewardResult>> results_of(const nlohmann::json& answer) const {
    std::vector<std::optional<RewardResult>> out(costly_);
    const auto results = answer.find("results");
    if (results == answer.end() || !results->is_array() || results->size() != costly_)
      fail("answered {:.200}", dump_json(answer));
    for (size_t f = 0; f < costly_; ++f) {
      const nlohmann::json& r = (*results)[f];
      if (r.is_null()) continue;
      if (!r.is_object() || !r.contains("value") || !r.contains("reason")) fail("answered {:.200}", dump_json(answer));
      const bool known = r["value"].is_number();
      out[f] = RewardResult{known ? r["value"].get<double>() : 0, known, r["reason"].get<std::string>()};
    }
    return out;
  }

  void finish(Question& q, std::vector<std::optional<RewardResult>> results) {
    {
      const std::lock_guard lock(mutex_);
      q.results = std::move(results);
      q.answered = true;
    }
    answer_.notify_all();
  }

  const size_t costly_;
  std::vector<std::unique_ptr<Dialogue>> dialogues_;  // before the threads: exec, not fork
  std::mutex mutex_;
  std::condition_variable work_, answer_;
  std::map<std::string, std::shared_ptr<Question>> questions_;  // begun, and not yet taken by all functions
  std::deque<std::shared_ptr<Question>> waiting_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::string& reward_worker_program() {
  static std::string program;
  return program;
}

void give_to_workers(const RewardSettings& settings, int64_t max_completion_length,
                     std::vector<RewardFunction>& functions) {
  if (reward_worker_program().empty() || settings.reward_workers == 0) return;
  std::vector<RewardFunction*> costly;
  for (RewardFunction& f : functions)
    if (const RewardRule* rule = find_reward_rule(f.name); rule && rule->costly) costly.push_back(&f);
  if (costly.empty()) return;
  const auto workers = std::make_shared<Workers>(settings, max_completion_length, costly.size());
  for (size_t i = 0; i < costly.size(); ++i) {
    costly[i]->call = nullptr;
    costly[i]->call_all = [workers, i](std::span<const RewardInput> inputs) { return workers->results(i, inputs); };
    costly[i]->begin = [workers](const RewardInput& input) { workers->begin(input); };
  }
}

}  // namespace cohort
