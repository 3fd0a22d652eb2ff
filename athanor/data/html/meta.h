// What a page says of itself: title, date, author, language, addresses. Private to this folder.
#pragma once

#include <string>
#include <string_view>

#include "athanor/data/html/extract.h"
#include "athanor/data/html/page.h"

namespace athanor::html {

// Fills title, date, author, language, canonical_url, description. From linked data (schema.org as JSON-LD),
// <meta> of Open Graph, Dublin Core and the usual names, then marks in the text (itemprop, rel="author",
// <time>, <h1>), then the address.
void read_meta(const Page& page, const HtmlOptions& options, HtmlPage& out);

// The first date in the short runs shortly before a run: what stands over the text when nothing else dates it.
std::string date_before(const Page& page, uint32_t run);

// The address that relative links are resolved against: <base href>, else the page's own.
std::string base_of(const Page& page, const HtmlOptions& options);

}  // namespace athanor::html
