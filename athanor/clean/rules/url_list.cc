#include "athanor/clean/rules/url_list.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/hash.h"
#include "athanor/clean/bounds.h"
#include "athanor/clean/list_file.h"

namespace athanor {

namespace {

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Letters and digits alone, lower case.
std::string squeezed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_alnum(c)) {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    }
  }
  return out;
}

std::vector<std::string> squeezed(std::vector<std::string> entries) {
  for (std::string& entry : entries) {
    entry = squeezed(entry);
  }
  return entries;
}

std::vector<std::string> lowered(std::vector<std::string> entries) {
  for (std::string& entry : entries) {
    entry = lower_text(entry);
  }
  return entries;
}

// The different words of the address, ascending.
std::vector<std::string_view> words_of(std::string_view url) {
  std::vector<std::string_view> words;
  for (size_t at = 0; at < url.size();) {
    size_t end = at;
    while (end < url.size() && is_alnum(url[end])) {
      ++end;
    }
    if (end != at) {
      words.push_back(url.substr(at, end - at));
    }
    at = end + 1;
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

}  // namespace

HashedSet::HashedSet(const std::vector<std::string>& entries) {
  hashes_.reserve(entries.size());
  for (const std::string& entry : entries) {
    hashes_.push_back(xxh3_64(entry));
  }
  std::sort(hashes_.begin(), hashes_.end());
}

bool HashedSet::contains(std::string_view entry) const {
  return std::binary_search(hashes_.begin(), hashes_.end(), xxh3_64(entry));
}

std::string host_of(std::string_view url) {
  if (const size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    url.remove_prefix(scheme + 3);
  }
  url = url.substr(0, url.find_first_of("/?#\\"));
  if (const size_t user = url.rfind('@'); user != std::string_view::npos) {
    url.remove_prefix(user + 1);
  }
  const size_t bracket = url.starts_with('[') ? url.find(']') : std::string_view::npos;
  url = url.substr(0, url.find(':', bracket == std::string_view::npos ? 0 : bracket));
  while (url.ends_with('.')) {
    url.remove_suffix(1);
  }
  return lower_text(url);
}

UrlList::Lists::Lists(const nlohmann::json& options)
    : domains(lowered(read_lists(options, "domains", "domain_files"))),
      urls(read_lists(options, "urls", "url_files")),
      hard_words(squeezed(read_lists(options, "hard_words", "hard_word_files"))),
      soft_words(squeezed(read_lists(options, "soft_words", "soft_word_files"))),
      subwords(squeezed(read_lists(options, "subwords", "subword_files"))) {}

UrlList::UrlList(const nlohmann::json& options)
    : lists_([options] { return Lists(options); }),
      soft_word_threshold_(options.at("soft_word_threshold")),
      drop_without_url_(options.at("drop_without_url")) {}

std::vector<StepOption> UrlList::options() {
  const auto none = nlohmann::json::array();
  return {{"domains", none, "domains and hosts; what is below them is covered"},
          file_option("domain_files", none, "files of them, one a line, # begins a remark"),
          {"urls", none, "whole addresses"},
          file_option("url_files", none, "files of them"),
          {"hard_words", none, "words of which one is enough"},
          file_option("hard_word_files", none, "files of them"),
          {"soft_words", none, "words of which soft_word_threshold are enough"},
          file_option("soft_word_files", none, "files of them"),
          {"subwords", none, "pieces looked for in the address's letters and digits"},
          file_option("subword_files", none, "files of them"),
          threshold("soft_word_threshold", 2, "so many different soft words: dropped", 1),
          threshold("drop_without_url", false, "a document without an address is dropped")};
}

std::vector<StepMetric> UrlList::metrics() {
  return {{"domain", "a domain of the host is listed"},
          {"subdomain", "the host is listed"},
          {"url", "the address is listed"},
          {"hard_words", "different hard words"},
          {"soft_words", "different soft words"},
          {"subwords", "occurrences of subwords"}};
}

void UrlList::measure(DocumentView& document, Measures& out) const {
  const std::string_view url = document.url;
  if (url.empty()) {
    out.numbers.assign(metrics().size(), kDoesNotApply);
    return;
  }
  const Lists& lists = lists_.get();
  const std::string host = host_of(url);
  const bool two_labels = std::count(host.begin(), host.end(), '.') < 2;
  const bool itself = lists.domains.contains(host);
  bool above = itself && two_labels;
  for (size_t dot = host.find('.'); dot != std::string::npos && !above; dot = host.find('.', dot + 1)) {
    above = lists.domains.contains(std::string_view(host).substr(dot + 1));
  }
  size_t hard = 0;
  size_t soft = 0;
  for (const std::string_view word : words_of(url)) {
    hard += lists.hard_words.contains(word);
    soft += lists.soft_words.contains(word);
  }
  size_t subwords = 0;
  lists.subwords.find(squeezed(url), [&](size_t, size_t, uint32_t) {
    ++subwords;
    return true;
  });
  out.add(size_t{above});
  out.add(size_t{itself && !two_labels});
  out.add(size_t{lists.urls.contains(url)});
  out.add(hard);
  out.add(soft);
  out.add(subwords);
}

Verdict UrlList::decide(const Measures& measures) const {
  if (std::isnan(measures.numbers.at(0))) {
    return {!drop_without_url_, "no_url", 0};
  }
  const Bound bounds[] = {{0, -kNoLimit, 0, "", "domain"},
                          {1, -kNoLimit, 0, "", "subdomain"},
                          {2, -kNoLimit, 0, "", "url"},
                          {3, -kNoLimit, 0, "", "hard_blacklisted"},
                          {4, -kNoLimit, soft_word_threshold_ - 1, "", "soft_blacklisted"},
                          {5, -kNoLimit, 0, "", "blacklisted_subword"}};
  return check_bounds(measures, bounds);
}

}  // namespace athanor
