// The shim over c10d as one translation unit.

#include "shim/process_group.cpp"
#include "shim/gradient_reducer.cpp"
