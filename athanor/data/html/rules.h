// The rules that find a page's main text. docs/data/html.md tells them in words. Private to this folder.
#pragma once

#include <cstdint>

#include "athanor/data/html/page.h"

namespace athanor::html {

// Drops every run that is not main text (kRunDropped), and cuts inline parts (kInlineCut). Returns the
// element that holds the main text; the runs outside it are dropped too.
uint32_t choose_main_text(Page& page);

}  // namespace athanor::html
