// Addresses. Private to this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "athanor/data/html/page.h"

namespace athanor::html {

// The absolute http(s) address that `reference` means on a page at `base` (RFC 3986, 5.2; white space around
// it removed, its fragment dropped). Empty when it is none, or when it is relative and base is empty.
std::string resolve_url(std::string_view base, std::string_view reference);

// All <a href> of the page, each address once, in the page's order.
std::vector<std::string> links_of(const Page& page, std::string_view base);

}  // namespace athanor::html
