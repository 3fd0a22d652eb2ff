// A fastText model from outside: opens or says why not; what opens predicts, and writes the bytes that it was read from.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "athanor/base/error.h"
#include "athanor/classic/fasttext.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    athanor::FastTextModel model = athanor::FastTextModel::parse(bytes, "fuzz");
    if (model.version == 12 && model.to_bytes().size() != size) {
      std::abort();
    }
    const athanor::FastText classifier(std::move(model));
    classifier.predict("Some text, 123 here's\n\n \xE4\xBD\xA0 \xFF", -1);
    classifier.predict("", 1, 0.5f);
  } catch (const athanor::Error&) {
  }
  return 0;
}
