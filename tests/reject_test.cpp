// Rejection sampling and evaluation through the program itself: the rows that are written, and that training
// reads them.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "run_support.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;
using testing::lines_of;
using testing::Process;
using testing::run_program;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

class Reject : public ::testing::Test {
 protected:
  // The tiny model's random completions of 20 problems; `last_number` pays where the last one is the answer.
  Words words(const char* command, const std::string& output, const Words& more) const {
    Words all{command,
              "--model",
              init(),
              "--data",
              folder_.file("rows.jsonl").string(),
              "--reward_funcs",
              "last_number",
              "--num_generations",
              "6",
              "--max_completion_length",
              "12",
              "--num_threads",
              "1"};
    if (!output.empty()) all.insert(all.end(), {"--output", folder_.file(output).string()});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Process::Result reject(const std::string& output, const Words& more = {}) const {
    return run_program(words("reject", output, more));
  }
  std::vector<Json> rows(const std::string& name) const { return testing::json_lines(folder_.file(name)); }
  std::string init() const { return folder_.file("init").string(); }
  testing::RunFolder folder_;
};

// Catches: wrong or cut completions kept, right ones dropped, samples that are not generate's, duplicates of
// a prompt, and a result that depends on the chunks the prompts are sampled in.
TEST_F(Reject, KeepsWhatGenerateSamplesAndTheRewardAccepts) {
  const Process::Result r = reject("kept.jsonl");
  ASSERT_EQ(r.status, 0) << r.text;
  EXPECT_FALSE(fs::exists(folder_.file("kept.jsonl.tmp")));
  const Process::Result e = run_program(words("eval", "all.jsonl", {}));
  ASSERT_EQ(e.status, 0) << e.text;
  Words generate = words("generate", "sampled.jsonl", {});
  generate.erase(std::ranges::find(generate, "--reward_funcs"),
                 std::ranges::find(generate, "--num_generations"));
  const Process::Result g = run_program(generate);
  ASSERT_EQ(g.status, 0) << g.text;
  const std::vector<Json> problems = rows("rows.jsonl"), kept = rows("kept.jsonl");
  // The expected rows by a second way: generate's samples, and the last digit run of the text against the
  // answer.
  std::vector<std::pair<int, int>> expected, found;
  std::set<std::string> seen;
  std::set<int> prompts;
  size_t cut = 0;
  for (const Json& s : rows("sampled.jsonl")) {
    if (s["finish_reason"] == "length") {
      ++cut;
      continue;
    }
    const std::string text = s["completion"];
    const size_t end = text.find_last_of("0123");
    if (end == std::string::npos) continue;
    size_t begin = end;
    while (begin > 0 && text.find_first_of("0123", begin - 1) == begin - 1) --begin;
    const std::string number = text.substr(begin, end - begin + 1);
    const int prompt = s["prompt_index"];
    if (std::stol(number) != std::stol(problems[static_cast<size_t>(prompt)]["answer"].get<std::string>()))
      continue;
    if (!seen.insert(s["prompt_ids"].dump() + s["completion_ids"].dump() + std::to_string(prompt)).second)
      continue;
    expected.emplace_back(prompt, s["sample_index"].get<int>());
    prompts.insert(prompt);
  }
  for (const Json& k : kept) found.emplace_back(k["prompt_index"].get<int>(), k["sample_index"].get<int>());
  EXPECT_EQ(found, expected);
  EXPECT_GT(found.size(), 5u);
  EXPECT_GT(cut, 0u);
  EXPECT_NE(r.text.find(fmt::format("prompts lost       {} ", 20 - prompts.size())), std::string::npos)
      << r.text;
  EXPECT_NE(r.text.find(fmt::format("kept               {} rows of {} prompts", kept.size(), prompts.size())),
            std::string::npos)
      << r.text;
  // One prompt a chunk.
  ASSERT_EQ(reject("chunked.jsonl", {"--max_sequences", "1"}).status, 0);
  EXPECT_EQ(read_file(folder_.file("chunked.jsonl")), read_file(folder_.file("kept.jsonl")));
}

// Catches: rows that train does not read, a prefix that is added a second time, or an end token that is lost
// or doubled: a step on the rows counts their tokens, and gives the same weights with and without the prefix
// in the recipe.
TEST_F(Reject, RowsTrainAsTheyWereSampled) {
  ASSERT_EQ(
      reject("kept.jsonl", {"--prompt_prefix", "0 ", "--prompt_suffix", " ", "--max_per_prompt", "1"}).status,
      0);
  const std::vector<Json> kept = rows("kept.jsonl");
  size_t tokens = 0;
  for (const Json& k : kept) {
    EXPECT_EQ(k["prompt"].get<std::string>().substr(0, 2), "0 ");
    EXPECT_EQ(k["prompt_ids"].size(), k["prompt"].get<std::string>().size());  // a token per character
    EXPECT_EQ(k["completion_ids"].size(),
              k["completion"].get<std::string>().size() + 1);  // and the end token
    EXPECT_EQ(k["reward"], 1.0);
    tokens += k["prompt_ids"].size() + k["completion_ids"].size();
  }
  const int64_t batch = std::ssize(kept);
  for (const char* prefix : {"\"\"", "\"0 \""}) {
    const std::string run = prefix[1] == '0' ? "twice" : "once";
    testing::Options o{{"method", "\"sft\""},
                       {"model", "\"" + init() + "\""},
                       {"data", "\"" + folder_.file("kept.jsonl").string() + "\""},
                       {"prompt_prefix", prefix},
                       {"train_batch_size", std::to_string(batch)},
                       {"max_steps", "1"},
                       {"num_threads", "1"}};
    folder_.finish(run, o);
    EXPECT_EQ(lines_of(folder_.file(run) / "metrics.jsonl").size(), 1u);
    EXPECT_EQ(rows(run + "/metrics.jsonl")[0]["num_tokens"], tokens) << run;
  }
  EXPECT_EQ(read_file(folder_.file("once") / "checkpoint-1" / "model.safetensors"),
            read_file(folder_.file("twice") / "checkpoint-1" / "model.safetensors"));
}

// Catches: pairs of equal worth, chosen and rejected exchanged, and rows that dpo does not read.
TEST_F(Reject, PairsTrainDpo) {
  const Process::Result r = reject("kept.jsonl", {"--pairs", folder_.file("pairs.jsonl").string()});
  ASSERT_EQ(r.status, 0) << r.text;
  const std::vector<Json> pairs = rows("pairs.jsonl");
  ASSERT_GT(pairs.size(), 3u);
  EXPECT_NE(r.text.find(fmt::format("pairs              {} of 20 prompts", pairs.size())), std::string::npos)
      << r.text;
  for (const Json& pair : pairs) EXPECT_NE(pair["chosen"], pair["rejected"]);
  const Process::Result again = reject("kept2.jsonl", {"--pairs", folder_.file("pairs.jsonl").string()});
  EXPECT_NE(again.status, 0);
  EXPECT_NE(again.text.find("pairs.jsonl: expected a new file"), std::string::npos) << again.text;
  const Process::Result t =
      run_program({"train", "--method", "dpo", "--model", folder_.file("init").string(), "--data",
                   folder_.file("pairs.jsonl").string(), "--max_steps", "2", "--train_batch_size", "2",
                   "--output_dir", folder_.file("dpo").string()});
  EXPECT_EQ(t.status, 0) << t.text;
}

// Catches: a file that is overwritten unasked or left half written, and faults found only after the sampling.
TEST_F(Reject, BadInput) {
  testing::write_text(folder_.file("there.jsonl"), "mine\n");
  const auto refused = [&](const std::string& output, const Words& more, const std::string& expected) {
    const Process::Result r = reject(output, more);
    EXPECT_EQ(r.status, 1) << r.text;
    EXPECT_NE(r.text.find(expected), std::string::npos) << expected << " is not in: " << r.text;
    EXPECT_EQ(read_file(folder_.file("there.jsonl")), "mine\n");
    EXPECT_FALSE(fs::exists(folder_.file("new.jsonl")));
    EXPECT_FALSE(fs::exists(folder_.file("new.jsonl.tmp")));
  };
  refused("there.jsonl", {}, "--overwrite replaces it");
  refused("init", {"--overwrite"}, "found a folder");
  refused("new.jsonl", {"--select", "most"}, "all, best");
  refused("new.jsonl", {"--reward_funcs", "last_nmber"}, "last_number");
  refused("new.jsonl", {"--max_per_prompt", "-1"}, "at least 0");
  refused("new.jsonl", {"--reward_threshold", "nan"}, "reward_threshold");
  refused("new.jsonl", {"--data", folder_.file("none.jsonl").string()}, "none.jsonl");
  refused("new.jsonl", {"--reward_threshold", "7"}, "no completion was accepted");
  ASSERT_EQ(reject("there.jsonl", {"--overwrite"}).status, 0);
  EXPECT_NE(read_file(folder_.file("there.jsonl")), "mine\n");
}

// Catches: a comparison of different problems or samples, data sets mixed up, a summary that is not what was
// printed.
TEST_F(Reject, EvalComparesOnSeveralDataSets) {
  std::string half;
  for (int i = 0; i < 10; ++i) half += lines_of(folder_.file("rows.jsonl"))[static_cast<size_t>(i)] + "\n";
  testing::write_text(folder_.file("half.jsonl"), half);
  const std::string both = folder_.file("rows.jsonl").string() + "," + folder_.file("half.jsonl").string();
  const Process::Result r = run_program(
      words("eval", "", {"--compare", init(), "--data", both, "--summary", folder_.file("s.json").string()}));
  // A list's values add up: rows.jsonl stands there from before.
  EXPECT_EQ(r.status, 1);
  EXPECT_NE(r.text.find("given twice"), std::string::npos) << r.text;
  const Process::Result ok =
      run_program(words("eval", "e.jsonl",
                        {"--compare", init(), "--data", folder_.file("half.jsonl").string(), "--summary",
                         folder_.file("s.json").string()}));
  ASSERT_EQ(ok.status, 0) << ok.text;
  const Json s = Json::parse(read_file(folder_.file("s.json")));
  ASSERT_EQ(s["data"].size(), 2u);
  EXPECT_EQ(s["data"][0]["before"]["problems"], 20);
  EXPECT_EQ(s["data"][1]["before"]["problems"], 10);
  for (const Json& d : s["data"]) {
    EXPECT_EQ(d["before"], d["after"]);  // the same model and the same random numbers
    EXPECT_EQ(d["change"]["better"].get<int>() + d["change"]["worse"].get<int>(), 0);
    ASSERT_EQ(d["change"]["pass_at_k"].size(), 4u);  // 1, 2, 4, 6
    EXPECT_EQ(d["change"]["maj_at_k"][3]["k"], 6);
    EXPECT_EQ(d["change"]["maj_at_k"][3]["high"], 0);
    EXPECT_GT(d["before"]["pass_at_k"][3]["value"], d["before"]["pass_at_k"][0]["value"]);
  }
  EXPECT_EQ(lines_of(folder_.file("e.jsonl")).size(), 2u * 30 * 6);
  EXPECT_NE(ok.text.find("got worse (interval below 0): none"), std::string::npos) << ok.text;
}

}  // namespace
}  // namespace cohort
