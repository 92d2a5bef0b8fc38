// Whole steps through the run loop of `cohort train`, on random models: training steps as a share of
// OpenBLAS's 2048^3 in the same run, sampling speed, and whole GRPO steps in seconds.
//   bench_steps [train|sample|grpo ...] [0.2M|0.8M|5M|5.2M|27M|124M ...] (all where nothing is named)
// FLOPs = 6 x matrix parameters x tokens (the head only where a log-prob is wanted) + causal attention;
// recomputation does not count.
#include <cctype>

#include "base/log.h"
#include "bench/run_support.h"
#include "rollout/engine.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> named;  // on the command line

// Whether `name` was asked for: it was named, or none of its kind (parts of the benchmark, or sizes of
// models, which begin with a digit) was.
bool wanted(const std::string& name) {
  bool others = false;
  for (const std::string& n : named) {
    if (n == name) return true;
    others |= (std::isdigit(n[0]) != 0) == (std::isdigit(name[0]) != 0);
  }
  return !others;
}

void bench_train(const fs::path& folder) {
  struct Case {
    Shape shape;
    int64_t B, T;
  };
  const Case cases[] = {{{"0.8M", 128, 4, 4, 4, 384, 64}, 64, 64},
                        {{"5.2M", 256, 4, 4, 4, 1024, 4096}, 16, 128},
                        {{"27M", 512, 8, 8, 8, 1536, 4096}, 8, 256},
                        {{"124M", 768, 12, 12, 12, 2048, 50304}, 4, 256}};
  fmt::print("\ntraining step, AdamW included\n{:<6}{:>8}{:>10}{:>10}{:>12}{:>9}\n", "model", "tokens",
             "ms/step", "GF/s", "OpenBLAS", "share");
  for (const Case& c : cases) {
    if (!wanted(c.shape.name)) continue;
    const fs::path model = bench_model(folder, c.shape);
    // One prompt token and T targets: T rows of the trunk and of the head, as a language-model batch of B x
    // T.
    write_rows(folder / "rows.jsonl", c.B, 1, c.T, c.shape.V);
    Recipe r = base_recipe("sft", model, folder);
    r.train_batch_size = c.B;
    const double before = openblas_gflops();
    const Times t = timed(r);
    const double ceiling = std::max(before, openblas_gflops());
    const double tokens = static_cast<double>(c.B * c.T);
    const double flops =
        6 * tokens * (layer_parameters(c.shape) + static_cast<double>(c.shape.V * c.shape.C)) +
        6.0 * static_cast<double>(c.shape.L * c.shape.C * c.T) * tokens;
    const double seconds = median(t.total), rate = flops / seconds * 1e-9;
    fmt::print("{:<6}{:>8.0f}{:>10.1f}{:>10.1f}{:>12.1f}{:>8.1f}%\n", c.shape.name, tokens, 1e3 * seconds,
               rate, ceiling, 100 * rate / ceiling);
    fs::remove_all(model);
  }
}

