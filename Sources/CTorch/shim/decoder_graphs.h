// A decoder's layers as captured CUDA graphs, one forward and one backward for each of a few shapes of batches: launching the
// kernels one by one takes the processor longer than a batch of some thousand tokens takes the device.
#pragma once

#include <algorithm>
#include <bit>
#include <map>
#include <memory>

#include "composed_decoder.h"
#include "graph_pool.h"

namespace ctorch {

// The shape that graphs are captured for. Batches are filled up by further texts, to which no gradient comes.
struct DecoderShape {
    int64_t tokens, texts, longest;
    bool training;
    auto operator<=>(const DecoderShape &) const = default;

    // At most a 16th more tokens than there are, and lengths in powers of two.
    static DecoderShape of(int64_t tokens, int64_t texts, int64_t longest, bool training) {
        auto whole = std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(64, longest)));
        return {(tokens + step(tokens) - 1) / step(tokens) * step(tokens), texts, static_cast<int64_t>(whole), training};
    }
    static int64_t step(int64_t tokens) {
        return std::max<int64_t>(64, static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(tokens))) / 16);
    }
    // The texts that fill the batch up, none longer than `longest`.
    int64_t fillers() const { return (step(tokens) + longest - 1) / longest; }
};

// One shape's graphs, and what they read besides the decoder's buffers.
struct DecoderEntry {
    int64_t uses = 0;
    bool refused = false;
    at::Tensor numbers;         // the position of each token, then where each text begins, and the number of tokens; int32
    at::Tensor padded_indices;  // where attention is computed padded: in tests
    DecoderPass pass;
    cg_graph forward = nullptr, backward = nullptr;
};

struct DecoderGraphs {
    // `emulated`: bodies are run again instead of captured: for tests on the CPU.
    explicit DecoderGraphs(bool emulated, const at::Device &device)
        : emulated(emulated), pool(emulated ? std::make_shared<GraphPool>() : graph_pool_of(device)) {}
    ~DecoderGraphs() {
        for (auto &[shape, entry] : entries) pool->release(entry->forward), pool->release(entry->backward);
    }
    DecoderGraphs(const DecoderGraphs &) = delete;

    bool emulated;
    std::shared_ptr<GraphPool> pool;
    std::map<DecoderShape, std::unique_ptr<DecoderEntry>> entries;
    // (most tokens, H) float32 that all shapes use, and the gradients of all parameters.
    at::Tensor input, output, gradient, input_gradient;
    std::vector<at::Tensor> gradients;
};

// The decoder's output for a batch by graphs; undefined if this batch has to be computed without: the first of its shape, a large
// one, one while a backward pass is still pending, or one whose gradients are added to others. `list` and `places` are the parameters that
// there are and their places in `all`.
at::Tensor run_by_graphs(const std::shared_ptr<ct_decoder_s> &decoder, const DecoderPass &batch, const at::Tensor &hidden,
                         const std::vector<at::Tensor> &all, const std::vector<at::Tensor> &list, const std::vector<int64_t> &places,
                         const int64_t *offsets);

}  // namespace ctorch
