#pragma once

#include <cstdint>

#include "ckernels.h"

namespace ctorch {

// A row of a stored weight, an output's numbers, as float32. False where one of them is infinite or not a number.
bool widen_row(const ck_stored &weight, int64_t row, float *to);

}  // namespace ctorch
