// A web page from outside: gives text or a fault; what it gives is UTF-8.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "athanor/base/unicode.h"
#include "athanor/data/html/extract.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const char* charset : {"", "utf-8", "gb18030"}) {
    athanor::HtmlOptions options;
    options.charset = charset;
    options.url = "http://example.org/a/b?c";
    options.max_nodes = 20000;
    const athanor::HtmlPage page = athanor::extract_html(bytes, options);
    bool good = page.fault.empty() != page.text.empty();
    for (const std::string* one : {&page.text, &page.title, &page.date, &page.author, &page.language,
                                   &page.canonical_url, &page.description, &page.charset}) {
      good = good && athanor::is_valid_utf8(*one);
    }
    for (const std::string& link : page.links) {
      good = good && link.starts_with("http") && athanor::is_valid_utf8(link);
    }
    if (!good) {
      std::abort();
    }
  }
  return 0;
}
