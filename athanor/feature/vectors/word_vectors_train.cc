#include <algorithm>
#include <atomic>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/base/text.h"
#include "athanor/feature/vectors/negative_table.h"
#include "athanor/feature/vectors/word_vectors.h"
#include "athanor/feature/vectors/word_vectors_kernel.h"

namespace athanor {

namespace {

constexpr size_t kBatch = 64;       // positions whose inner products are taken before any row moves
constexpr size_t kGroups = 4;       // of columns: what the order of sums is fixed by
constexpr int kSpins = 2000;
constexpr size_t kLookedAt = 128;     // batches: how long threads waited is looked at so often
constexpr double kMostWaiting = 0.35;  // share of the time
constexpr double kSmallestRate = 1e-4;  // of the first
constexpr float kSteep = 6;         // the sigmoid is 0 or 1 beyond
constexpr size_t kSigmoids = 4096;

// Threads wait for each other: a batch takes some tens of microseconds, so they look again for about as long, then
// sleep. On a busy machine the core is then free for the one that is waited for.
class Meeting {
 public:
  explicit Meeting(int threads) : threads_(threads) {}
  void wait() {
    const int round = round_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
      arrived_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      round_.notify_all();
      return;
    }
    for (int spin = 0; spin < kSpins; ++spin) {
      if (round_.load(std::memory_order_acquire) != round) {
        return;
      }
    }
    round_.wait(round, std::memory_order_acquire);
  }

 private:
  const int threads_;
  std::atomic<int> arrived_{0};
  std::atomic<int> round_{0};
};

struct Position {
  uint32_t in_begin = 0, in_end = 0;    // of Batch::in
  uint32_t out_begin = 0, out_end = 0;  // of Batch::out; the right answer first
  uint32_t sums = 0;                    // where its products begin
  float rate = 0;
};

struct Batch {
  std::vector<Position> positions;
  std::vector<uint32_t> in;
  std::vector<uint32_t> out;
  size_t num_sums = 0;
  void clear() {
    positions.clear();
    in.clear();
    out.clear();
    num_sums = 0;
  }
};

// Positions of the text one after another, with what is drawn for them: a pure function of (seed, epoch, place).
class Sampler {
 public:
  Sampler(const WordCorpus& corpus, const WordVectorOptions& options, uint64_t seed)
      : corpus_(corpus), options_(options), seed_(seed), negatives_(corpus.counts) {
    const auto total = static_cast<double>(corpus.ids.size());
    for (const uint64_t count : corpus.counts) {
      const double frequency = static_cast<double>(count) / total;
      const double keep = options.sample > 0 ? (std::sqrt(frequency / options.sample) + 1) * options.sample / frequency : 1.0;
      keep_.push_back(std::min(1.0, keep));
    }
    all_ = std::max(1.0, total * static_cast<double>(options.epochs));
  }

  // False at the end of all epochs.
  bool next(Batch& batch) {
    batch.clear();
    while (batch.positions.size() < kBatch) {
      if (place_ == sentence_.size() && !next_sentence()) {
        break;
      }
      add_position(batch);
    }
    return !batch.positions.empty();
  }
  double done() const { return static_cast<double>(seen_) / all_; }

 private:
  bool next_sentence() {
    sentence_.clear();
    place_ = 0;
    while (sentence_.size() < 2) {
      if (next_end_ == corpus_.ends.size()) {
        if (epoch_ + 1 >= options_.epochs) {
          return false;
        }
        ++epoch_;
        next_end_ = 0;
        begin_ = 0;
      }
      sentence_.clear();
      const uint64_t end = corpus_.ends[next_end_++];
      for (uint64_t i = begin_; i < end; ++i) {
        const uint32_t word = corpus_.ids[i];
        if (keep_[word] >= 1 || to_unit(random_at(seed_, static_cast<uint64_t>(epoch_), i, 1)) < keep_[word]) {
          sentence_.push_back(word);
        }
      }
      seen_ += end - begin_;
      begin_ = end;
    }
    return true;
  }

  void add_position(Batch& batch) {
    Rng rng(random_at(seed_, static_cast<uint64_t>(epoch_), begin_, place_ + 2));
    const uint32_t word = sentence_[place_];
    const auto reach = static_cast<size_t>(1 + rng.below(static_cast<uint64_t>(options_.window)));
    const size_t first = place_ > reach ? place_ - reach : 0;
    const size_t last = std::min(sentence_.size(), place_ + reach + 1);
    Position position;
    position.in_begin = static_cast<uint32_t>(batch.in.size());
    for (size_t i = first; i < last; ++i) {
      if (i != place_) {
        batch.in.push_back(sentence_[i]);
      }
    }
    position.in_end = static_cast<uint32_t>(batch.in.size());
    position.out_begin = static_cast<uint32_t>(batch.out.size());
    batch.out.push_back(word);
    for (int64_t k = 0; k < options_.negative; ++k) {
      const uint32_t drawn = negatives_.draw(rng.next());
      if (drawn != word) {
        batch.out.push_back(drawn);
      }
    }
    position.out_end = static_cast<uint32_t>(batch.out.size());
    position.rate = static_cast<float>(options_.rate * std::max(kSmallestRate / 0.025, 1 - done()));
    position.sums = static_cast<uint32_t>(batch.num_sums);
    batch.num_sums += static_cast<size_t>(position.in_end - position.in_begin) * (position.out_end - position.out_begin);
    batch.positions.push_back(position);
    ++place_;
  }

