// A tar archive from outside, plain or compressed.
#include <cstddef>
#include <cstdint>

#include "athanor/data/containers/tar.h"
#include "fuzz/reader_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const auto stream = athanor::decoded_stream(std::make_unique<athanor::MemoryStream>(bytes));
    athanor::TarReader tar(*stream, "fuzz");
    while (const auto member = tar.next()) {
      if (member->name.empty() || member->name[0] == '/' || member->name.find("..") == 0) {
        std::abort();
      }
      const auto content = tar.open_member();
      athanor::read_all(*content, 1 << 20);
    }
  } catch (const athanor::Error& error) {
    if (error.kind() == athanor::ErrorKind::kInternal) {
      std::abort();
    }
  }
  return 0;
}
