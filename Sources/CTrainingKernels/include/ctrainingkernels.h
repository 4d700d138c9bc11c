// Swift has no use for these kernels: CTorch calls them from C++ (kernels/training.h).
#pragma once
