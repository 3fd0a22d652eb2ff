#include "athanor/train/document_names.h"

#include <gtest/gtest.h>

namespace athanor {
namespace {

TEST(DocumentNames, CountsEachOnce) {
  DocumentNames names(2);
  for (const char* id : {"a", "b", "a", "c", "d", "c", "d", "b"}) {
    names.add(id);
  }
  EXPECT_EQ(names.list(), (std::vector<std::string>{"a", "b", "... and 2 more"}));
  EXPECT_TRUE(DocumentNames().list().empty());
}

}  // namespace
}  // namespace athanor
