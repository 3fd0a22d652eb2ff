// The processes of one launch at work on the same recipe, as the rooms above the torch line see them; the torch unit
// implements it over c10d's store (tensor/rank_store.h, where each call is described). Rank 0 does everything that one
// process does, and calls the others to the steps that several can share (stage/crew.h).
#pragma once

#include <string>

#include "athanor/base/error.h"
#include "athanor/run/launch.h"

namespace athanor {

class Ranks {
 public:
  Ranks() = default;
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;
  virtual ~Ranks() = default;

  virtual const Launch& launch() const = 0;
  virtual void set(const std::string& key, const std::string& value) = 0;
  virtual bool has(const std::string& key) = 0;
  // However long it takes, as long as all live; else Error(kResource) that names who is to blame.
  virtual std::string wait(const std::string& key, const std::string& what) = 0;
  // This process ends with an error of its own: the others name it. Never throws.
  virtual void say_failed(const Error& error) = 0;
};

}  // namespace athanor