void bench_sample(const fs::path&) {
  const Shape shapes[] = {{"0.8M", 128, 4, 4, 4, 384, 64},
                          {"5.2M", 256, 4, 4, 4, 1024, 4096},
                          {"27M", 512, 8, 8, 8, 1536, 4096},
                          {"124M", 768, 12, 12, 12, 2048, 50304}};
  fmt::print(
      "\nsampling, 64 sequences, prompt 32, 64 new tokens, prefill apart\n{:<6}{:>10}{:>10}{:>12}{:>9}\n",
      "model", "tok/s", "GF/s", "OpenBLAS", "share");
  for (const Shape& s : shapes) {
    if (!wanted(s.name)) continue;
    const ModelConfig c = bench_config(s);
    const Model model(c, random_weights(c, 1));
    const Tokenizer tokenizer = Tokenizer::characters("0123456789", {"<|end|>"}, "<|end|>");
    std::vector<GenerationRequest> requests(64);
    uint32_t state = 3;
    for (uint32_t i = 0; i < 64; ++i) {
      for (int t = 0; t < 32; ++t) requests[i].prompt_ids.push_back(token(state, s.V));
      requests[i].prompt_index = i;
    }
    GenerationOptions o;
    o.ignore_end = true;
    o.prefill_chunk = 4096;
    auto seconds = [&](int32_t length) {
      o.max_completion_length = length;
      double best = 1e9;
      for (int i = 0; i < 3; ++i) {
        const double start = bench_now();
        generate(model, tokenizer, requests, o);
        best = std::min(best, bench_now() - start);
      }
      return best;
    };
    const double before = openblas_gflops();
    const double prefill = seconds(1),
                 all = seconds(65);  // one token comes from the prefill's logits, 64 are decoded
    const double ceiling = std::max(before, openblas_gflops());
    const double rate = 64.0 * 64 / (all - prefill);
    const double flops = 2 * (layer_parameters(s) + static_cast<double>(s.V * s.C)) +
                         4.0 * static_cast<double>(s.L * s.C) * 64;
    fmt::print("{:<6}{:>10.0f}{:>10.1f}{:>12.1f}{:>8.1f}%\n", s.name, rate, rate * flops * 1e-9, ceiling,
               100 * rate * flops * 1e-9 / ceiling);
  }
}

void bench_grpo(const fs::path& folder) {
  struct Case {
    Shape shape;
    int64_t prompts, G, prompt, completion;
    double trl;  // seconds per step, TRL 1.16 on this kind of machine (tools/peer_trl.py measures it)
  };
  const Shape small{"0.2M", 64, 4, 4, 4, 192, 128}, middle{"0.8M", 128, 4, 4, 2, 384, 128},
      large{"5M", 256, 5, 8, 8, 1024, 128};
  const Case cases[] = {{small, 16, 16, 32, 32, 0.74},
                        {middle, 16, 16, 32, 32, 1.4},
                        {large, 16, 16, 32, 32, 6.5},
                        {large, 4, 16, 256, 32, 9.2},
                        {large, 4, 16, 512, 64, 33}};
  fmt::print(
      "\nwhole GRPO step, beta 0, none ends early, median of steps "
      "1-5\n{:<6}{:>9}{:>10}{:>10}{:>10}{:>10}{:>10}{:>12}\n",
      "model", "samples", "prompt", "new", "kept", "s/step", "rollout", "TRL/ours");
  for (const Case& c : cases) {
    if (!wanted(c.shape.name)) continue;
    const fs::path model = bench_model(folder, c.shape);
    write_rows(folder / "rows.jsonl", c.prompts * 5, c.prompt, 0, c.shape.V);
    for (const char* keep : {"false", "true"}) {
      Recipe r = base_recipe("grpo", model, folder);
      r.num_generations = c.G;
      r.train_batch_size = c.prompts * c.G;
      r.max_completion_length = c.completion;
      r.ignore_eos = true;
      r.reward_funcs = {"last_number"};
      r.keep_rollout_activations = keep;
      const Times t = timed(r);
      fmt::print("{:<6}{:>9}{:>10}{:>10}{:>10}{:>10.3f}{:>10.3f}{:>11.1f}x\n", c.shape.name, c.prompts * c.G,
                 c.prompt, c.completion, keep, median(t.total), median(t.rollout), c.trl / median(t.total));
    }
    fs::remove_all(model);
  }
}

}  // namespace
}  // namespace cohort

int main(int argc, char** argv) {
  using namespace cohort;
  set_log_level(LogLevel::error);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const fs::path folder = workspace();
  named.assign(argv + 1, argv + argc);
  try {
    if (wanted("train")) bench_train(folder);
    if (wanted("sample")) bench_sample(folder);
    if (wanted("grpo")) bench_grpo(folder);
  } catch (const std::exception& e) {
    fmt::print(stderr, "error: {}\n", e.what());
    return 1;
  }
  fs::remove_all(folder);
}
