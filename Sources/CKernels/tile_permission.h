// Whether this process may use AMX.
#pragma once

namespace ctorch::kernels {

// Requests the permission from the operating system, once for all threads of the process: the state of the tiles is saved at context
// switches.
bool may_use_tiles();

}  // namespace ctorch::kernels
