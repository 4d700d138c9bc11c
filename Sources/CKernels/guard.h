#pragma once

#include <new>

// Runs a body; false where it found no memory.
template <class Body>
bool guard(Body &&body) {
    try {
        body();
        return true;
    } catch (const std::bad_alloc &) {
        return false;
    }
}
