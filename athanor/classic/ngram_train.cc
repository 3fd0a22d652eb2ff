#include "athanor/classic/ngram_train.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/interrupt.h"

namespace athanor {

namespace {

using Counts = std::array<uint64_t, kMaxNgramOrder + 1>;  // by length

// Chen and Goodman's discounts from the numbers of n-grams seen 1, 2, 3 and 4 times.
NgramTables::Discounts discounts_of(const std::array<uint64_t, 5>& seen) {
  NgramTables::Discounts result;
  const auto t = [&](size_t i) { return static_cast<double>(seen[i]); };
  bool good = seen[1] > 0 && seen[2] > 0 && seen[3] > 0;
  if (good) {
    const double y = t(1) / (t(1) + 2 * t(2));
    for (size_t k = 1; k <= 3; ++k) {
      const double d = static_cast<double>(k) - static_cast<double>(k + 1) * y * t(k + 1) / t(k);
      good = good && d > 0 && d <= static_cast<double>(k);
      result.amount[k - 1] = d;
    }
  }
  if (!good) {
    result.amount = {0.5, 1.0, 1.5};
    result.fallback = true;
  }
  return result;
}

double discount(const NgramTables::Discounts& d, uint64_t count) {
  return count == 0 ? 0.0 : d.amount[std::min<uint64_t>(count, 3) - 1];
}

NgramRecord without_word(NgramRecord record, int i) {
  record.key[static_cast<size_t>(i) / 2] &= i % 2 == 0 ? 0xFFFFFFFFULL : ~uint64_t{0xFFFFFFFF};
  return record;
}

}  // namespace

bool is_ngram_special(std::string_view token) { return token == "<unk>" || token == "<s>" || token == "</s>"; }

struct NgramTrainer::State {
  State(NgramTrainOptions given, fs::path folder, ThreadPool& threads)
      : options(std::move(given)),
        scratch(std::move(folder)),
        pool(threads),
        counts(NgramSorter::Merge::kAddCounts, options.memory_bytes / 2, scratch / "counts", threads) {
    for (const char* special : {"<unk>", "<s>", "</s>"}) {
      vocabulary.add(special, fasttext_hash(special));
    }
  }

  uint64_t share() const { return options.memory_bytes / (2 * static_cast<uint64_t>(options.order)); }
  uint64_t prune_count(int n) const {
    return options.prune.empty() ? 0 : options.prune[std::min(options.prune.size(), static_cast<size_t>(n)) - 1];
  }

  // An n-gram of length n is complete: words are reversed (the last first).
  void emit(const NgramRecord& open, int n, uint64_t adjusted, uint64_t raw) {
    ++seen[static_cast<size_t>(n)][std::min<uint64_t>(adjusted, 4) == adjusted ? adjusted : 0];
    if (n == 1) {
      unigram_counts[open.word(0)] = adjusted;
      return;
    }
    NgramRecord record;  // by context (the last word of it first), then by word
    for (int i = 1; i < n; ++i) {
      record.set_word(i - 1, open.word(i));
    }
    record.set_word(n - 1, open.word(0));
    record.load = adjusted << 1 | (raw <= prune_count(n) ? 1 : 0);
    by_context[static_cast<size_t>(n)]->add(record);
  }

  // Adjusted counts of every order from the sorted n-grams of the highest: the number of different words to the left,
  // or the plain count for the highest order and for what begins a sentence.
  void adjust() {
    unigram_counts.assign(vocabulary.size(), 0);
    for (int n = 2; n <= options.order; ++n) {
      by_context.at(static_cast<size_t>(n)) = std::make_unique<NgramSorter>(
          NgramSorter::Merge::kKeepAll, share(), scratch / ("context-" + std::to_string(n)), pool);
    }
    const auto sorted = counts.finish();
    NgramRecord open;
    int open_length = 0;
    Counts adjusted{};
    Counts raw{};
    for (NgramRecord record; sorted->next(record);) {
      int length = 1;
      while (length < options.order && record.word(length - 1) != kNgramBegin) {
        ++length;
      }
      int common = 0;
      while (common < open_length && open.word(common) == record.word(common)) {
        ++common;
      }
      for (int n = open_length; n > common; --n) {
        emit(open, n, adjusted[static_cast<size_t>(n)], raw[static_cast<size_t>(n)]);
      }
      ++adjusted[static_cast<size_t>(common)];
      for (int n = 1; n <= length; ++n) {
        const auto i = static_cast<size_t>(n);
        raw[i] = n > common ? record.load : raw[i] + record.load;
        adjusted[i] = n <= common ? adjusted[i] : n == length ? record.load : 1;
      }
      open = record;
      open_length = length;
    }
    for (int n = open_length; n > 0; --n) {
      emit(open, n, adjusted[static_cast<size_t>(n)], raw[static_cast<size_t>(n)]);
    }
  }

