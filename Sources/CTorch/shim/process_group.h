// Processes that train together, through PyTorch's c10d: what the shim's parts share.
#pragma once

#define USE_C10D_GLOO

#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "internal.h"

namespace ctorch {

// Runs what speaks to other processes: what goes wrong there is a `CommunicationError`.
template <class Body>
auto communicating(Body &&body) {
    try {
        return body();
    } catch (const c10::Error &error) {
        throw CommunicationError(error.what_without_backtrace());
    } catch (const std::exception &error) {
        throw CommunicationError(error.what());
    }
}

}  // namespace ctorch

struct ct_store_s {
    c10::intrusive_ptr<c10d::Store> store;
    uint16_t port;
};

struct ct_process_group_s {
    c10::intrusive_ptr<c10d::ProcessGroupGloo> group;
    int rank, size;
};

struct ct_work_s {
    c10::intrusive_ptr<c10d::Work> work;
};
