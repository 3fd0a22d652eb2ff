// JSON lines and files, with the usual text field and with a field map.
#include <cstddef>
#include <cstdint>

#include "fuzz/reader_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  athanor::ReadOptions mapped;
  mapped.fields = {{"text", "a.b"}, {{"id", "x.y"}}};
  for (const char* extension : {"jsonl", "json"}) {
    athanor::read_as(extension, bytes);
    athanor::read_as(extension, bytes, mapped);
  }
  return 0;
}
