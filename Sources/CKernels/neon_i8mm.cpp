// The kernels for ARM processors with the matrix products of int8 (Armv8.6).

#if defined(__aarch64__)
#include "common.h"

#ifndef CT_KERNELS
#define CT_KERNELS "inference.inl"
#endif

#define CT_AVX512 0
#define CT_BF16 0
#define CT_VNNI 0
#define CT_AVX2 0
#define CT_AMX 0
#define CT_NEON 1
#define CT_DOTPROD 1
#define CT_I8MM 1
#define CT_BFMMLA 0
#define CT_PANEL_ROWS 6
#define CT_NAMESPACE neon_i8mm
#define CT_NAME "neon_i8mm"
#pragma clang attribute push(__attribute__((target("dotprod,i8mm"))), apply_to = function)
#include CT_KERNELS
#pragma clang attribute pop
#endif