  const WordCorpus& corpus_;
  const WordVectorOptions& options_;
  uint64_t seed_;
  NegativeTable negatives_;
  std::vector<double> keep_;
  double all_ = 1;
  int64_t epoch_ = 0;
  uint64_t begin_ = 0;
  size_t next_end_ = 0;
  std::vector<uint32_t> sentence_;
  size_t place_ = 0;
  uint64_t seen_ = 0;
};

class Trainer {
 public:
  Trainer(const WordCorpus& corpus, const WordVectorOptions& options, uint64_t seed, ThreadPool& pool,
          const std::function<void(double)>& progress)
      : options_(options), pool_(pool), progress_(progress), sampler_(corpus, options, seed) {
    width_ = (static_cast<size_t>(options.size) + kVectorLanes - 1) / kVectorLanes * kVectorLanes;
    in_.assign(corpus.words.size() * width_, 0.0F);
    out_.assign(corpus.words.size() * width_, 0.0F);
    for (size_t word = 0; word < corpus.words.size(); ++word) {
      for (size_t c = 0; c < static_cast<size_t>(options.size); ++c) {
        in_[word * width_ + c] =
            static_cast<float>((to_unit(random_at(seed, 0x1417, word, c)) - 0.5) / static_cast<double>(options.size));
      }
    }
    for (size_t i = 0; i < kSigmoids; ++i) {
      const double x = (static_cast<double>(i) + 0.5) / kSigmoids * 2 * kSteep - kSteep;
      sigmoids_[i] = static_cast<float>(1 / (1 + std::exp(-x)));
    }
    // The largest batch there can be.
    const auto outs = static_cast<size_t>(options.negative + 1);
    stride_ = kBatch * outs * (is_cbow() ? 1 : static_cast<size_t>(2 * options.window));
    sums_.resize(stride_ * kGroups);
    means_.resize(is_cbow() ? kBatch * width_ : 0);
    const size_t blocks = width_ / kVectorLanes;
    for (size_t g = 0; g <= kGroups; ++g) {
      ends_[g] = blocks * g / kGroups * kVectorLanes;
    }
  }

  void run() {
    threads_ = std::min<size_t>(kGroups, static_cast<size_t>(pool_.num_threads()));
    Meeting meeting(static_cast<int>(threads_));
    more_[0] = sampler_.next(batches_[0]);
    pool_.parallel_for(threads_, [&](size_t thread) { work(thread, meeting); });
    if (failed_) {
      std::rethrow_exception(failed_);
    }
  }

  std::vector<float> vectors() const {
    std::vector<float> values;
    for (size_t at = 0; at < in_.size(); at += width_) {
      values.insert(values.end(), in_.begin() + static_cast<ptrdiff_t>(at), in_.begin() + static_cast<ptrdiff_t>(at + static_cast<size_t>(options_.size)));
    }
    return values;
  }

 private:
  // Rows of one position as addresses.
  struct Rows {
    std::vector<float*> in;
    std::vector<float*> out;
  };

  bool is_cbow() const { return options_.method == "cbow"; }

  // The last thread draws the next batch while the others move their columns. Where it waits too long for them, other
  // programs have the cores, and it goes on alone: who moves a column changes no byte.
  void work(size_t thread, Meeting& meeting) {
    size_t first_group = thread * kGroups / threads_;
    const size_t last_group = (thread + 1) * kGroups / threads_;
    const bool draws = thread + 1 == threads_;
    bool alone = threads_ == 1;
    double waited = 0;
    double begin = monotonic_time();
    const auto meet = [&] {
      if (!alone) {
        const double from = draws ? monotonic_time() : 0;
        meeting.wait();
        waited += draws ? monotonic_time() - from : 0;
      }
    };
    Rows rows;
    std::vector<float> g;
    std::vector<float> scratch;
    size_t turn = 0;
    size_t batches = 0;
    while (more_[turn]) {
      const Batch& batch = batches_[turn];
      products(batch, first_group, last_group, rows);
      meet();
      if (draws) {
        draw_next(1 - turn, batches++);
        if (!alone && batches % kLookedAt == 0) {
          part_ = waited > kMostWaiting * (monotonic_time() - begin);
          waited = 0;
          begin = monotonic_time();
        }
      }
      for (size_t p = 0; p < batch.positions.size(); ++p) {
        move(batch, p, first_group, last_group, rows, g, scratch);
      }
      meet();
      turn = 1 - turn;
      if (part_ && !alone) {
        if (!draws) {
          return;
        }
        alone = true;
        first_group = 0;
      }
    }
  }

