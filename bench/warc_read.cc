// For bench/collect.py: reads every record of a web archive and says how many there were.
//
//   warc_read FILE
#include <cstdio>

#include "athanor/base/error.h"
#include "athanor/data/web/warc.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: warc_read FILE\n");
    return 2;
  }
  try {
    const auto stream = athanor::open_stream(argv[1]);
    athanor::WarcReader warc(*stream);
    athanor::WarcRecord record;
    unsigned long records = 0, bytes = 0, bad = 0;
    while (warc.next(record)) {
      ++records;
      bytes += record.end - record.begin;
      bad += record.problem != nullptr ? 1 : 0;
    }
    std::printf("%lu records, %lu bytes, %lu bad\n", records, bytes, bad);
    return 0;
  } catch (const athanor::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.exit_code();
  }
}
