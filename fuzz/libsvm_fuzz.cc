// LIBSVM files, and tables made of any cells.
#include <cstddef>
#include <cstdint>

#include "athanor/data/tables/cells.h"
#include "athanor/data/tables/read_table.h"
#include "fuzz/reader_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  athanor::read_as("libsvm", bytes);

  athanor::TableReader reader{athanor::TableOptions()};
  for (size_t begin = 0; begin < bytes.size();) {  // each line is the meta of a row
    const size_t end = std::min(bytes.find('\n', begin), bytes.size());
    athanor::Document document;
    document.text = bytes.substr(begin, end - begin);
    document.meta = document.text;
    reader.add(document);
    double seconds = 0;
    athanor::parse_date(document.text, "", seconds);
    athanor::parse_date("29 Feb 2024 13:05", document.text, seconds);
    begin = end + 1;
  }
  athanor::TableNotes notes;
  reader.finish(notes);
  return 0;
}
