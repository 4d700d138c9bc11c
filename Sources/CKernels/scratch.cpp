// A thread's memory for intermediate results.

#include <algorithm>
#include <cstdlib>
#include <new>

#include "kernels/parallel.h"

namespace ctorch {

void *Scratch::reserve(int64_t bytes) {
    if (bytes > bytes_) {
        std::free(memory_);
        memory_ = nullptr;
        bytes_ = 0;
        int64_t rounded = (bytes + bytes / 8 + 4095) / 4096 * 4096;
        memory_ = std::aligned_alloc(64, static_cast<size_t>(rounded));
        if (!memory_) throw std::bad_alloc();
        bytes_ = rounded;
    }
    return memory_;
}

Scratch::~Scratch() { std::free(memory_); }

Scratch &Scratch::slot(Slot slot) {
    static thread_local Scratch slots[static_cast<int>(Slot::count)];
    return slots[static_cast<int>(slot)];
}

}  // namespace ctorch
