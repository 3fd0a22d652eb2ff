// robots.txt (RFC 9309), and the Crawl-delay that many sites add to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace athanor {

class Robots {
 public:
  static constexpr size_t kMaxBytes = 500 << 10;  // what lies beyond is not read (RFC 9309, 2.5)
  static constexpr double kMaxDelaySeconds = 600;

  static Robots allow_all();
  static Robots disallow_all();
  // The rules of the groups that name `product` (letters of any case), else those of the groups of "*".
  static Robots parse(std::string_view text, std::string_view product);

  // `path` with its query, as it stands in the address. The longest rule that matches decides; of two of one length
  // the one that allows. Without a rule, and for /robots.txt itself, it is allowed.
  bool allows(std::string_view path) const;
  double delay_seconds() const { return delay_seconds_; }  // 0: none was given

 private:
  struct Rule {
    std::string pattern;
    bool allow = false;
  };
  std::vector<Rule> rules_;
  double delay_seconds_ = 0;
};

// Does the path begin with what the pattern says? "*" is any run of characters, "$" at the end the path's end.
bool match_robots_pattern(std::string_view pattern, std::string_view path);

// Percent escapes as RFC 9309, 2.2.2 compares them: letters, digits and "-._~" as they are, all else that is not ASCII
// or is escaped already as %XX with upper-case digits.
std::string normal_path(std::string_view path);

}  // namespace athanor
