// Private to the readers: web pages, wherever they come from.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "athanor/data/html/extract.h"
#include "athanor/data/readers/reader_formats.h"

namespace athanor {

// A JSON object as meta has it: bytes that are not UTF-8 become U+FFFD.
std::string dump_meta(const nlohmann::ordered_json& meta);

// The page's main text becomes a document; title, language, date, author, links and the like are added to meta. A page
// without text is skipped where `may_be_empty` (most crawls hold many), else rejected as "html: no text".
void accept_html(std::string_view bytes, const HtmlOptions& options, nlohmann::ordered_json meta, uint64_t begin,
                 uint64_t end, bool may_be_empty, const RowSink& rows);

}  // namespace athanor
