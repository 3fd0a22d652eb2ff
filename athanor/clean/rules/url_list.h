// Block lists of addresses, with the rules and reasons of FineWeb's URL filter (datatrove's URLFilter), in its order:
//
//   domain                the host, or a domain that it belongs to, is listed
//   subdomain             the host itself is listed, and has three labels or more
//   url                   the address is listed as a whole
//   hard_blacklisted      one of its words (runs of ASCII letters and digits, case kept) is in hard_words
//   soft_blacklisted      at least soft_word_threshold different words are in soft_words
//   blacklisted_subword   its letters and digits, lower case, joined, contain one of subwords
//
// Differences from datatrove: it finds the registered domain by the public suffix list; here a listed domain covers
// everything below it, whether it is a registered one or not. Listed words are taken as ASCII letters and digits
// without case, as there. A document without an address is kept (metrics: does not apply) unless drop_without_url.
#pragma once

#include "athanor/clean/aho_corasick.h"
#include "athanor/clean/on_first_use.h"
#include "athanor/clean/step.h"

namespace athanor {

// A set of texts by their 64-bit hashes: 8 bytes an entry, for lists of millions.
class HashedSet {
 public:
  explicit HashedSet(const std::vector<std::string>& entries);
  bool contains(std::string_view entry) const;

 private:
  std::vector<uint64_t> hashes_;  // ascending
};

class UrlList : public CleanStep {
 public:
  explicit UrlList(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void open() const override { lists_.get(); }
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  struct Lists {
    explicit Lists(const nlohmann::json& options);
    HashedSet domains, urls, hard_words, soft_words;
    AhoCorasick subwords;
  };
  OnFirstUse<Lists> lists_;
  double soft_word_threshold_;
  bool drop_without_url_;
};

// The host of an address, lower case, without user, port and final dot; empty when there is none.
std::string host_of(std::string_view url);

}  // namespace athanor
