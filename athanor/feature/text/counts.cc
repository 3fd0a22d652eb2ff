#include "athanor/feature/text/counts.h"

#include <cmath>
#include <numeric>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr size_t kStretchBytes = size_t{1} << 20;

// What one stretch counted: numbers are those of its own table.
struct Stretch {
  TermTable terms;
  std::vector<uint64_t> ends;
  std::vector<uint32_t> numbers;
  std::vector<int32_t> counts;
  std::vector<int64_t> documents, total;  // a term each
};

void count_stretch(const std::vector<std::string>& texts, std::pair<size_t, size_t> range,
                   const Analyzer& analyzer, Stretch& out) {
  Analyzer::Scratch scratch;
  RowCounter row;
  for (size_t i = range.first; i < range.second; ++i) {
    analyzer.for_each_term(texts[i], scratch, [&](std::string_view term) {
      row.add(static_cast<uint32_t>(out.terms.add(term)));
    });
    out.documents.resize(static_cast<size_t>(out.terms.size()), 0);
    out.total.resize(out.documents.size(), 0);
    row.take(false, [&](uint32_t number, int32_t count) {
      out.numbers.push_back(number);
      out.counts.push_back(count);
      ++out.documents[number];
      out.total[number] += count;
    });
    out.ends.push_back(out.numbers.size());
  }
}

struct Joined {
  TermTable terms;
  std::vector<std::vector<uint32_t>> numbers;  // of a stretch's terms among all
  std::vector<int64_t> documents, total;
};

Joined join(const std::vector<Stretch>& stretches) {
  Joined all;
  for (const Stretch& stretch : stretches) {
    std::vector<uint32_t> numbers(static_cast<size_t>(stretch.terms.size()));
    for (int32_t id = 0; id < stretch.terms.size(); ++id) {
      const auto number =
          static_cast<uint32_t>(all.terms.add(stretch.terms.term(id), stretch.terms.hash(id)));
      if (number == all.documents.size()) {
        all.documents.push_back(0);
        all.total.push_back(0);
      }
      numbers[static_cast<size_t>(id)] = number;
      all.documents[number] += stretch.documents[static_cast<size_t>(id)];
      all.total[number] += stretch.total[static_cast<size_t>(id)];
    }
    all.numbers.push_back(std::move(numbers));
  }
  return all;
}

// Terms that stay, in the order of their bytes. Of equally frequent ones the first by bytes.
std::vector<uint32_t> chosen_terms(const Joined& all, const VocabularyLimits& limits,
                                   size_t texts) {
  const auto rows = static_cast<double>(texts);
  const double low = limits.min_df < 1 ? limits.min_df * rows : limits.min_df;
  const double high = limits.max_df <= 1 ? limits.max_df * rows : limits.max_df;
  std::vector<uint32_t> chosen;
  for (uint32_t number = 0; number < all.documents.size(); ++number) {
    const auto df = static_cast<double>(all.documents[number]);
    if (df >= low && df <= high) {
      chosen.push_back(number);
    }
  }
  const auto by_bytes = [&](uint32_t a, uint32_t b) {
    return all.terms.term(static_cast<int32_t>(a)) < all.terms.term(static_cast<int32_t>(b));
  };
  std::sort(chosen.begin(), chosen.end(), by_bytes);
  if (limits.max_features > 0 && chosen.size() > limits.max_features) {
    std::stable_sort(chosen.begin(), chosen.end(),
                     [&](uint32_t a, uint32_t b) { return all.total[a] > all.total[b]; });
    chosen.resize(limits.max_features);
    std::sort(chosen.begin(), chosen.end(), by_bytes);
  }
  return chosen;
}

// A stretch's rows by final numbers, sorted.
RowsPart final_rows(const Stretch& stretch, const std::vector<uint32_t>& numbers,
                    const std::vector<int32_t>& final_of) {
  RowsPart part;
  std::vector<uint64_t> row;
  uint64_t at = 0;
  for (const uint64_t end : stretch.ends) {
    row.clear();
    for (; at < end; ++at) {
      const int32_t number = final_of[numbers[stretch.numbers[at]]];
      if (number >= 0) {
        row.push_back(static_cast<uint64_t>(number) << 32 |
                      static_cast<uint32_t>(stretch.counts[at]));
      }
    }
    std::sort(row.begin(), row.end());
    for (const uint64_t one : row) {
      part.indices.push_back(static_cast<uint32_t>(one >> 32));
      part.values.push_back(static_cast<double>(static_cast<uint32_t>(one)));
    }
    part.ends.push_back(part.indices.size());
  }
  return part;
}

}  // namespace

