// An ARPA file from outside: reads or says why not; what reads answers.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "athanor/base/error.h"
#include "athanor/classic/ngram_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const athanor::NgramTables tables = athanor::parse_arpa({reinterpret_cast<const char*>(data), size}, "fuzz");
    athanor::NgramModel::from_tables(tables).score("a b c\n\n <s> \xFF a b\nb");
  } catch (const athanor::Error&) {
  }
  return 0;
}
