#include "cuda_library.h"

#include "cuda_graphs_library.h"

#include "internal.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace ctorch {

namespace {

// The possible paths of a library: that of a variable, beside the program, or in `lib` beside the program's folder.
std::vector<std::string> candidates(const char *named, const char *file) {
    std::string file_name = file;
    if (named && *named) return {named};
    std::vector<std::string> paths;
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length > 0) {
        std::string program(path, static_cast<size_t>(length));
        std::string folder = program.substr(0, program.rfind('/'));
        paths = {folder + "/" + file_name, folder + "/../lib/" + file_name};
    }
    return paths;
}

struct Library {
    CudaKernels kernels{};
    std::string path;
    // Compiled for the processor, for tests there.
    bool loaded = false, emulated = false;

    Library() {
        const char *named = std::getenv("DISTILL_CUDA_KERNELS");
        if (named && std::strcmp(named, "libtorch") == 0) return;
        for (const std::string &candidate : candidates(named, "libdistill_cuda.so")) {
            void *handle = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
            if (!handle) {
                // A library that was requested by name must not be skipped silently.
                TORCH_CHECK(!(named && *named), "DISTILL_CUDA_KERNELS: cannot load '", candidate, "': ", dlerror());
                continue;
            }
            load(handle, candidate);
            return;
        }
    }

    void load(void *handle, const std::string &candidate) {
        auto find = [&](auto &function, const char *name) {
            function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(handle, name));
            TORCH_CHECK(function, candidate, " has no function ", name, "; build it again with scripts/cuda.sh");
        };
        decltype(&::ck_abi_version) version = nullptr;
        find(version, "ck_abi_version");
        TORCH_CHECK(version() == CK_ABI_VERSION, candidate, " is of another version (", version(), ", wanted ", CK_ABI_VERSION,
                    "); build it again with scripts/cuda.sh");
        find(kernels.error_text, "ck_error_text");
        find(kernels.partial_blocks, "ck_partial_blocks");
        find(kernels.residual_norm_forward, "ck_residual_norm_forward");
        find(kernels.residual_norm_backward, "ck_residual_norm_backward");
        find(kernels.column_sums, "ck_column_sums");
        find(kernels.activation_backward, "ck_activation_backward");
        find(kernels.embeddings_forward, "ck_embeddings_forward");
        find(kernels.rows_gradient, "ck_rows_gradient");
        find(kernels.position_gradient, "ck_position_gradient");
        find(kernels.rms_forward, "ck_rms_forward");
        find(kernels.rms_backward, "ck_rms_backward");
        find(kernels.rotate, "ck_rotate");
        find(kernels.gated_forward, "ck_gated_forward");
        find(kernels.gated_backward, "ck_gated_backward");
        find(kernels.vocabulary_loss, "ck_vocabulary_loss");
        emulated = dlsym(handle, "ck_emulated") != nullptr;
        path = candidate;
        loaded = true;
    }
};

const Library &library() {
    static const Library *const loaded = new Library;
    return *loaded;
}

}  // namespace

const CudaKernels *cuda_kernels(const at::Tensor &tensor) {
    static const bool named = std::getenv("DISTILL_CUDA_KERNELS") != nullptr;
    if (!tensor.is_cuda() && !named) return nullptr;
    const Library &all = library();
    bool fits = tensor.dim() == 0 || tensor.size(-1) <= CK_LARGEST_WIDTH;
    return all.loaded && fits && all.emulated == tensor.is_cpu() && (tensor.is_cpu() || is_ampere()) ? &all.kernels : nullptr;
}

const char *cuda_kernels_path() {
    try {
        return library().path.c_str();
    } catch (...) {
        // The first use of a kernel reports the reason.
        return "";
    }
}

void *cuda_stream(const at::Tensor &tensor) {
    if (tensor.is_cpu()) return nullptr;
    c10::impl::VirtualGuardImpl guard(tensor.device().type());
    return guard.getStream(tensor.device()).native_handle();
}

void check_cuda(const CudaKernels &kernels, int code, const char *name) {
    TORCH_CHECK(code == 0, name, ": ", kernels.error_text(code));
}

namespace {

CudaGraphs find_graphs() {
    CudaGraphs graphs{};
    const char *wanted = std::getenv("DISTILL_CUDA_GRAPHS");
    if (wanted && std::strcmp(wanted, "0") == 0) return graphs;
    for (const std::string &candidate : candidates(nullptr, "libdistill_cuda_graphs.so")) {
        void *handle = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!handle) continue;
        auto abi = reinterpret_cast<decltype(&::cg_abi_version)>(dlsym(handle, "cg_abi_version"));
        auto version = reinterpret_cast<decltype(&::cg_torch_version)>(dlsym(handle, "cg_torch_version"));
        if (!abi || !version || abi() != CG_ABI_VERSION || std::strcmp(version(), ct_version()) != 0) continue;
        graphs.new_pool = reinterpret_cast<decltype(graphs.new_pool)>(dlsym(handle, "cg_new_pool"));
        graphs.capture = reinterpret_cast<decltype(graphs.capture)>(dlsym(handle, "cg_capture"));
        graphs.replay = reinterpret_cast<decltype(graphs.replay)>(dlsym(handle, "cg_replay"));
        graphs.free = reinterpret_cast<decltype(graphs.free)>(dlsym(handle, "cg_free"));
        break;
    }
    return graphs;
}

}  // namespace

const CudaGraphs *cuda_graphs() {
    static const CudaGraphs found = find_graphs();
    return found.new_pool && found.capture && found.replay && found.free ? &found : nullptr;
}

}  // namespace ctorch

const char *ct_cuda_kernels_path(void) { return ctorch::cuda_kernels_path(); }