  void draw_next(size_t turn, size_t batches) {
    try {
      more_[turn] = sampler_.next(batches_[turn]);
      if (batches % 1000 == 0) {
        progress_(sampler_.done());
      }
    } catch (...) {  // Ctrl-C comes from progress_; the others must not wait for ever
      failed_ = std::current_exception();
      more_[turn] = false;
    }
  }

  void rows_of(const Batch& batch, const Position& position, Rows& rows) {
    rows.in.clear();
    rows.out.clear();
    for (uint32_t i = position.in_begin; i < position.in_end; ++i) {
      rows.in.push_back(in_.data() + batch.in[i] * width_);
    }
    for (uint32_t o = position.out_begin; o < position.out_end; ++o) {
      rows.out.push_back(out_.data() + batch.out[o] * width_);
    }
  }

  void products(const Batch& batch, size_t first_group, size_t last_group, Rows& rows) {
    for (size_t p = 0; p < batch.positions.size(); ++p) {
      const Position& position = batch.positions[p];
      rows_of(batch, position, rows);
      for (size_t group = first_group; group < last_group; ++group) {
        if (ends_[group] == ends_[group + 1]) {
          continue;
        }
        if (is_cbow()) {
          float* mean = means_.data() + p * width_;
          mean_of_rows(rows.in.data(), rows.in.size(), ends_[group], ends_[group + 1], mean);
          const float* one[] = {mean};
          partial_products({one, rows.out.data(), 1, rows.out.size()}, ends_[group], ends_[group + 1],
                           &sums_[group * stride_ + position.out_begin]);
        } else {
          partial_products({rows.in.data(), rows.out.data(), rows.in.size(), rows.out.size()}, ends_[group], ends_[group + 1],
                           &sums_[group * stride_ + position.sums]);
        }
      }
    }
  }

  float sigmoid(float x) const {
    if (!(x > -kSteep)) {
      return 0;
    }
    return x >= kSteep ? 1 : sigmoids_[static_cast<size_t>((x + kSteep) * (kSigmoids / (2 * kSteep)))];
  }

  void move(const Batch& batch, size_t p, size_t first_group, size_t last_group, Rows& rows, std::vector<float>& g,
            std::vector<float>& scratch) {
    const Position& position = batch.positions[p];
    rows_of(batch, position, rows);
    const size_t num_in = is_cbow() ? 1 : rows.in.size();
    const size_t num_out = rows.out.size();
    const size_t at = is_cbow() ? position.out_begin : position.sums;
    g.resize(num_in * num_out);
    for (size_t i = 0; i < g.size(); ++i) {
      const float* sum = &sums_[at + i];
      float product = 0;
      for (size_t group = 0; group < kGroups; ++group) {
        product += ends_[group] == ends_[group + 1] ? 0 : sum[group * stride_];
      }
      g[i] = ((i % num_out == 0 ? 1.0F : 0.0F) - sigmoid(product)) * position.rate;
    }
    for (size_t group = first_group; group < last_group; ++group) {
      const size_t begin = ends_[group];
      const size_t end = ends_[group + 1];
      if (begin == end) {
        continue;
      }
      scratch.resize(num_in * (end - begin));
      if (is_cbow()) {
        move_behind_mean(rows.in.data(), rows.in.size(), means_.data() + p * width_, rows.out.data(), num_out, g.data(), begin,
                         end, scratch.data());
      } else {
        move_rows(rows.in.data(), rows.out.data(), num_in, num_out, g.data(), begin, end, scratch.data());
      }
    }
  }

  const WordVectorOptions& options_;
  ThreadPool& pool_;
  const std::function<void(double)>& progress_;
  Sampler sampler_;
  size_t width_ = 0;
  size_t threads_ = 1;
  size_t ends_[kGroups + 1] = {};
  std::vector<float> in_;
  std::vector<float> out_;
  float sigmoids_[kSigmoids] = {};
  Batch batches_[2];
  bool more_[2] = {false, false};
  bool part_ = false;  // told between two meetings: the last thread goes on alone
  std::vector<float> sums_;   // groups x stride_
  size_t stride_ = 0;
  std::vector<float> means_;  // cbow: positions x width_
  std::exception_ptr failed_;
};

}  // namespace

WordVectors train_word_vectors(const WordCorpus& corpus, const WordVectorOptions& options, uint64_t seed, ThreadPool& pool,
                               const std::function<void(double)>& progress) {
  if (corpus.words.empty()) {
    throw Error(ErrorKind::kInput, "no word occurs " + std::to_string(options.min_count) + " times", "word2vec.min_count",
                "a lower min_count, or more text");
  }
  Trainer trainer(corpus, options, seed, pool, progress);
  trainer.run();
  WordVectors out;
  out.words = corpus.words;
  out.counts = corpus.counts;
  out.size = options.size;
  out.values = trainer.vectors();
  out.index_words();
  return out;
}

}  // namespace athanor
