// Digests. SHA-256 (FIPS 180-4, OpenSSL) says what a thing is; XXH3 only notices change.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "athanor/base/file.h"

namespace athanor {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& update(std::string_view bytes);
  std::string hex();  // 64 lower-case hex digits; ends the object's use

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);
std::string sha256_file(const fs::path& path);

// Base64 of the SHA-512 of the bytes, as in npm's "sha512-..." integrity strings (W3C SRI).
std::string sha512_base64(std::string_view bytes);

uint64_t xxh3_64(std::string_view bytes, uint64_t seed = 0);

}  // namespace athanor
