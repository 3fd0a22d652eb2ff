#!/usr/bin/env python3
"""Writes athanor/base/lower.cc from UnicodeData.txt (field 13, the simple lower-case mapping).

usage: make_lower_table.py [UnicodeData.txt] > athanor/base/lower.cc
The file must be of the version that athanor/base/unicode.h names (15.0.0; Debian: unicode-data 15.0.0-1).
"""
import sys

path = sys.argv[1] if len(sys.argv) > 1 else '/usr/share/unicode/UnicodeData.txt'
pairs = []
with open(path, encoding='utf-8') as file:
    for line in file:
        fields = line.split(';')
        if fields[13]:
            pairs.append((int(fields[0], 16), int(fields[13], 16)))

runs = []  # first, last, stride, delta
for code, lower in pairs:
    delta = lower - code
    if runs:
        first, last, stride, run_delta = runs[-1]
        step = code - last
        if delta == run_delta and step in (1, 2) and (stride == step or first == last):
            runs[-1] = (first, code, step, delta)
            continue
    runs.append((code, code, 1, delta))

print('''// Written by scripts/make_lower_table.py from the Unicode Character Database 15.0.0; do not edit.
// Data: Copyright (c) 1991-2022 Unicode, Inc., Unicode License Agreement (Unicode-DFS-2016).
#include "athanor/base/lower.h"

#include <algorithm>
#include <iterator>

#include "athanor/base/unicode.h"

namespace athanor {

static_assert(std::string_view(kUnicodeVersion) == "15.0.0");

namespace {

struct Run {  // every stride-th code from first to last moves by delta
  uint32_t first, last;
  uint32_t stride;
  int32_t delta;
};

constexpr Run kRuns[] = {''')
row = '   '
for first, last, stride, delta in runs:
    item = f' {{0x{first:X}, 0x{last:X}, {stride}, {delta}}},'
    if len(row) + len(item) > 104:
        print(row)
        row = '   '
    row += item
print(row)
print('''};

}  // namespace

char32_t to_lower(char32_t code) {
  if (code < 0x80) {
    return code >= 'A' && code <= 'Z' ? code + 32 : code;
  }
  const Run* const found = std::lower_bound(std::begin(kRuns), std::end(kRuns), code,
                                            [](const Run& run, char32_t c) { return run.last < c; });
  if (found == std::end(kRuns) || code < found->first || (code - found->first) % found->stride != 0) {
    return code;
  }
  return static_cast<char32_t>(static_cast<int64_t>(code) + found->delta);
}

}  // namespace athanor''')
