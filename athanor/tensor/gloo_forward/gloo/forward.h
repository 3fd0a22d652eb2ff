// What torch/csrc/distributed/c10d/ProcessGroupGloo.hpp names of gloo, which torch's wheels do not carry (2.11 to 2.14).
// Declarations only, checked against torch 2.13: all members there are smart pointers, so that no layout of gloo's own
// types is decided here, and process_group.cc makes none of them. c10d::GlooStore, which derives from Store below, must
// never be made in our code. The other headers of this folder are the names by which that header asks for this one.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

namespace transport {
class Device;
class UnboundBuffer;
}  // namespace transport

namespace rendezvous {

class Store {
 public:
  virtual ~Store();
  virtual void set(const std::string& key, const std::vector<char>& value) = 0;
  virtual std::vector<char> get(const std::string& key) = 0;
  virtual void wait(const std::vector<std::string>& keys) = 0;
  virtual void wait(const std::vector<std::string>& keys, const std::chrono::milliseconds&) { wait(keys); }
};

}  // namespace rendezvous
}  // namespace gloo
