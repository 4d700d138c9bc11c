#pragma once

#include <cstdint>

#include "ckernels.h"

namespace ctorch {

// The row of a file that has a weight's output (ck_stored's `head`): pairs of neighbors there become an element of the head's first half and
// one of its second.
inline int64_t stored_row(int64_t output, int64_t head) {
    if (head <= 0) return output;
    int64_t place = output % head;
    return output - place + (place < head / 2 ? 2 * place : 2 * place - head + 1);
}

// A row of a stored weight, an output's numbers, as float32. False where one of them is infinite or not a number.
bool widen_row(const ck_stored &weight, int64_t row, float *to);

}  // namespace ctorch
