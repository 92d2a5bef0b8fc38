// What the whole-program benchmarks share: random models as folders, and the OpenBLAS ceiling measured in the
// same run.
#pragma once

#include <cblas.h>
#include <fmt/format.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "data/tasks.h"
#include "model/checkpoint.h"
#include "model/model.h"

namespace cohort {

inline double bench_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Best of several products of 2048^3, GF/s. The pauses let the other library's idle threads go to sleep.
inline double openblas_gflops() {
  const int n = 2048;
  std::vector<float> a(n * n, 0.5f), b(n * n, 0.25f), c(n * n);
  openblas_set_num_threads(omp_get_max_threads());
  usleep(300000);
  double best = 1e9;
  for (int i = 0; i < 7; ++i) {
    const double start = bench_now();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, n, 1, a.data(), n, b.data(), n, 0, c.data(),
                n);
    best = std::min(best, bench_now() - start);
  }
  usleep(300000);
  return 2.0 * n * n * n / best * 1e-9;
}

struct Shape {
  const char* name;
  int64_t C, L, H, K, F, V;
};

inline ModelConfig bench_config(const Shape& s) {
  ModelConfig c;
  c.vocab_size = s.V;
  c.hidden_size = s.C;
  c.intermediate_size = s.F;
  c.num_hidden_layers = s.L;
  c.num_attention_heads = s.H;
  c.num_key_value_heads = s.K;
  c.head_dim = s.C / s.H;
  c.max_position_embeddings = 1024;
  c.tie_word_embeddings = false;
  c.eos_token_ids = {0};
  return c;
}

// A folder with random weights and a tokenizer of characters (rows come as token ids, so it only has to be
// there).
inline std::filesystem::path bench_model(const std::filesystem::path& parent, const Shape& s) {
  const std::filesystem::path folder = parent / s.name;
  const ModelConfig c = bench_config(s);
  const Buffer weights = random_weights(c, 1);
  save_checkpoint(folder, c, weights.data(), Tokenizer::characters("0123456789+= ", {"<|end|>"}, "<|end|>"));
  return folder;
}

inline double layer_parameters(const Shape& s) {  // matrices of all layers
  const double D = static_cast<double>(s.C / s.H), C = static_cast<double>(s.C);
  return static_cast<double>(s.L) * C *
         ((static_cast<double>(s.H) + 2 * static_cast<double>(s.K)) * D + C + 3 * static_cast<double>(s.F));
}

}  // namespace cohort
