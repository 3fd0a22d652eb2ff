// What the names of an element say: words of class, id and the like, as authors of pages choose them. A name
// is cut at whatever is no letter and where upper case begins ("post-content", "articleBody"); each word is
// looked up. Private to this folder.
#pragma once

#include <cstdint>
#include <string_view>

namespace athanor::html {

enum Name : uint32_t {
  kNameComment = 1 << 0,     // comments of readers
  kNameRelated = 1 << 1,     // related, recommended, popular
  kNameShare = 1 << 2,       // buttons of social networks
  kNameNavigation = 1 << 3,  // menus, breadcrumbs, pagers
  kNameSide = 1 << 4,        // sidebars, widgets
  kNameFooter = 1 << 5,
  kNameHeader = 1 << 6,
  kNameAdvert = 1 << 7,
  kNameForm = 1 << 8,      // newsletters, subscription, log in, cookie banners, pop-ups
  kNameMeta = 1 << 9,      // dates, by-lines, tags, credits
  kNameCaption = 1 << 10,  // of pictures
  kNameHidden = 1 << 11,
  kNameArticle = 1 << 12,      // article, post, entry, story
  kNameBody = 1 << 13,         // body, content, text
  kNameMedia = 1 << 14,        // galleries, players, embeds
  kNameBio = 1 << 15,          // about the author
  kNameArticleBody = 1 << 16,  // an article word and a body word in one name: "entry-content"
  kNamePrint = 1 << 17,
  kNameModifier = 1 << 18,  // never in a result
};

// Bits of every word of a class list or an id.
uint32_t names_in(std::string_view value);

}  // namespace athanor::html
