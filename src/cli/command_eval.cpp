#include <omp.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/progress.h"
#include "cli/cli.h"
#include "cli/sampling_options.h"
#include "eval/curves.h"
#include "run/evaluate.h"
#include "run/sample_json.h"

namespace cohort {
namespace {

using Json = nlohmann::ordered_json;

struct Settings : SamplingSettings {
  std::vector<std::string> data;
  std::string compare, summary;
};

void declare(OptionTable& table, Settings& s) {
  add_sampling_options(table, s, &s.data);
  table.section("Rewards");
  table.add("reward_funcs", &s.recipe.reward_funcs,
            "reward functions by name; the first says what is correct (at least 1)");
  table.section("Before and after");
  table.add("compare", &s.compare, "a second model on the same problems: --model is before, this is after")
      .shown_as("DIR|GGUF");
  table.add("summary", &s.summary, "all printed figures as JSON").shown_as("FILE");
}

// "a.jsonl,b.jsonl" is two data sets, unless a file has that name.
std::vector<std::string> split_names(std::span<const std::string> given) {
  std::vector<std::string> names;
  for (const std::string& word : given) {
    if (std::filesystem::exists(word)) {
      names.push_back(word);
      continue;
    }
    for (size_t begin = 0; begin <= word.size();) {
      const size_t end = std::min(word.find(',', begin), word.size());
      if (end == begin) fail("eval: --data: expected names between the commas, found \"{}\"", word);
      names.push_back(word.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  for (size_t i = 0; i < names.size(); ++i)
    if (std::find(names.begin(), names.begin() + static_cast<int64_t>(i), names[i]) !=
        names.begin() + static_cast<int64_t>(i))
      fail("eval: --data: {} is given twice", names[i]);
  return names;
}

// One model on one data set.
struct Evaluated {
  EvalSummary summary;
  std::vector<PromptResult> results;
  Curves curves;
};

std::string percents(double value, Interval i) {
  return fmt::format("{:5.1f} % [{:.1f}, {:.1f}]", 100 * value, 100 * i.low, 100 * i.high);
}
std::string points(const CurvePoint& p) {
  const char* verdict = p.interval.low > 0 ? "  better" : p.interval.high < 0 ? "  worse" : "";
  return fmt::format("{:+5.1f} [{:+.1f}, {:+.1f}]{}", 100 * p.value, 100 * p.interval.low,
                     100 * p.interval.high, verdict);
}

void print_one(const std::string& name, const Evaluated& e, const Settings& s) {
  fmt::print("{}: {} problems x {} samples of {}\n", name, e.summary.prompts, s.recipe.num_generations,
             s.recipe.model);
  fmt::print("accuracy (pass@1)  {:.1f} %  [{:.1f}, {:.1f}] (95 %, clustered by problem)\n",
             100 * e.summary.accuracy, 100 * e.summary.accuracy_interval.low,
             100 * e.summary.accuracy_interval.high);
  for (const auto& [family, curve] : {std::pair("pass", &e.curves.pass), {"maj", &e.curves.maj}})
    for (const CurvePoint& p : *curve)
      if (p.k > 1)
        fmt::print("{:<18} {}\n", fmt::format("{}@{}", family, p.k), percents(p.value, p.interval));
  fmt::print("mean length        {:.1f} tokens\n", e.summary.mean_length);
  if (e.summary.uncomputed > 0) fmt::print("not judged         {} samples\n", e.summary.uncomputed);
}

void print_two(const std::string& name, const Evaluated& before, const Evaluated& after,
               const CurveChanges& changes, const Settings& s) {
  fmt::print("{}: {} problems x {} samples, before {}, after {}\n", name, before.summary.prompts,
             s.recipe.num_generations, s.recipe.model, s.compare);
  fmt::print("{:<12} {:<24} {:<24} {}\n", "", "before", "after", "change in points");
  const auto rows = [](const char* family, const std::vector<CurvePoint>& b, const std::vector<CurvePoint>& a,
                       const std::vector<CurvePoint>& change) {
    for (const CurvePoint& c : change) {
      const auto at = [&](const std::vector<CurvePoint>& curve) {
        const auto found = std::ranges::find(curve, c.k, &CurvePoint::k);
        return percents(found->value, found->interval);
      };
      fmt::print("{:<12} {:<24} {:<24} {}\n", fmt::format("{}@{}", family, c.k), at(b), at(a), points(c));
    }
  };
  rows("pass", before.curves.pass, after.curves.pass, changes.pass);
  rows("maj", before.curves.maj, after.curves.maj, changes.maj);
  fmt::print("{:<12} {:<24} {:<24} {:+.1f} tokens\n", "mean length",
             fmt::format("{:.1f}", before.summary.mean_length),
             fmt::format("{:.1f}", after.summary.mean_length),
             after.summary.mean_length - before.summary.mean_length);
  fmt::print("problems     {} better, {} worse, {} the same\n", changes.better, changes.worse, changes.same);
  if (before.summary.uncomputed + after.summary.uncomputed > 0)
    fmt::print("not judged   {} samples before, {} after\n", before.summary.uncomputed,
               after.summary.uncomputed);
}

std::string json_text(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json curve_json(const std::vector<CurvePoint>& curve) {
  Json out = Json::array();
  for (const CurvePoint& p : curve)
    out.push_back({{"k", p.k}, {"value", p.value}, {"low", p.interval.low}, {"high", p.interval.high}});
  return out;
}

Json evaluated_json(const Evaluated& e) {
  return {{"problems", e.summary.prompts},
          {"samples", e.summary.samples},
          {"uncomputed", e.summary.uncomputed},
          {"accuracy", e.summary.accuracy},
          {"accuracy_low", e.summary.accuracy_interval.low},
          {"accuracy_high", e.summary.accuracy_interval.high},
          {"mean_length", e.summary.mean_length},
          {"pass_at_k", curve_json(e.curves.pass)},
          {"maj_at_k", curve_json(e.curves.maj)}};
}

int run(std::span<const std::string> arguments) {
  Settings s;
  OptionTable table;
  declare(table, s);
  const std::vector<std::string> rest = table.read_arguments(arguments);
  if (!rest.empty()) fail("eval: unexpected argument {}", rest[0]);
  Recipe& r = s.recipe;
  if (r.model.empty()) fail("eval: --model is missing: a Hugging Face folder or a GGUF file");
  if (s.data.empty()) fail("eval: --data is missing: a JSONL file or the name of a built-in task");
  if (r.reward_funcs.empty()) fail("eval: --reward_funcs is missing");
  if (r.num_generations > 1000)
    fail("eval: --num_generations: majority votes are counted over at most 1000 samples, found {}",
         r.num_generations);
  const std::vector<std::string> names = split_names(s.data);
  if (r.num_threads > 0) omp_set_num_threads(static_cast<int>(r.num_threads));

  // Both models and all their problems are read before the first sample is drawn: what is wrong is said at once.
  const std::vector<RewardFunction> rewards = make_rewards(r.reward_funcs, {});
  std::vector<std::string> paths{r.model};
  if (!s.compare.empty()) paths.push_back(s.compare);
  std::vector<std::unique_ptr<LoadedModel>> models;
  std::vector<std::vector<std::vector<Problem>>> problems;  // by model and data set: tokenizers may differ
  int64_t samples = 0;
  for (const std::string& path : paths) {
    models.push_back(std::make_unique<LoadedModel>(path));
    auto& of_model = problems.emplace_back();
    for (const std::string& name : names) {
      r.data = name;
      of_model.push_back(
          load_datasets(r, models.back()->checkpoint.tokenizer, models.back()->model.config()).train);
      samples += std::ssize(of_model.back()) * r.num_generations;
    }
  }

  std::vector<std::vector<Evaluated>> found(models.size());  // by model and data set
  std::string rows;
  {
    Progress progress("eval", samples, "samples");
    int64_t done = 0;
    for (size_t m = 0; m < models.size(); ++m)
      for (size_t d = 0; d < names.size(); ++d) {
        const LoadedModel& loaded = *models[m];
        Evaluation e = evaluate(loaded.model, loaded.checkpoint.tokenizer, problems[m][d], rewards,
                                static_cast<int32_t>(r.num_generations),
                                generation_options(r, loaded.model.config(), loaded.checkpoint.tokenizer),
                                [&](int64_t, int64_t finished) { progress.update(done + finished); });
        done += std::ssize(problems[m][d]) * r.num_generations;
        if (!s.output.empty())
          for (const Group& g : e.groups)
            for (const Sample& sample : g.samples) {
              std::string row = sample_json(sample, -1);
              if (models.size() * names.size() > 1)
                row.insert(
                    1, fmt::format("\"model\":{},\"data\":{},", json_text(paths[m]), json_text(names[d])));
              rows += row + "\n";
            }
        Curves curves = sampling_curves(e.results);
        found[m].push_back({std::move(e.summary), std::move(e.results), std::move(curves)});
      }
  }
  if (!s.output.empty()) write_file(s.output, rows);

  Json json{{"model", r.model}};
  if (!s.compare.empty()) json["compare"] = s.compare;
  json["num_generations"] = r.num_generations;
  json["data"] = Json::array();
  std::string better, worse;
  for (size_t d = 0; d < names.size(); ++d) {
    if (d > 0) fmt::print("\n");
    Json entry{{"name", names[d]}};
    if (s.compare.empty()) {
      print_one(names[d], found[0][d], s);
      entry.update(evaluated_json(found[0][d]));
    } else {
      const CurveChanges changes = curve_changes(found[0][d].results, found[1][d].results);
      print_two(names[d], found[0][d], found[1][d], changes, s);
      entry["before"] = evaluated_json(found[0][d]);
      entry["after"] = evaluated_json(found[1][d]);
      entry["change"] = {{"pass_at_k", curve_json(changes.pass)},
                         {"maj_at_k", curve_json(changes.maj)},
                         {"better", changes.better},
                         {"worse", changes.worse},
                         {"same", changes.same}};
      if (!changes.pass.empty() && changes.pass[0].interval.low > 0)
        better += fmt::format("{}{}", better.empty() ? "" : ", ", names[d]);
      if (!changes.pass.empty() && changes.pass[0].interval.high < 0)
        worse += fmt::format("{}{}", worse.empty() ? "" : ", ", names[d]);
    }
    json["data"].push_back(std::move(entry));
  }
  if (!s.compare.empty())
    fmt::print("\ngot better (pass@1, interval above 0): {}\ngot worse (interval below 0): {}\n",
               better.empty() ? "none" : better, worse.empty() ? "none" : worse);
  if (!s.summary.empty())
    write_file(s.summary, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  return 0;
}

}  // namespace

const Command kEvalCommand = {
    "eval",
    "accuracy, pass@k and maj@k with their intervals, of one model or before against after",
    "cohort eval --model DIR|GGUF --data ROWS [--compare DIR|GGUF] [--option value]...",
    "cohort eval --model runs/quickstart/base --data addition --task_digits 3 --task_problems 100 "
    "--reward_funcs answer_tag",
    [] {
      Settings s;
      OptionTable table;
      declare(table, s);
      return table.help();
    },
    run};

}  // namespace cohort
