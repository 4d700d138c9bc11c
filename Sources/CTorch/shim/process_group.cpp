// Processes that train together: PyTorch's c10d, with Gloo on CPUs.

#include "process_group.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <cstdlib>
#include <cstring>

using namespace ctorch;

namespace {

std::chrono::milliseconds milliseconds(double seconds) {
    return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

// The interface that GLOO_SOCKET_IFNAME names, the loopback where all processes are on this machine, else that of the host's
// own name, as in PyTorch.
std::shared_ptr<gloo::transport::Device> device_for(const std::string &host) {
    using Group = c10d::ProcessGroupGloo;
    if (const char *name = std::getenv("GLOO_SOCKET_IFNAME"); name && *name) return Group::createDeviceForInterface(name);
    if (host == "127.0.0.1" || host == "localhost" || host == "::1") return Group::createDeviceForHostname("127.0.0.1");
    return Group::createDefaultDevice();
}

}  // namespace

ct_error ct_store_open(const char *host, uint16_t port, bool serves, const char *prefix, double timeout, ct_store *out) {
    return guard("store", {}, [&] {
        c10d::TCPStoreOptions options;
        options.port = port;
        options.isServer = serves;
        options.waitWorkers = false;
        options.timeout = milliseconds(timeout);
        auto store = communicating([&] { return c10::make_intrusive<c10d::TCPStore>(host, options); });
        uint16_t bound = store->getPort();
        *out = new ct_store_s{c10::make_intrusive<c10d::PrefixStore>(prefix, store), bound};
    });
}

void ct_store_free(ct_store store) { delete store; }

uint16_t ct_store_port(ct_store store) { return store->port; }

ct_error ct_store_set(ct_store store, const char *key, const uint8_t *bytes, size_t count) {
    return guard("store.set", {}, [&] {
        communicating([&] { store->store->set(key, std::vector<uint8_t>(bytes, bytes + count)); });
    });
}

ct_error ct_store_add(ct_store store, const char *key, int64_t amount, int64_t *out) {
    return guard("store.add", {}, [&] { *out = communicating([&] { return store->store->add(key, amount); }); });
}

ct_error ct_store_get(ct_store store, const char *key, ct_tensor *out) {
    return guard("store.get", {}, [&] {
        if (!communicating([&] { return store->store->check({key}); })) {
            *out = nullptr;
            return;
        }
        std::vector<uint8_t> bytes = communicating([&] { return store->store->get(key); });
        at::Tensor copy = at::empty({static_cast<int64_t>(bytes.size())}, at::kByte);
        std::memcpy(copy.mutable_data_ptr(), bytes.data(), bytes.size());
        *out = wrap(copy);
    });
}

ct_error ct_process_group_make(ct_store store, const char *host, int rank, int size, double timeout, ct_process_group *out) {
    return guard("process_group", {}, [&] {
        auto options = c10d::ProcessGroupGloo::Options::create(milliseconds(timeout));
        options->devices.push_back(device_for(host));
        auto group = communicating(
            [&] { return c10::make_intrusive<c10d::ProcessGroupGloo>(store->store, rank, size, options); });
        *out = new ct_process_group_s{std::move(group), rank, size};
    });
}

void ct_process_group_free(ct_process_group group) { delete group; }

ct_error ct_all_reduce(ct_process_group group, ct_tensor tensor, ct_work *out) {
    return guard("all_reduce", {tensor}, [&] {
        std::vector<at::Tensor> tensors{tensor->value};
        *out = new ct_work_s{communicating([&] { return group->group->allreduce(tensors); })};
    });
}

ct_error ct_all_gather(ct_process_group group, ct_tensor own, ct_tensor *out) {
    return guard("all_gather", {own}, [&] {
        at::NoGradGuard no_grad;
        at::Tensor input = own->value.detach().contiguous();
        std::vector<int64_t> shape{group->size};
        for (int64_t size : input.sizes()) shape.push_back(size);
        at::Tensor all = at::empty(shape, input.options());
        std::vector<std::vector<at::Tensor>> outputs(1);
        for (int rank = 0; rank < group->size; ++rank) outputs[0].push_back(all.select(0, rank));
        std::vector<at::Tensor> inputs{input};
        communicating([&] { group->group->allgather(outputs, inputs)->wait(); });
        *out = wrap(all);
    });
}

ct_error ct_work_wait(ct_work work) {
    return guard("wait", {}, [&] { communicating([&] { work->work->wait(); }); });
}

void ct_work_free(ct_work work) { delete work; }