std::vector<std::pair<size_t, size_t>> stretches_of(const std::vector<std::string>& texts,
                                                    size_t bytes) {
  std::vector<std::pair<size_t, size_t>> out;
  size_t begin = 0, size = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    size += texts[i].size() + 64;
    if (size >= bytes || i + 1 == texts.size()) {
      out.emplace_back(begin, i + 1);
      begin = i + 1;
      size = 0;
    }
  }
  return out;
}

SparseRows joined(std::vector<RowsPart> parts, ThreadPool& pool) {
  SparseRows out;
  std::vector<uint64_t> begins, row_begins;
  uint64_t values = 0, rows = 0;
  for (const RowsPart& part : parts) {
    begins.push_back(values);
    row_begins.push_back(rows);
    values += part.indices.size();
    rows += part.ends.size();
  }
  out.offsets.resize(rows + 1);
  out.indices.resize(values);
  out.values.resize(values);
  pool.parallel_for(parts.size(), [&](size_t i) {
    const RowsPart& part = parts[i];
    std::copy(part.indices.begin(), part.indices.end(),
              out.indices.begin() + static_cast<ptrdiff_t>(begins[i]));
    std::copy(part.values.begin(), part.values.end(),
              out.values.begin() + static_cast<ptrdiff_t>(begins[i]));
    for (size_t row = 0; row < part.ends.size(); ++row) {
      out.offsets[row_begins[i] + row + 1] = begins[i] + part.ends[row];
    }
    parts[i] = {};
  });
  return out;
}

CountedTexts count_terms(const std::vector<std::string>& texts, const Analyzer& analyzer,
                         const VocabularyLimits& limits, FitContext& context) {
  const auto ranges = stretches_of(texts, kStretchBytes);
  std::vector<Stretch> stretches(ranges.size());
  context.pool.parallel_for(
      ranges.size(), [&](size_t i) { count_stretch(texts, ranges[i], analyzer, stretches[i]); });
  context.progress(0.7);
  const Joined all = join(stretches);
  const std::vector<uint32_t> chosen = chosen_terms(all, limits, texts.size());
  CountedTexts out;
  std::vector<int32_t> final_of(all.documents.size(), -1);
  for (const uint32_t number : chosen) {
    final_of[number] = static_cast<int32_t>(out.terms.size());
    out.terms.emplace_back(all.terms.term(static_cast<int32_t>(number)));
    out.documents.push_back(all.documents[number]);
  }
  std::vector<RowsPart> parts(ranges.size());
  context.pool.parallel_for(ranges.size(), [&](size_t i) {
    parts[i] = final_rows(stretches[i], all.numbers[i], final_of);
    stretches[i] = Stretch();
  });
  out.rows = joined(std::move(parts), context.pool);
  context.progress(1);
  return out;
}

SparseRows count_known(const std::vector<std::string>& texts, const Analyzer& analyzer,
                       const TermTable& terms, ThreadPool& pool) {
  const auto ranges = stretches_of(texts, kStretchBytes);
  std::vector<RowsPart> parts(ranges.size());
  pool.parallel_for(ranges.size(), [&](size_t i) {
    Analyzer::Scratch scratch;
    RowCounter row;
    for (size_t text = ranges[i].first; text < ranges[i].second; ++text) {
      analyzer.for_each_term(texts[text], scratch, [&](std::string_view term) {
        const int32_t number = terms.find(term);
        if (number >= 0) {
          row.add(static_cast<uint32_t>(number));
        }
      });
      row.take(true, [&](uint32_t number, int32_t count) {
        parts[i].indices.push_back(number);
        parts[i].values.push_back(count);
      });
      parts[i].ends.push_back(parts[i].indices.size());
    }
  });
  return joined(std::move(parts), pool);
}

}  // namespace athanor
