#include "athanor/data/html/lines.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>

#include "athanor/data/html/names.h"
#include "athanor/data/html/render.h"

namespace athanor::html {

namespace {

// Beginnings of lines that are not the author's text, in lower case. "$" at the end: the whole line.
constexpr std::string_view kPhrases[] = {
    "advertisement$",
    "advert$",
    "ad$",
    "ads$",
    "sponsored$",
    "promoted$",
    "story continues below",
    "article continues below",
    "continue reading",
    "read more$",
    "read more:",
    "read more about",
    "read also",
    "also read",
    "read next",
    "read:",
    "see also",
    "related:",
    "related stories",
    "related articles",
    "related posts",
    "related content",
    "related post",
    "related topics",
    "more from",
    "more on this",
    "more:",
    "you may also",
    "you might also",
    "you may like",
    "recommended for you",
    "share this",
    "share on",
    "share:",
    "share it",
    "share$",
    "like this story?",
    "tweet$",
    "follow us",
    "follow me",
    "follow @",
    "find us on",
    "like us on",
    "join us on",
    "join the conversation",
    "sign up for",
    "sign up to",
    "sign up here",
    "subscribe to",
    "subscribe now",
    "subscribe for",
    "get our newsletter",
    "get the latest",
    "click here to",
    "tap here",
    "download our app",
    "download the app",
    "leave a comment",
    "leave a reply",
    "post a comment",
    "comments$",
    "view comments",
    "comment$",
    "please enable javascript",
    "enable javascript",
    "your browser does not",
    "loading...",
    "filed under",
    "posted in",
    "tags:",
    "tagged:",
    "tagged with",
    "topics:",
    "copyright \xC2\xA9",
    "\xC2\xA9",
    "all rights reserved",
    "photo:",
    "photos:",
    "photo by",
    "photo credit",
    "image credit",
    "image:",
    "image via",
    "images:",
    "picture:",
    "featured image",
    "video:",
    "watch:",
    "also watch",
    "listen to this",
    "print this",
    "email this",
    "this story originally",
    "this article originally",
    "this article was originally",
    "this post may contain affiliate",
    "want more",
    "for more information, contact",
    "contact the author",
    "continua a leggere",
    "leggi anche",
    "lire aussi",
    "\xC3\xA0 lire aussi",
    "lesen sie auch",
    "lea tambi\xC3\xA9n",
    "leia tamb\xC3\xA9m",
    "leia mais",
    "saiba mais",
    "compartilhe",
    "lee tambi\xC3\xA9n",
    "mehr zum thema",
    "anzeige$",
    "werbung$",
    "publicidade",
    "publicidad$",
    "share this on",
    "\xE7\x9B\xB8\xE5\x85\xB3\xE9\x98\x85\xE8\xAF\xBB",
    "\xE8\xB4\xA3\xE4\xBB\xBB\xE7\xBC\x96\xE8\xBE\x91",
    "\xE5\x88\x86\xE4\xBA\xAB\xE5\x88\xB0",
    "\xE4\xB8\x8A\xE4\xB8\x80\xE7\xAF\x87",
    "\xE4\xB8\x8B\xE4\xB8\x80\xE7\xAF\x87",
    "\xE7\x89\x88\xE6\x9D\x83\xE6\x89\x80\xE6\x9C\x89",
};
constexpr size_t kPhraseLine = 160;  // bytes; longer runs are text, however they begin

bool begins_with_phrase(const Page& page, const Run& run) {
  if (run.bytes > kPhraseLine) {
    return false;
  }
  std::string line;
  for (uint32_t i = run.first; i <= run.last; ++i) {
    if (page.nodes[i].tag == LXB_TAG__TEXT) {
      append_collapsed(text_of(page.nodes[i].dom), line);
    }
  }
  while (!line.empty() && (line.back() == ' ' || line.back() == ':' || line.back() == '.')) {
    line.pop_back();
  }
  const size_t begin = line.find_first_not_of(" *-[(>|");
  if (begin == std::string::npos) {
    return true;  // only ornaments
  }
  line.erase(0, begin);
  for (char& c : line) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  if (line.starts_with("follow ") &&
      (line.find("twitter") != std::string::npos || line.find("facebook") != std::string::npos ||
       line.find("instagram") != std::string::npos)) {
    return true;
  }
  for (std::string_view phrase : kPhrases) {
    if (phrase.back() == '$') {
      phrase.remove_suffix(1);
      if (line == phrase) {
        return true;
      }
    } else if (line.starts_with(phrase)) {
      return true;
    }
  }
  return false;
}

bool is_in_list(const Page& page, uint32_t block) {
  for (uint32_t up = 0; up < 4 && block != 0; ++up, block = page.nodes[block].parent) {
    const uint16_t tag = page.nodes[block].tag;
    if (tag == LXB_TAG_LI || tag == LXB_TAG_TD || tag == LXB_TAG_TH || tag == LXB_TAG_DD ||
        tag == LXB_TAG_DT || tag == LXB_TAG_PRE) {
      return true;
    }
  }
  return false;
}

bool is_only_link(const Run& run) { return run.link_bytes * 10 >= run.bytes * 8; }

// Before the first prose: titles, by-lines, dates, captions.
bool is_lead(const Page& page, const Run& run) {
  if ((run.flags & kRunHeading) != 0 || is_only_link(run)) {
    return true;
  }
  const bool paragraph = page.nodes[run.block].tag == LXB_TAG_P && run.link_bytes * 4 < run.bytes;
  return !is_prose(run) && !(paragraph && run.bytes >= 60);
}

// Behind the last prose.
bool is_trail(const Page& page, const Run& run) {
  if ((run.flags & kRunHeading) != 0 || is_only_link(run)) {
    return true;
  }
  if (is_prose(run)) {
    return false;
  }
  if ((run.flags & kRunSentence) != 0 && run.link_bytes * 3 < run.bytes) {
    return run.bytes < 8;
  }
  return !is_in_list(page, run.block);
}

uint64_t fingerprint(const Page& page, const Run& run) {
  uint64_t hash = 14695981039346656037u;
  for (uint32_t i = run.first; i <= run.last; ++i) {
    if (page.nodes[i].tag == LXB_TAG__TEXT) {
      for (const char c : text_of(page.nodes[i].dom)) {
        if (static_cast<unsigned char>(c) > ' ') {
          hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
        }
      }
    }
  }
  return hash;
}

void drop_repeats(Page& page, uint32_t from, uint32_t to) {
  std::unordered_map<uint64_t, uint32_t> seen;
  for (uint32_t i = from; i < to; ++i) {
    Run& run = page.runs[i];
    if (page.is_dropped(run) || run.bytes < 30 || is_in_list(page, run.block)) {
      continue;
    }
    const auto [at, fresh] = seen.emplace(fingerprint(page, run), i);
    if (!fresh) {
      run.flags |= kRunDropped;
      if (!is_prose(page.runs[at->second])) {
        page.runs[at->second].flags |= kRunDropped;
      }
    }
  }
}

// What leads up to the first prose and what trails behind the last; not when that is most of the text.
void trim(Page& page, uint32_t from, uint32_t to) {
  uint32_t first = from;
  uint32_t last = to;
  while (first < to && (page.is_dropped(page.runs[first]) || is_lead(page, page.runs[first]))) {
    ++first;
  }
  while (last > first && (page.is_dropped(page.runs[last - 1]) || is_trail(page, page.runs[last - 1]))) {
    --last;
  }
  uint32_t inside = 0;
  uint32_t outside = 0;
  for (uint32_t i = from; i < to; ++i) {
    const Run& run = page.runs[i];
    if (!page.is_dropped(run)) {
      (i >= first && i < last ? inside : outside) += run.bytes - run.link_bytes;
    }
  }
  if (outside > 2 * inside) {
    return;
  }
  for (uint32_t i = from; i < to; ++i) {
    if (i < first || i >= last) {
      page.runs[i].flags |= kRunDropped;
    }
  }
}

}  // namespace

bool is_prose(const Run& run) {
  if ((run.flags & kRunHeading) != 0 || (run.link_bytes * 2 > run.bytes && run.bytes - run.link_bytes < 80)) {
    return false;
  }
  return run.bytes >= 100 || (run.bytes >= 40 && ((run.flags & kRunSentence) != 0 || run.stops >= 1));
}

void drop_lines(Page& page, uint32_t root) {
  const uint32_t from = page.nodes[root].first_run;
  const uint32_t to = page.nodes[root].end_run;
  for (uint32_t i = from; i < to; ++i) {
    Run& run = page.runs[i];
    if (!page.is_dropped(run) && begins_with_phrase(page, run)) {
      run.flags |= kRunDropped;
    }
  }
  drop_repeats(page, from, to);
  const bool any = std::any_of(page.runs.begin() + from, page.runs.begin() + to,
                               [&](const Run& run) { return !page.is_dropped(run) && is_prose(run); });
  if (!any) {
    return;
  }
  trim(page, from, to);
  for (uint32_t i = from; i < to; ++i) {
    Run& run = page.runs[i];
    if (!page.is_dropped(run) && is_only_link(run) && (run.flags & kRunHeading) == 0 &&
        !is_in_list(page, run.block)) {
      run.flags |= kRunDropped;
    }
  }
}

}  // namespace athanor::html
