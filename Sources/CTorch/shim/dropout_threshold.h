// The threshold that dropout's draws are compared with.
#pragma once

#include <cmath>
#include <cstdint>

namespace ctorch {

// Draws of 16 bits below `value` are dropped; `scale` is the inverse of the keep probability as 16 bits can express it.
struct DropoutThreshold {
    explicit DropoutThreshold(double probability)
        : value(static_cast<uint32_t>(std::lround(probability * 65536.0))),
          scale(value >= 65536 ? 0.0f : static_cast<float>(65536.0 / (65536.0 - value))) {}
    uint32_t value;
    float scale;
};

}  // namespace ctorch
