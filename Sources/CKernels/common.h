// Headers that every instance of the kernels includes before its target is set.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "blas.h"
#include "kernels/parallel.h"
#include "kernels/table.h"

#define CT_INLINE static inline __attribute__((always_inline))

// Vectors wider than the baseline's registers are passed between functions of these files alone.
#pragma clang diagnostic ignored "-Wpsabi"
