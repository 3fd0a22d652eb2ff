// schema.org's data about the page, as JSON-LD in scripts. Private to this folder.
#pragma once

#include <string>
#include <string_view>

#include "athanor/data/html/extract.h"
#include "athanor/data/html/page.h"

namespace athanor::html {

// Fills the fields of `out` that are empty from the first article, posting, report, review or recipe that has them.
void read_linked_data(const Page& page, HtmlPage& out);

// Text as one line of at most 1,000 bytes.
std::string line(std::string_view text);

// The text directly in an element: of <title> and <script>.
std::string inner_text(const lxb_dom_node_t* element);

}  // namespace athanor::html
