// Which build this is. version.cc is written anew by the build when the commit changes.
#pragma once

namespace athanor {

extern const char* const kVersion;  // "0.1.0"
extern const char* const kCommit;   // 12 hex digits, "+" behind them when files had changed; "unknown" outside git

}  // namespace athanor
