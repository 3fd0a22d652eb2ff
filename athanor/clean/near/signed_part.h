// What deduplication knows of a run of documents, in one file (docs/formats/dedup_index.md): for every row its digest,
// what the keeper's rule asks, its band keys, its shingle set and its id. A run makes one such file for each part of
// its input; an index is a folder of them.
//
//   SignedPartWriter writer(num_keys, signature);
//   writer.add(row);
//   writer.finish("part-00000.near");
//   const SignedPart part("part-00000.near");
//   part.id(7);
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/file.h"

namespace athanor {

struct TextDigest {  // 128-bit XXH3 of the text in its lower_and_collapse form
  uint64_t high = 0, low = 0;
  auto operator<=>(const TextDigest&) const = default;
};

// What a keeper is chosen by; see KeepRule in dedup_options.h.
struct RowRank {
  double quality = 0;
  uint64_t bytes = 0;
  uint32_t source = 0;        // place of the document's source in the list of priorities
  uint32_t num_shingles = 0;  // 0: the text has no tokens and is like no other
};

struct SignedRow {
  TextDigest digest;
  RowRank rank;
  std::span<const uint64_t> keys;
  std::span<const uint32_t> shingles;  // sorted; the upper halves of the 64-bit hashes, see shingle.h
  std::string_view id;
};

class SignedPartWriter {
 public:
  // signature: JSON of all that the digests, keys and shingles depend on; at most kMaxSignature bytes.
  SignedPartWriter(size_t num_keys, std::string signature);
  void add(const SignedRow& row);  // row.keys.size() == num_keys
  size_t num_rows() const { return digests_.size(); }
  uint64_t bytes() const;  // of the file that finish() would write
  // Writes the file and closes it; the caller sees to fsync. Throws Error(kResource).
  void finish(const fs::path& path);

 private:
  size_t num_keys_;
  std::string signature_;
  std::vector<TextDigest> digests_;
  std::vector<RowRank> ranks_;
  std::vector<uint64_t> keys_;  // [row][key]; the file holds [key][row]
  std::vector<uint64_t> shingle_ends_, id_ends_;
  std::vector<uint32_t> shingles_;
  std::string ids_;
};

class SignedPart {
 public:
  static constexpr uint32_t kVersion = 1;
  static constexpr uint64_t kMaxSignature = 1 << 16;

  // Throws Error(kInput) for a file that is not one, is cut short, is of a newer version, or whose sections do not fit.
  // keep_open: holds the file open (reads are then faster; a process may hold about a thousand).
  explicit SignedPart(const fs::path& path, bool keep_open = true);
  ~SignedPart();
  SignedPart(SignedPart&& other) noexcept;
  SignedPart& operator=(SignedPart&&) = delete;

  // Reads the whole file and compares its checksum; Error(kInput) when it differs.
  void verify() const;

  const fs::path& path() const { return path_; }
  const std::string& signature() const { return signature_; }
  uint64_t num_rows() const { return num_rows_; }
  uint64_t num_keys() const { return num_keys_; }

  // All are thread-safe and throw Error(kInput) for offsets in the file that lead outside it.
  std::vector<TextDigest> digests(uint64_t first, uint64_t count) const;
  std::vector<RowRank> ranks(uint64_t first, uint64_t count) const;
  std::vector<uint64_t> keys(uint64_t key, uint64_t first, uint64_t count) const;  // key: 0 .. num_keys() - 1
  std::vector<std::string> ids(uint64_t first, uint64_t count) const;
  std::string id(uint64_t row) const;
  void shingles(uint64_t row, std::vector<uint32_t>& out) const;

 private:
  friend class SignedPartWriter;
  struct Header;
  uint64_t file_size(int fd) const;
  void read_at(uint64_t offset, void* data, uint64_t bytes) const;
  template <class T>
  std::vector<T> read_rows(uint64_t section, uint64_t first, uint64_t count) const;
  std::pair<uint64_t, uint64_t> range(uint64_t ends, uint64_t row, uint64_t total) const;
  [[noreturn]] void damaged(const std::string& what) const;

  fs::path path_;
  int fd_ = -1;
  uint64_t num_rows_ = 0, num_keys_ = 0, num_shingles_ = 0, id_bytes_ = 0;
  // Offsets of the sections.
  uint64_t digests_ = 0, ranks_ = 0, keys_ = 0, shingle_ends_ = 0, shingles_ = 0, id_ends_ = 0, ids_ = 0, end_ = 0;
  std::string signature_;
};

// The parts of a folder with an index.json, checked (every part's checksum too); what their rows were signed with must
// equal `signature`, or Error(kUsage) says what differs.
std::vector<fs::path> open_dedup_index(const fs::path& folder, const std::string& signature);
// Adds the rows of part for which keep(row) is true.
void copy_rows(const SignedPart& part, const std::function<bool(uint64_t row)>& keep, SignedPartWriter& writer);
// Writes index.json for the part files that lie in folder already.
void write_dedup_index(const fs::path& folder, const std::vector<std::string>& names, const std::string& signature,
                       uint64_t num_rows);

}  // namespace athanor
