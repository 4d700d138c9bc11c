// The kernels for any processor.

#include "common.h"

#ifndef CT_KERNELS
#define CT_KERNELS "inference.inl"
#endif

#define CT_AVX512 0
#define CT_BF16 0
#define CT_VNNI 0
#define CT_AVX2 0
#define CT_AMX 0
#define CT_PANEL_ROWS 3
#define CT_NAMESPACE any
#define CT_NAME "default"
#include CT_KERNELS
