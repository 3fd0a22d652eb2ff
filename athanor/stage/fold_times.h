// What `fold by: time` sorts by: each document's time as a number.
#pragma once

#include <string>
#include <vector>

namespace athanor {

// A time a value, larger is later: the number itself, or the seconds of an ISO 8601 date (2024-02, 2024-02-29,
// 2024-02-29T12:30:15+08:00; data/tables/cells.h). Error(kInput) that names the document (ids: theirs) of the first value that
// is neither, and of the first date among numbers: any other text would sort by its letters, where 10/1/2024 comes before
// 9/1/2024, and a fold would be tested on what lies before its training part.
std::vector<double> times_of(const std::vector<std::string>& values, const std::vector<std::string>& ids, const std::string& field);

}  // namespace athanor
