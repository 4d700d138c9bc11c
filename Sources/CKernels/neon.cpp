// The kernels for NEON, which every 64-bit ARM processor has.

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
#define CT_DOTPROD 0
#define CT_I8MM 0
#define CT_BFMMLA 0
#define CT_PANEL_ROWS 6
#define CT_NAMESPACE neon
#define CT_NAME "neon"
#include CT_KERNELS
#endif
