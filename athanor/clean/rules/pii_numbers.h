// Numbers that name somebody and carry a check of their own. Each returns the byte length of what stands at
// text[at...], 0 when it is nothing of that kind; the caller sees to what stands before it.
#pragma once

#include <cstddef>
#include <string_view>

namespace athanor {

// A resident identity number of the People's Republic (GB 11643-1999): 17 digits and a digit or X, with a known
// province, a date from 1900 to 2099 and the right check character (ISO 7064 MOD 11-2). No digit or letter follows.
size_t match_id_number(std::string_view text, size_t at);

// A bank card (ISO/IEC 7812): 13 to 19 digits, bare or parted by single spaces or hyphens, in the range and length of
// Visa, Mastercard, American Express, UnionPay, Discover, JCB, Diners or Maestro, with the right Luhn digit.
size_t match_card(std::string_view text, size_t at);

// An IPv6 address (RFC 4291 text form) of the global unicast space 2000::/3, but not of 2001:db8::/32 and 3fff::/20
// (documentation), 2001::/32 (Teredo) and 2002::/16 (6to4).
size_t match_ipv6(std::string_view text, size_t at);

}  // namespace athanor