  void finish_unigrams(NgramTables& tables) {
    const auto& d = tables.discounts[0];
    double total = 0;
    double kept = 0;
    for (const uint64_t count : unigram_counts) {
      total += static_cast<double>(count);
      kept += static_cast<double>(count) - discount(d, count);
    }
    const double uniform = (1 - kept / total) / static_cast<double>(vocabulary.size() - 1);  // "<s>" is never predicted
    unigram_p.resize(vocabulary.size());
    tables.unigrams.resize(vocabulary.size());
    for (size_t i = 0; i < unigram_p.size(); ++i) {
      unigram_p[i] = (static_cast<double>(unigram_counts[i]) - discount(d, unigram_counts[i])) / total + uniform;
      tables.unigrams[i].log10_p = static_cast<float>(std::log10(unigram_p[i]));
    }
    tables.unigrams[kNgramBegin].log10_p = 0;  // as lmplz writes it
    unigram_counts.clear();
    unigram_counts.shrink_to_fit();
  }

  // Of one order: discounted probabilities in suffix order, and the backoff of each context.
  std::unique_ptr<NgramStream> discount_order(int n, const NgramTables::Discounts& d, NgramList& backoffs) {
    NgramSorter by_suffix(NgramSorter::Merge::kKeepAll, share(), scratch / ("suffix-" + std::to_string(n)), pool);
    const auto sorted = by_context[static_cast<size_t>(n)]->finish();
    by_context[static_cast<size_t>(n)].reset();
    std::vector<NgramRecord> group;
    const auto close = [&] {
      double total = 0;
      double kept = 0;
      for (const auto& member : group) {
        const auto count = static_cast<double>(member.load >> 1);
        total += count;
        kept += (member.load & 1) != 0 ? 0.0 : count - discount(d, member.load >> 1);
      }
      const double gamma = std::max(1e-30, 1 - kept / total);
      NgramRecord context = without_word(group[0], n - 1);
      context.set_floats(static_cast<float>(gamma), 0);
      backoffs.add(context);
      for (const auto& member : group) {
        if ((member.load & 1) != 0) {
          continue;
        }
        NgramRecord record;
        record.set_word(0, member.word(n - 1));
        for (int i = 0; i + 1 < n; ++i) {
          record.set_word(i + 1, member.word(i));
        }
        const uint64_t count = member.load >> 1;
        record.set_floats(static_cast<float>((static_cast<double>(count) - discount(d, count)) / total),
                          static_cast<float>(gamma));
        by_suffix.add(record);
      }
      group.clear();
    };
    for (NgramRecord record; sorted->next(record);) {
      if (!group.empty() && without_word(record, n - 1).key != without_word(group[0], n - 1).key) {
        close();
      }
      group.push_back(record);
    }
    if (!group.empty()) {
      close();
    }
    return by_suffix.finish();
  }

  // p(w | context) = discounted + gamma * p(w | shorter context); both streams are in suffix order.
  std::unique_ptr<NgramList> interpolate(int n, NgramStream& discounted, NgramStream* lower) {
    auto list = std::make_unique<NgramList>(share(), scratch / ("order-" + std::to_string(n)));
    NgramRecord below;
    bool started = false;
    for (NgramRecord record; discounted.next(record);) {
      double p = 0;
      if (n == 2) {
        p = unigram_p[record.word(0)];
      } else {
        const NgramRecord suffix = without_word(record, n - 1);
        while (!started || below.key != suffix.key) {
          started = true;
          if (!lower->next(below)) {
            throw Error(ErrorKind::kInternal, "an n-gram lacks its suffix", scratch.string(), "report this");
          }
        }
        p = below.first();
      }
      const double whole = static_cast<double>(record.first()) + static_cast<double>(record.second()) * p;
      record.set_floats(static_cast<float>(whole), 0);
      list->add(record);
    }
    return list;
  }

