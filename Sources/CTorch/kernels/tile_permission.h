// Whether this process may use AMX.
#pragma once

namespace ctorch::kernels {

// Asks the system for it, for all threads and once and for all: tiles are memory that each switch of threads keeps.
bool may_use_tiles();

}  // namespace ctorch::kernels
