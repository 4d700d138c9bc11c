// The kernels of a training step, for the processors of the file of this name in CKernels.

#include "kernels/training.h"

#define CT_KERNELS "training.inl"
#include "../CKernels/neon.cpp"
