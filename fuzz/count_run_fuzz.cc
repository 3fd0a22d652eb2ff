// Any bytes as a file of counted pieces: Error or a run that can be read to its end, nothing else.
#include <unistd.h>

#include <cstdint>
#include <string>

#include "athanor/base/error.h"
#include "athanor/token/train/count_run.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const athanor::fs::path path =
      athanor::fs::temp_directory_path() / ("athanor-count-run-fuzz-" + std::to_string(::getpid()));
  try {
    athanor::FileWriter file(path);
    file.write({reinterpret_cast<const char*>(data), size});
    file.close();
    athanor::token::CountRunReader reader(path);
    while (reader.next()) {
    }
  } catch (const athanor::Error&) {
  }
  athanor::fs::remove(path);
  return 0;
}
