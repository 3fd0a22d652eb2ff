// Rules on single runs: what stands before, between and behind the prose. Private to this folder.
#pragma once

#include <cstdint>

#include "athanor/data/html/page.h"

namespace athanor::html {

// A run that reads as prose: long enough, and not mostly links.
bool is_prose(const Run& run);

// Drops runs below root: titles, by-lines and captions before the first prose, what trails behind the last,
// lines that are only a link, invitations to read, share or subscribe, lines that repeat.
void drop_lines(Page& page, uint32_t root);

}  // namespace athanor::html
