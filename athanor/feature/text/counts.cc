#include "athanor/feature/text/counts.h"

#include "athanor/feature/text/joined_terms.h"

namespace athanor {

namespace {

constexpr size_t kStretchBytes = size_t{1} << 20;
constexpr size_t kBytesATerm = 12;  // to make room by

// Columns of the terms that stay, kNoTerm of others. Of equally frequent ones the first by bytes.
std::vector<uint32_t> columns_of(const JoinedTerms& all, const VocabularyLimits& limits,
                                 size_t texts) {
  const auto rows = static_cast<double>(texts);
  const double low = limits.min_df < 1 ? limits.min_df * rows : limits.min_df;
  const double high = limits.max_df <= 1 ? limits.max_df * rows : limits.max_df;
  std::vector<uint32_t> chosen;
  for (uint32_t place = 0; place < all.size(); ++place) {
    const auto df = static_cast<double>(all.documents()[place]);
    if (df >= low && df <= high) {
      chosen.push_back(place);
    }
  }
  if (limits.max_features > 0 && chosen.size() > limits.max_features) {
    std::stable_sort(chosen.begin(), chosen.end(),
                     [&](uint32_t a, uint32_t b) { return all.total()[a] > all.total()[b]; });
    chosen.resize(limits.max_features);
    std::sort(chosen.begin(), chosen.end());
  }
  std::vector<uint32_t> columns(all.size(), kNoTerm);
  for (uint32_t column = 0; column < chosen.size(); ++column) {
    columns[chosen[column]] = column;
  }
  return columns;
}

// The terms that stay, and the texts that hold each.
void put_terms(const JoinedTerms& all, const std::vector<uint32_t>& columns, CountedTexts& out) {
  const auto left_out = std::count(columns.begin(), columns.end(), kNoTerm);
  const size_t count = columns.size() - static_cast<size_t>(left_out);
  out.terms.reserve(count, count * kBytesATerm);
  out.documents.reserve(count);
  std::string room;
  for (size_t place = 0; place < columns.size(); ++place) {
    if (columns[place] != kNoTerm) {
      out.terms.put_distinct(all.text_of(place, room));
      out.documents.push_back(all.documents()[place]);
    }
  }
  out.terms.index();
}

std::span<const std::string> texts_in(const std::vector<std::string>& texts,
                                      std::pair<size_t, size_t> range) {
  return {texts.data() + range.first, range.second - range.first};
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
  std::vector<StretchTerms> stretches(ranges.size());
  context.pool.parallel_for(ranges.size(), [&](size_t i) {
    stretches[i] = read_stretch(texts_in(texts, ranges[i]), analyzer);
  });
  context.progress(0.7);
  const JoinedTerms all(stretches, analyzer.makes_runs() ? analyzer.ngrams_from() : 1,
                        context.pool);
  const std::vector<uint32_t> columns = columns_of(all, limits, texts.size());
  CountedTexts out;
  std::vector<RowsPart> parts(ranges.size());
  context.pool.parallel_for(ranges.size() + 1, [&](size_t i) {
    if (i == 0) {
      put_terms(all, columns, out);
      return;
    }
    std::vector<uint32_t> column_of = all.places(i - 1);
    for (uint32_t& one : column_of) {
      one = one == kNoTerm ? kNoTerm : columns[one];
    }
    parts[i - 1] = rows_of(stretches[i - 1], column_of, {});
    stretches[i - 1] = StretchTerms();
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
