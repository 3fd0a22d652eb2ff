// Run by bench/classify.py: trains on train.txt ("__label__x text" a line), tests on test.txt, prints one JSON line.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>

#include "athanor/classic/fasttext.h"
#include "athanor/classic/fasttext_train.h"
#include "athanor/classic/test_data.h"

namespace athanor {
namespace {

using classic_test::Labelled;

std::vector<Labelled> read_rows(const fs::path& path) {
  std::vector<Labelled> rows;
  for (const auto& line : classic_test::read_lines(path)) {
    const size_t space = std::min(line.find(' '), line.size() - 1);
    rows.push_back({line.substr(9, space - 9), line.substr(space + 1)});
  }
  return rows;
}

double accuracy(const FastText& model, const std::vector<Labelled>& rows) {
  size_t right = 0;
  for (const auto& [label, text] : rows) {
    const auto found = model.predict(text);
    right += !found.empty() && found[0].label == label ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(rows.size());
}

FastTextModel train(const FastTextTrainOptions& options, const std::vector<Labelled>& rows, ThreadPool& pool) {
  FastTextTrainer trainer(options);
  for (const auto& [label, text] : rows) {
    const std::string_view labels[] = {label};
    trainer.add(labels, text);
  }
  return trainer.train(pool, [](double, double) {});
}

TEST(ClassifyBench, TrainAndTest) {
  const char* folder = std::getenv("ATHANOR_CLASSIFY_DIR");
  const char* text = std::getenv("ATHANOR_CLASSIFY");
  if (folder == nullptr || text == nullptr) {
    GTEST_SKIP() << "bench/classify.py runs this";
  }
  const fs::path dir(folder);
  const auto given = nlohmann::json::parse(text);
  FastTextTrainOptions options;
  options.loss = given.value("loss", "softmax");
  options.dim = given.value("dim", 32);
  options.epochs = given.value("epoch", 5);
  options.learning_rate = given.value("lr", 0.5);
  options.word_ngrams = given.value("wordNgrams", 1);
  options.minn = given.value("minn", 0);
  options.maxn = given.value("maxn", 0);
  options.bucket = given.value("bucket", 200000);
  options.seed = given.value("seed", 1);
  const auto rows = read_rows(dir / "train.txt");
  const auto test = read_rows(dir / "test.txt");
  ThreadPool pool(1);
  const std::clock_t begin = std::clock();
  const FastTextModel model = train(options, rows, pool);
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  model.write(dir / "model.bin");
  options.quantise = true;
  options.cutoff = model.input.rows / 5;
  train(options, rows, pool).write(dir / "model.ftz");
  const nlohmann::json result{{"seconds", seconds},
                              {"accuracy", accuracy(FastText::open(dir / "model.bin"), test)},
                              {"accuracy_quantised", accuracy(FastText::open(dir / "model.ftz"), test)},
                              {"bytes", fs::file_size(dir / "model.bin")},
                              {"bytes_quantised", fs::file_size(dir / "model.ftz")}};
  std::cout << result.dump() << "\n";
}

}  // namespace
}  // namespace athanor
