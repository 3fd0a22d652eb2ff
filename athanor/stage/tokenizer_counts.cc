// Counting for the verb tokenizer: part by part, in bounded memory, resumable; and what `plan` says of it.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/machine.h"
#include "athanor/base/text.h"
#include "athanor/stage/document_parts.h"
#include "athanor/stage/tokenizer_recipe.h"
#include "athanor/token/train/count_run.h"

namespace athanor {

namespace {

constexpr size_t kMergeAtOnce = 64;
constexpr uint64_t kPlanBytes = uint64_t{8} << 20;

// Tables of one part, one a thread, that go to disk when they are full.
class PartCounter {
 public:
  PartCounter(const TextCounter& counter, uint64_t memory_bytes, ThreadPool& pool)
      : counter_(counter),
        pool_(pool),
        tables_(static_cast<size_t>(std::max(1, pool.num_threads()))),
        memory_each_(std::max<uint64_t>(memory_bytes / tables_.size(), uint64_t{4} << 20)) {}

  void count(const std::vector<Document>& documents, double share, int64_t seed, const fs::path& folder) {
    folder_ = folder;
    runs_.assign(tables_.size(), {});
    pool_.parallel_for(tables_.size(), [&](size_t lane) {
      for (size_t i = lane; i < documents.size(); i += tables_.size()) {
        if (in_sample(documents[i], share, seed)) {
          counter_.count(documents[i].text, tables_[lane]);
        }
        if (tables_[lane].memory_bytes() > memory_each_) {
          spill(lane);
        }
      }
      spill(lane);
    });
    std::vector<fs::path> all;
    for (const auto& runs : runs_) {
      all.insert(all.end(), runs.begin(), runs.end());
    }
    token::merge_count_runs(all, folder / "counts.run");
    for (const fs::path& run : all) {
      fs::remove(run);
    }
  }

 private:
  void spill(size_t lane) {
    runs_[lane].push_back(folder_ / (std::to_string(lane) + "-" + std::to_string(runs_[lane].size()) + ".run"));
    tables_[lane].spill(runs_[lane].back());
  }

