// Texts to signed rows, on all threads.
//
//   Signer signer(options, pool);
//   SignedPartWriter writer(dedup_num_keys(options), dedup_signature(options));
//   signer.sign(texts, writer);     // texts: a batch; its rows are added in order
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "athanor/base/thread_pool.h"
#include "athanor/clean/near/dedup_options.h"
#include "athanor/clean/near/signed_part.h"

namespace athanor {

struct TextRow {
  std::string_view id;
  std::string_view text;  // ill-formed UTF-8 is compared as U+FFFD
  double quality = 0;
  uint32_t source = 0;
};

class Signer {
 public:
  // Throws Error(kUsage) on an option out of range. pool must outlive the object.
  Signer(const DedupOptions& options, ThreadPool& pool);
  ~Signer();
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

  void sign(std::span<const TextRow> rows, SignedPartWriter& writer);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace athanor
