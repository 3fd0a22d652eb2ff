// Run by bench/ngram.py: trains on one text, scores another, prints processor seconds and sizes.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iomanip>
#include <iostream>

#include "athanor/classic/ngram_model.h"
#include "athanor/classic/test_data.h"

namespace athanor {
namespace {

double seconds_since(std::clock_t begin) { return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC; }

TEST(NgramBench, TrainAndScore) {
  const char* folder = std::getenv("ATHANOR_NGRAM_DIR");  // with train.txt and test.txt, one sentence a line
  if (folder == nullptr) {
    GTEST_SKIP() << "bench/ngram.py runs this";
  }
  const fs::path dir(folder);
  const int threads = std::atoi(std::getenv("ATHANOR_THREADS") != nullptr ? std::getenv("ATHANOR_THREADS") : "1");
  const char* memory = std::getenv("ATHANOR_MEMORY_MB");
  ThreadPool pool(threads);
  NgramTrainOptions options;
  options.memory_bytes = (memory != nullptr ? std::strtoull(memory, nullptr, 10) : 1024) << 20;
  std::clock_t begin = std::clock();
  NgramTrainer trainer(options, dir, pool);
  for (const auto& line : classic_test::read_lines(dir / "train.txt")) {
    trainer.add_sentence(line);
  }
  const NgramTables tables = trainer.finish([](double) {});
  std::cout << "train " << seconds_since(begin) << "\n";
  tables.write_arpa(dir / "ours.arpa");
  for (const bool quantise : {false, true}) {
    const fs::path file = dir / (quantise ? "small.ngram" : "whole.ngram");
    begin = std::clock();
    NgramModel::write(tables, file, {.quantise = quantise});
    std::cout << "write " << seconds_since(begin) << " " << fs::file_size(file) << "\n";
    const NgramModel model = NgramModel::open(file);
    const auto lines = classic_test::read_lines(dir / "test.txt");
    std::vector<double> scores;
    begin = std::clock();
    for (const auto& line : lines) {
      scores.push_back(model.score_sentence(line).log10_p);
    }
    std::cout << (quantise ? "score_small " : "score ") << seconds_since(begin) << "\n";
    std::ofstream out(dir / (quantise ? "small.scores" : "whole.scores"));
    out << std::setprecision(10);
    for (const double score : scores) {
      out << score << "\n";
    }
  }
}

}  // namespace
}  // namespace athanor
