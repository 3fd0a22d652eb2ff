#include "athanor/data/documents/document.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <charconv>
#include <memory>

#include "athanor/base/error.h"

namespace athanor {

namespace {

// One context a thread: finding the algorithm and making a context costs more than hashing a short text.
class IdHash {
 public:
  IdHash() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free), sha256_(EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free) {
    if (context_ == nullptr || sha256_ == nullptr) {
      throw Error(ErrorKind::kInternal, "OpenSSL has no SHA-256");
    }
  }
  void begin() { EVP_DigestInit_ex2(context_.get(), sha256_.get(), nullptr); }
  void update(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  std::string id() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_DigestFinal_ex(context_.get(), digest, nullptr);
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text(32, '\0');
    for (size_t i = 0; i < 16; ++i) {
      text[2 * i] = kDigits[digest[i] >> 4];
      text[2 * i + 1] = kDigits[digest[i] & 15];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
  std::unique_ptr<EVP_MD, void (*)(EVP_MD*)> sha256_;
};

}  // namespace

std::string document_id(std::string_view source, uint64_t span_begin, std::string_view text) {
  thread_local IdHash hash;
  char digits[24];
  const auto end = std::to_chars(digits + 1, digits + sizeof digits - 1, span_begin).ptr;
  digits[0] = *end = '\0';
  hash.begin();
  hash.update(source);
  hash.update({digits, static_cast<size_t>(end + 1 - digits)});
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits(text.data(), text.size()));
  hash.update({reinterpret_cast<const char*>(digest.digest), sizeof digest.digest});
  return hash.id();
}

}  // namespace athanor
