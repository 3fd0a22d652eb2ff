// Dates as pages write them. Private to this folder.
#pragma once

#include <string>
#include <string_view>

namespace athanor::html {

// yyyy-mm-dd of the first date in the text, or "". Knows 2019-11-18..., 2019/11/18, 20191118, 2019年11月18日,
// November 18, 2019, Nov. 18 2019, 18 November 2019, Mon, 18 Nov 2019; and 18.11.2019. Not 11/18/2019: the order of
// month and day differs by country (unless one of them is above 12). Years 1990 to 2099.
std::string parse_date(std::string_view text);

}  // namespace athanor::html