  NgramTrainOptions options;
  fs::path scratch;
  ThreadPool& pool;
  StringCounts vocabulary;
  NgramSorter counts;
  uint64_t num_tokens = 0;
  std::vector<uint32_t> ids;  // of the sentence being added
  std::array<std::unique_ptr<NgramSorter>, kMaxNgramOrder + 1> by_context;
  std::array<std::array<uint64_t, 5>, kMaxNgramOrder + 1> seen{};  // [n][k]: n-grams of adjusted count k; [0]: the others
  std::vector<uint64_t> unigram_counts;
  std::vector<double> unigram_p;
};

NgramTrainer::NgramTrainer(NgramTrainOptions options, fs::path scratch, ThreadPool& pool) {
  if (options.order < 1 || options.order > kMaxNgramOrder) {
    throw Error(ErrorKind::kUsage, "the order of an n-gram model lies between 1 and 5", "", "set order");
  }
  if (!std::is_sorted(options.prune.begin(), options.prune.end()) || (!options.prune.empty() && options.prune[0] != 0)) {
    throw Error(ErrorKind::kUsage, "prune must begin with 0 (words are never pruned) and never fall", "", "for example [0, 0, 1]");
  }
  state_ = std::make_unique<State>(std::move(options), std::move(scratch), pool);
}
NgramTrainer::~NgramTrainer() = default;

uint64_t NgramTrainer::num_tokens() const { return state_->num_tokens; }

void NgramTrainer::add_sentence(std::string_view tokens) {
  State& s = *state_;
  s.ids.assign(static_cast<size_t>(s.options.order - 1), kNgramBegin);
  const size_t padding = s.ids.size();
  each_blank_token(tokens, [&](std::string_view token, uint32_t hash) {
    if (!is_ngram_special(token)) {
      s.ids.push_back(static_cast<uint32_t>(s.vocabulary.add(token, hash)));
    }
    return true;
  });
  if (s.ids.size() == padding) {
    return;
  }
  s.ids.push_back(kNgramEnd);
  for (size_t at = padding; at < s.ids.size(); ++at) {
    NgramRecord record;
    for (int i = 0; i < s.options.order; ++i) {
      record.set_word(i, s.ids[at - static_cast<size_t>(i)]);
      if (s.ids[at - static_cast<size_t>(i)] == kNgramBegin) {
        break;
      }
    }
    record.load = 1;
    s.counts.add(record);
  }
  s.num_tokens += s.ids.size() - padding;
}

NgramTables NgramTrainer::finish(const std::function<void(double)>& progress) {
  State& s = *state_;
  if (s.num_tokens == 0) {
    throw Error(ErrorKind::kInput, "there is no sentence to learn from", "", "look at the documents");
  }
  s.adjust();
  progress(0.3);
  NgramTables tables;
  tables.order = s.options.order;
  for (int n = 1; n <= s.options.order; ++n) {
    tables.discounts.push_back(discounts_of(s.seen[static_cast<size_t>(n)]));
  }
  for (size_t i = 0; i < s.vocabulary.size(); ++i) {
    tables.words.push_back(s.vocabulary.text(i));
  }
  s.finish_unigrams(tables);
  for (int n = 2; n <= s.options.order; ++n) {
    check_interrupt();
    auto backoffs = std::make_unique<NgramList>(s.share(), s.scratch / ("backoff-" + std::to_string(n - 1)));
    const auto discounted = s.discount_order(n, tables.discounts[static_cast<size_t>(n - 1)], *backoffs);
    const auto lower = n > 2 ? tables.orders_.back().probabilities->read() : nullptr;
    auto list = s.interpolate(n, *discounted, lower.get());
    if (n == 2) {
      const auto stream = backoffs->read();
      for (NgramRecord record; stream->next(record);) {
        tables.unigrams[record.word(0)].log10_backoff = std::log10(record.first());
      }
    } else {
      tables.orders_.back().backoffs = std::move(backoffs);
    }
    tables.orders_.push_back({std::move(list), nullptr});
    progress(0.3 + 0.7 * (n - 1) / s.options.order);
  }
  if (s.options.order > 1) {  // no contexts of the highest order: an empty list
    tables.orders_.back().backoffs = std::make_unique<NgramList>(0, s.scratch / "backoff-none");
  }
  return tables;
}

}  // namespace athanor
