// Ids of texts, and how fast they come, on one core.
//   bench_tokenizer MODEL TEXTS [IDS [FOLDER]]
// MODEL is a folder or a GGUF file, TEXTS a JSON array of strings. Each text is encoded once, without special
// tokens added, and MB/s are printed. IDS: a JSON array of arrays is written there, FOLDER: the tokenizer is
// saved there. tools/compare_tokenizers.py compares them with Hugging Face tokenizers, SentencePiece and
// llama.cpp.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "tensor/gguf.h"
#include "text/tokenizer.h"

int main(int argc, char** argv) {
  using namespace cohort;
  if (argc < 3) {
    fmt::print("bench_tokenizer MODEL TEXTS [IDS [FOLDER]]\n");
    return 1;
  }
  try {
    const auto now = [] { return std::chrono::steady_clock::now(); };
    const auto seconds = [](auto from, auto to) { return std::chrono::duration<double>(to - from).count(); };
    const std::filesystem::path model = argv[1];
    auto start = now();
    const Tokenizer tokenizer = std::filesystem::is_directory(model) ? Tokenizer::from_folder(model)
                                                                     : Tokenizer::from_gguf(GgufFile(model));
    const double loading = seconds(start, now());
    const auto texts = nlohmann::json::parse(read_file(argv[2])).get<std::vector<std::string>>();
    std::vector<std::vector<int32_t>> ids(texts.size());
    size_t bytes = 0, tokens = 0;
    start = now();
    for (size_t i = 0; i < texts.size(); ++i) ids[i] = tokenizer.encode(texts[i], false);
    const double taken = seconds(start, now());
    for (size_t i = 0; i < texts.size(); ++i) bytes += texts[i].size(), tokens += ids[i].size();
    fmt::print(
        "{{\"load_seconds\": {:.3f}, \"seconds\": {:.4f}, \"bytes\": {}, \"tokens\": {}, \"mb_per_second\": "
        "{:.2f}}}\n",
        loading, taken, bytes, tokens, static_cast<double>(bytes) / taken / 1e6);
    if (argc > 3) std::ofstream(argv[3]) << nlohmann::json(ids).dump();
    if (argc > 4) {
      std::filesystem::create_directories(argv[4]);
      tokenizer.save(argv[4]);
    }
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
