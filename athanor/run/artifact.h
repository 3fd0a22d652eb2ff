// Artifacts: what a run leaves in out/, and the MANIFEST that says which bytes they are.
//
// MANIFEST has one line a file, sorted by path: <sha256> <bytes> <path>. The artifact's digest is the SHA-256 of
// the MANIFEST's own bytes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "athanor/base/file.h"

namespace athanor {

enum class ArtifactKind { kNone, kDocuments, kTokens, kTokenizer, kModel, kEstimator, kReport };

const char* name_of(ArtifactKind kind);
std::optional<ArtifactKind> artifact_kind(std::string_view name);

// The kind that the folder's own files show (documents.json, tokens.json, tokenizer.json, config.json with
// weights, estimator.json, report.json); kNone when there is none of them. A model folder that holds a tokenizer
// is a model; it serves as a tokenizer too (see can_serve_as).
ArtifactKind detect_kind(const fs::path& folder);

// Whether the folder can be read as the wanted kind.
bool can_serve_as(const fs::path& folder, ArtifactKind wanted);

struct ManifestEntry {
  std::string sha256;
  uint64_t bytes = 0;
  std::string path;  // relative, with '/'
};

// Hashes every file below dir, writes dir/MANIFEST, and gives the artifact's digest. known: digests by relative path that
// the caller has already; those files are not read.
std::string write_manifest(const fs::path& dir, const std::map<std::string, std::string>& known = {});

std::vector<ManifestEntry> read_manifest(const fs::path& dir);

// Checks all sizes, and the digests of the smallest files, as many as hold hash_bytes together; gives a sentence naming the
// first difference, or "".
std::string verify_manifest(const fs::path& dir, uint64_t hash_bytes = UINT64_MAX);

// Digest of the MANIFEST as it stands; Error(kInput) when there is none.
std::string manifest_digest(const fs::path& dir);

}  // namespace athanor
