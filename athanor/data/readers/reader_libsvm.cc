// LIBSVM files: a line is a document; read_table (data/tables/read_table.h) makes sparse rows of
// them.
#include <nlohmann/json.hpp>

#include "athanor/data/readers/reader_formats.h"
#include "athanor/data/tables/libsvm.h"

namespace athanor {

void read_libsvm(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  LibsvmRow row;
  for_each_line(input, options, rows, [&](const Line& line) {
    std::string text(line.text);
    while (text.ends_with('\r') || text.ends_with(' ')) {
      text.pop_back();
    }
    const size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string::npos || text[begin] == '#') {  // an empty line, a comment
      return;
    }
    const char* reason = nullptr;
    if (line.too_long) {
      rows.reject("line too long", line.begin, text);
    } else if (!parse_libsvm_row(text, row, reason)) {
      rows.reject((std::string("bad LIBSVM line: ") + reason).c_str(), line.begin, text);
    } else if (rows.check_utf8(text, line.begin)) {  // a comment behind # may hold any bytes
      nlohmann::json meta{{"format", "libsvm"}};
      if (parse_libsvm_row(text, row, reason)) {  // its views were into the bytes before
        meta["label"] = row.label;
        if (!row.query.empty()) {
          meta["qid"] = row.query;
        }
      }
      rows.accept(std::move(text), line.begin, line.end, meta.dump());
    }
  });
  rows.progress();
}

}  // namespace athanor
