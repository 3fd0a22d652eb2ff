// For tests: makes tar archives and gzip streams in memory.
#pragma once

#include <zlib.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace athanor {

// bits: zlib's window bits: 15 a zlib stream, -15 raw deflate, 15 + 16 gzip.
inline std::string deflated(const std::string& text, int bits) {
  z_stream zlib = {};
  deflateInit2(&zlib, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&zlib, text.size()) + 64, '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  zlib.avail_in = static_cast<uInt>(text.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  deflate(&zlib, Z_FINISH);
  out.resize(zlib.total_out);
  deflateEnd(&zlib);
  return out;
}

inline std::string gzip(const std::string& text) { return deflated(text, 15 + 16); }

inline std::string tar_member(const std::string& name, const std::string& bytes, char type = '0') {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  header.replace(100, 7, "0000644");
  char size[32];
  std::snprintf(size, sizeof size, "%011zo", bytes.size());
  header.replace(124, 11, size, 11);
  header[156] = type;
  header.replace(257, 8, std::string("ustar\0" "00", 8));
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : header) {
    sum += static_cast<unsigned char>(c);
  }
  std::snprintf(size, sizeof size, "%06o", sum);
  header.replace(148, 7, size, 7);
  return header + bytes + std::string((512 - bytes.size() % 512) % 512, '\0');
}

inline const std::string kTarEnd(1024, '\0');

}  // namespace athanor