  const TextCounter& counter_;
  ThreadPool& pool_;
  std::vector<token::PieceCounter> tables_;
  uint64_t memory_each_;
  fs::path folder_;
  std::vector<std::vector<fs::path>> runs_;
};

std::string merge_key(size_t level, size_t number) {
  return "merge-" + std::to_string(level) + "-" + std::to_string(number);
}

// Parts are merged 64 at a time, and these again; each step is kept, so that a kill loses one.
fs::path merge_parts(std::vector<fs::path> runs, const PartJournal& journal,
                     const std::function<void(double)>& progress) {
  for (size_t level = 0; level == 0 || runs.size() > 1; ++level) {
    std::vector<fs::path> merged;
    for (size_t first = 0; first < runs.size(); first += kMergeAtOnce) {
      const std::vector<fs::path> few(
          runs.begin() + static_cast<std::ptrdiff_t>(first),
          runs.begin() + static_cast<std::ptrdiff_t>(std::min(runs.size(), first + kMergeAtOnce)));
      const std::string key = merge_key(level, merged.size());
      journal.write(key, [&](const fs::path& folder) {
        token::merge_count_runs(few, folder / "counts.run", [&](double share) {
          check_interrupt();
          progress((static_cast<double>(first) + share * static_cast<double>(few.size())) /
                   static_cast<double>(runs.size()));
        });
      });
      merged.push_back(journal.path(key) / "counts.run");
    }
    runs = std::move(merged);
  }
  return runs[0];
}

}  // namespace

fs::path count_documents(StageContext& context, const TokenizerRecipe& recipe, const TextCounter& counter,
                         const Documents& documents, ThreadPool& pool) {
  const PartJournal journal(context.run.state() / "parts", context.shard);
  const double share = sample_share(recipe, documents.text_bytes());
  PartCounter parts(counter, static_cast<uint64_t>(recipe.memory_mb) << 20, pool);
  std::vector<fs::path> runs;
  const double begin = monotonic_time();
  for_each_part(documents, journal, context, [&](const DocumentPart& part) {
    if (part.documents != nullptr) {
      journal.write(part.key,
                    [&](const fs::path& folder) { parts.count(*part.documents, share, recipe.seed, folder); });
    }
    runs.push_back(journal.path(part.key) / "counts.run");
    context.progress.update(
        0.6 * part.share_done,
        "counting, " + human_bytes(static_cast<double>(part.bytes_done) / (monotonic_time() - begin)) + "/s");
  });
  if (!context.shard.whole()) {
    return {};
  }
  if (runs.empty()) {
    throw Error(ErrorKind::kInput, "there is no text to train on", "tokenizer training");
  }
  return merge_parts(std::move(runs), journal,
                     [&](double done) { context.progress.update(0.6 + 0.05 * done, "merging counts"); });
}

namespace {

struct SampleCounts {
  token::PieceCounter half, all;
  uint64_t half_bytes = 0, bytes = 0;
  double seconds = 0;
};

SampleCounts count_sample(const TokenizerRecipe& recipe, const Documents& documents) {
  const TextCounter counter(recipe, nullptr);
  SampleCounts out;
  const double begin = monotonic_time();
  for (size_t shard = 0; shard < documents.num_shards() && out.bytes < kPlanBytes; ++shard) {
    documents.for_each_in(shard, [&](uint64_t, Document&& document) {
      check_interrupt();
      if (out.bytes >= kPlanBytes) {
        return;
      }
      out.bytes += document.text.size();
      counter.count(document.text, out.all);
      if (out.half_bytes == 0 || out.half_bytes < std::min(kPlanBytes, documents.text_bytes()) / 2) {
        out.half_bytes += document.text.size();
        counter.count(document.text, out.half);
      }
    });
  }
  out.seconds = (monotonic_time() - begin) / 1.5;  // half of it was counted twice
  return out;
}

double mean_bytes(const token::PieceCounter& counter) {
  double bytes = 0;
  for (const auto& entry : counter.entries()) {
    bytes += static_cast<double>(entry.piece.size());
  }
  return bytes / static_cast<double>(std::max<size_t>(1, counter.entries().size()));
}

}  // namespace

nlohmann::json plan_tokenizer(const nlohmann::json& options, const std::vector<StageInput>& inputs) {
  nlohmann::json plan{{"rows", nlohmann::json::array()}};
  const auto row = [&](const std::string& name, double value, const std::string& text,
                       const std::string& note) {
    plan["rows"].push_back({{"name", name}, {"value", value}, {"text", text}, {"note", note}});
  };
  const auto recipe = load_options<TokenizerRecipe>(options);
  const StageInput* input = nullptr;
  for (const StageInput& each : inputs) {
    input = each.role == "documents" ? &each : input;
  }
  const bool trains =
      recipe.kind == "bpe" || recipe.kind == "wordpiece" || recipe.kind == "unigram" || recipe.kind == "word";
  if (input == nullptr || !trains) {
    return plan;
  }
  const Documents documents = Documents::open(input->path);
  const double all = static_cast<double>(documents.text_bytes()) * sample_share(recipe, documents.text_bytes());
  const SampleCounts sample = count_sample(recipe, documents);
  const auto pieces = static_cast<double>(sample.all.entries().size());
  if (pieces == 0) {
    return plan;
  }
  // Heaps: different words grow as a power of the text; the exponent is that between half of the sample and all
  // of it.
  const double growth = std::clamp(
      std::log(pieces / static_cast<double>(std::max<size_t>(1, sample.half.entries().size()))) /
          std::log(static_cast<double>(sample.bytes) / static_cast<double>(sample.half_bytes) + 1e-9),
      0.3, 1.0);
  const double times = std::max(1.0, all / static_cast<double>(sample.bytes));
  const double expected = times > 1 ? pieces * std::pow(times, growth) : pieces;
  const double length = mean_bytes(sample.all);
  const bool unigram = recipe.kind == "unigram";
  const double counting = std::min(static_cast<double>(recipe.memory_mb << 20), (uint64_t{16} << 20) * 4.0);
  const double training = unigram ? expected * (length + 1) * 40 : expected * (16 + 8 * length) + 60e6;
  const double begin = monotonic_time();
  const CountSource counts = [&](const CountVisitor& visit) {
    for (const auto& entry : sample.all.entries()) {
      visit(entry.piece, entry.count);
    }
  };
  ThreadPool pool(static_cast<int>(recipe.threads));
  nlohmann::json ignored;
  if (unigram) {
    UnigramTrainer(unigram_options(recipe)).train_json(counts, pool);
  } else if (recipe.kind == "word") {
    train_words(bpe_options(recipe), counts, ignored);
  } else {
    BpeTrainer(bpe_options(recipe)).train_json(counts);
  }
  const double trained = (monotonic_time() - begin) * expected / pieces;
  const double counted = sample.seconds * times / pool.num_threads();
  row("text", all, human_bytes(all), "");
  row("different words", expected, "about " + human_count(expected),
      "from " + human_bytes(static_cast<double>(sample.bytes)) + " of it: as the text to the power " +
          fixed_number(growth, 2));
  row("memory: counting", counting, human_bytes(counting), "memory_mb bounds it; the rest goes to disk");
  row("memory: training", training, human_bytes(training),
      training < static_cast<double>(memory_bytes())
          ? "fits: this machine has " + human_bytes(static_cast<double>(memory_bytes()))
          : "does NOT fit: lower sample");
  row("time", counted + trained, coarse_duration(counted + trained),
      "counting " + coarse_duration(counted) + ", training " + coarse_duration(trained) +
          ", tried on the sample now");
  plan["fits"] = training < static_cast<double>(memory_bytes());
  return plan;
}

}  // namespace athanor
