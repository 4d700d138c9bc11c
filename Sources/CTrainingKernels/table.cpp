// Chooses the kernels of a training step: those of the instruction set that the forward pass has.

#include <cstring>

#include "kernels/training.h"

namespace ctorch::kernels {

#if defined(__x86_64__)
namespace amx_bf16 { const TrainingTable &training(); }
namespace avx512_bf16 { const TrainingTable &training(); }
namespace avx512 { const TrainingTable &training(); }
namespace avx2 { const TrainingTable &training(); }
#elif defined(__aarch64__)
namespace neon_bf16 { const TrainingTable &training(); }
namespace neon_i8mm { const TrainingTable &training(); }
namespace neon_dotprod { const TrainingTable &training(); }
namespace neon { const TrainingTable &training(); }
#endif
namespace any { const TrainingTable &training(); }

const TrainingTable &training() {
    static const TrainingTable &chosen = []() -> const TrainingTable & {
        [[maybe_unused]] const char *name = table().name;
#if defined(__x86_64__)
        if (std::strcmp(name, "amx_bf16") == 0) return amx_bf16::training();
        if (std::strcmp(name, "avx512_bf16") == 0) return avx512_bf16::training();
        if (std::strcmp(name, "avx512") == 0) return avx512::training();
        if (std::strcmp(name, "avx2") == 0) return avx2::training();
#elif defined(__aarch64__)
        if (std::strcmp(name, "neon_bf16") == 0) return neon_bf16::training();
        if (std::strcmp(name, "neon_i8mm") == 0) return neon_i8mm::training();
        if (std::strcmp(name, "neon_dotprod") == 0) return neon_dotprod::training();
        if (std::strcmp(name, "neon") == 0) return neon::training();
#endif
        return any::training();
    }();
    return chosen;
}

}  // namespace ctorch::kernels
