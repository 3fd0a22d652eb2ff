#include "athanor/data/web/http_message.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace athanor {

namespace {

constexpr size_t kMaxHeaderBytes = 256 << 10;

// nullopt when the first chunk's head is not one; what there is of a body that ends too early.
std::optional<std::string> undo_chunks(std::string_view bytes, bool& broken) {
  std::string out;
  size_t at = 0;
  while (at < bytes.size()) {
    const size_t newline = bytes.find('\n', at);
    uint64_t size = 0;
    const std::string_view head = bytes.substr(at, std::min(newline, bytes.size()) - at);
    const auto parsed = std::from_chars(head.data(), head.data() + head.size(), size, 16);
    const std::string_view rest = head.substr(static_cast<size_t>(parsed.ptr - head.data()));
    if (newline == std::string_view::npos || parsed.ec != std::errc() || head.size() > 1024 ||
        rest.find_first_not_of(" \t\r") < std::min(rest.find(';'), rest.size())) {
      if (at == 0) {
        return std::nullopt;
      }
      broken = true;
      return out;
    }
    at = newline + 1;
    if (size == 0) {
      return out;
    }
    if (size > bytes.size() - at) {
      out.append(bytes.substr(at));
      broken = true;
      return out;
    }
    out.append(bytes.substr(at, static_cast<size_t>(size)));
    at += static_cast<size_t>(size);
    at += bytes.substr(at, 2) == "\r\n" ? 2 : bytes.substr(at, 1) == "\n" ? 1 : 0;
  }
  broken = true;  // without the last chunk
  return out;
}

enum class Inflated { kGood, kCorrupt, kTooLarge };

Inflated inflate_all(std::string_view bytes, int window_bits, size_t max_bytes, std::string& out) {
  z_stream zlib = {};
  if (inflateInit2(&zlib, window_bits) != Z_OK) {
    return Inflated::kCorrupt;
  }
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  zlib.avail_in = static_cast<uInt>(bytes.size());
  out.resize(std::min(max_bytes, std::max<size_t>(bytes.size() * 4, 4096)));
  Inflated result = Inflated::kCorrupt;
  size_t used = 0;
  while (true) {
    zlib.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    zlib.avail_out = static_cast<uInt>(out.size() - used);
    const int code = inflate(&zlib, Z_NO_FLUSH);
    used = out.size() - zlib.avail_out;
    if (code == Z_STREAM_END) {
      result = Inflated::kGood;
      break;
    }
    if ((code != Z_OK && code != Z_BUF_ERROR) || (zlib.avail_in == 0 && zlib.avail_out > 0)) {
      break;
    }
    if (zlib.avail_out == 0) {
      if (out.size() >= max_bytes) {
        result = Inflated::kTooLarge;
        break;
      }
      out.resize(std::min(max_bytes, out.size() * 2));
    }
  }
  inflateEnd(&zlib);
  out.resize(used);
  return result;
}

const char* undo_content(const std::string& encoding, size_t max_bytes, HttpMessage& message) {
  const auto bits = encoding == "gzip" || encoding == "x-gzip" ? 15 + 16 : 15;
  if (encoding != "gzip" && encoding != "x-gzip" && encoding != "deflate") {
    return "unknown content encoding";
  }
  const bool is_gzip = message.body.starts_with("\x1f\x8b");
  if (bits > 15 && !is_gzip) {
    return nullptr;  // archives keep the header of a body that they decoded
  }
  std::string out;
  Inflated result = inflate_all(message.body, bits, max_bytes, out);
  if (result == Inflated::kCorrupt && encoding == "deflate") {
    result = inflate_all(message.body, -15, max_bytes, out);  // many servers send it without zlib's header
  }
  if (result != Inflated::kGood) {
    return result == Inflated::kTooLarge ? "page too large" : "corrupt content encoding";
  }
  message.storage = std::move(out);
  message.body = message.storage;
  return nullptr;
}

}  // namespace

void parse_http(std::string_view bytes, size_t max_bytes, HttpMessage& message) {
  message.status = 0;
  message.headers.clear();
  message.storage.clear();
  message.body = {};
  message.problem = "broken HTTP header";
  const size_t line_end = bytes.find('\n');
  const size_t space = bytes.substr(0, std::min(line_end, bytes.size())).find(' ');
  if (line_end == std::string_view::npos || !bytes.starts_with("HTTP/") || space == std::string_view::npos) {
    return;
  }
  std::from_chars(bytes.data() + space + 1, bytes.data() + line_end, message.status);
  size_t header_bytes = 0;
  if (!parse_headers(bytes.substr(line_end + 1, kMaxHeaderBytes), message.headers, header_bytes)) {
    return;
  }
  message.problem = nullptr;
  message.body = bytes.substr(line_end + 1 + header_bytes);
  if (media_type(find_header(message.headers, "transfer-encoding")) == "chunked") {
    bool broken = false;
    if (auto plain = undo_chunks(message.body, broken)) {
      if (broken) {
        message.problem = "broken chunks";
        return;
      }
      message.storage = std::move(*plain);
      message.body = message.storage;
    }
  }
  const std::string encoding = media_type(find_header(message.headers, "content-encoding"));
  if (!encoding.empty() && encoding != "identity" && encoding != "none" && !message.body.empty()) {
    message.problem = undo_content(encoding, max_bytes, message);
  }
  if (message.problem == nullptr && message.body.size() > max_bytes) {
    message.problem = "page too large";
  }
}

}  // namespace athanor
