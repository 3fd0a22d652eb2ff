// Replaces, counts, or drops for, from left to right:
//   - e-mail addresses: a local part of RFC 5322 atoms joined by dots, '@', and a domain of two or more labels whose
//     last has a letter (not inside a longer run of such characters);
//   - IPv4 addresses that are globally routable (IANA's special-purpose registry is left alone: 10/8, 127/8,
//     192.168/16
//     and their like name nobody), not part of a longer run of digits and dots;
//   - telephone numbers, of these shapes only, digits bounded by neither digits nor letters:
//       +CC and 7..14 more digits, groups parted by one space, '.', '-' or put in parentheses
//       (ddd) ddd-dddd, ddd-ddd-dddd, ddd.ddd.dddd, ddd ddd dddd        North America
//       1[3-9]d dddd dddd, with or without one '-' or space a group     China, mobile
//       0dd-dddddddd, 0ddd-ddddddd, 0ddd-dddddddd                       China, landline
//     A bare run of 11 digits that looks like a Chinese mobile number is taken for one.
//   - global IPv6 addresses, resident identity numbers of the People's Republic and bank cards: those carry a check of
//     their own, see pii_numbers.h.
// Placeholders are options; the defaults (RFC 2606, RFC 5737, RFC 3849, the fictional 555-01xx, numbers whose check
// fails) are left alone by a second pass. An empty placeholder leaves that kind as it is, and uncounted. With replace
// off the text stays and the numbers are counted. Names and postal addresses are not looked for.
// Reason: pii (more found than max_found).
#pragma once

#include <array>

#include "athanor/clean/step.h"

namespace athanor {

class Pii : public CleanStep {
 public:
  explicit Pii(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;
  bool rewrites() const override { return replace_; }

 private:
  enum Kind { kEmail, kIpv4, kIpv6, kPhone, kIdNumber, kCard, kNumKinds };
  // The kind and the length of what begins at text[at], which is a digit, a hexadecimal one, '+' or '('.
  size_t match_number(std::string_view text, size_t at, Kind& kind) const;
  bool wanted(Kind kind) const { return !placeholders_[kind].empty(); }

  std::array<std::string, kNumKinds> placeholders_;
  bool replace_;
  double max_found_;
};

// The byte length of what stands at text[at...], 0 when it is nothing of that kind. at must not be inside a run of
// digits (phone, IPv4).
size_t match_ipv4(std::string_view text, size_t at);
size_t match_phone(std::string_view text, size_t at);
// text[at] is '@': the address around it as [begin, end); begin == end when there is none. Nothing before
// floor is used.
struct PiiSpan {
  size_t begin = 0, end = 0;
};
PiiSpan match_email(std::string_view text, size_t at, size_t floor);

}  // namespace athanor
