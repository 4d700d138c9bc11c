// The names of Gloo that c10d's header mentions, declared so that it can be read without Gloo's own headers: libtorch holds
// Gloo, and this package calls it through c10d alone. Nothing declared here is made, called or looked into.
#pragma once

#include <chrono>
#include <memory>

namespace gloo {

namespace transport {
class Device;
class UnboundBuffer;
}  // namespace transport

class Context {
  public:
    void setTimeout(std::chrono::milliseconds timeout);
};

}  // namespace gloo
