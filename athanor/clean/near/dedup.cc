#include "athanor/clean/near/dedup.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/clean/near/scratch_file.h"

namespace athanor {

namespace {

constexpr size_t kBatchBytes = size_t{8} << 20;
constexpr size_t kBatchRows = 8192;
constexpr uint64_t kPartBytes = uint64_t{64} << 20;  // of signatures, in memory until they are written

fs::path make_folder(const std::string& scratch) {
  std::string path = scratch + "/athanor-dedup-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    throw Error(ErrorKind::kResource, std::string("cannot make a temporary folder: ") + std::strerror(errno), scratch,
                "make room there, or set TMPDIR to another disk");
  }
  return path;
}

struct Waiting {
  std::string id, text;
  double quality;
  uint32_t source;
};

}  // namespace

struct Deduper::Impl {
  Impl(DedupOptions given, ThreadPool& threads)
      : options(std::move(given)), pool(threads), signer(options, pool) {
    options.scratch = scratch_folder(options.scratch);
    folder = make_folder(options.scratch);
  }
  ~Impl() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }

  void sign_batch() {
    std::vector<TextRow> rows;
    for (const Waiting& row : batch) {
      rows.push_back({row.id, row.text, row.quality, row.source});
    }
    if (!writer) {
      writer = std::make_unique<SignedPartWriter>(dedup_num_keys(options), dedup_signature(options));
    }
    signer.sign(rows, *writer);
    batch.clear();
    batch_bytes = 0;
    if (writer->bytes() >= kPartBytes) {
      end_part();
    }
  }

  void end_part() {
    if (writer) {
      parts.push_back(folder / ("part-" + std::to_string(parts.size())));
      writer->finish(parts.back());
      writer.reset();
    }
  }

  DedupOptions options;
  ThreadPool& pool;
  Signer signer;
  fs::path folder;
  std::vector<Waiting> batch;
  size_t batch_bytes = 0;
  std::unique_ptr<SignedPartWriter> writer;
  std::vector<fs::path> parts;
};

Deduper::Deduper(DedupOptions options, ThreadPool& pool) : impl_(std::make_unique<Impl>(std::move(options), pool)) {}
Deduper::~Deduper() = default;

void Deduper::add(const TextRow& row) {
  impl_->batch.push_back({std::string(row.id), std::string(row.text), row.quality, row.source});
  impl_->batch_bytes += row.text.size();
  if (impl_->batch_bytes >= kBatchBytes || impl_->batch.size() >= kBatchRows) {
    impl_->sign_batch();
  }
}

Duplicates Deduper::finish() {
  impl_->sign_batch();
  impl_->end_part();
  return find_duplicates(PartSet({}, impl_->parts), impl_->options, impl_->pool);
}

}  // namespace athanor
