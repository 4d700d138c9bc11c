// The parts of an encoder's captured graphs: shapes, the memory of one shape, a batch's numbers for them.
#pragma once

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <vector>

#include "composed_layer.h"
#include "graph_pool.h"

namespace ctorch {

// The shape that graphs are captured for.
struct Shape {
    int64_t tokens, examples, longest;
    bool types, training, dropout;
    auto operator<=>(const Shape &) const = default;

    // The examples that fill the batch up, none longer than its own.
    int64_t fillers() const { return std::max<int64_t>(1, (step(tokens) + longest - 1) / longest); }
    // Few shapes, with at most a 32nd more tokens.
    static int64_t step(int64_t tokens) {
        return std::max<int64_t>(64, static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(tokens))) / 32);
    }
};

// The offsets of a batch's numbers in a graph's input: int32 counts from the seed on.
struct Layout {
    explicit Layout(const Shape &s) {
        // Seed and offset, two numbers of 64 bits.
        ids = 4, positions = ids + s.tokens, types = positions + s.tokens, starts = types + (s.types ? s.tokens : 0);
        order = starts + s.examples + s.fillers() + 1, group_starts = order + (s.training ? s.tokens : 0);
        rows = group_starts + (s.training ? s.tokens + 1 : 0), count = rows + (s.training ? s.tokens : 0);
        size = count + 1;
    }
    int64_t ids, positions, types, starts, order, group_starts, rows, count, size;
};

// One shape's graphs, and the memory they read and write.
struct Entry {
    int64_t uses = 0;
    bool refused = false;
    at::Tensor numbers, padded_indices, output, gradient;
    EmbeddingPass embedding;
    std::vector<LayerPass> layers;
    cg_graph forward = nullptr, backward = nullptr;
};

// A batch as passed by the caller: on the host.
struct Batch {
    const int32_t *ids, *types;
    const int64_t *offsets;
    int64_t examples, tokens, longest;
    uint64_t seed, offset;
};

}  // namespace ctorch

struct ct_encoder_s {
    std::vector<at::Tensor> tables;                   // the embeddings' parameters
    std::vector<std::vector<at::Tensor>> parameters;  // each layer's
    std::vector<ct_layer_options> options;
    std::vector<std::shared_ptr<ct_composed_layer_s>> weights;
    int64_t padding, first_position;
    double epsilon, dropout;
    // Bodies are run again instead of captured: for tests on the CPU.
    bool emulated;
    std::map<ctorch::Shape, std::unique_ptr<ctorch::Entry>> entries;
    std::vector<at::Tensor> gradients;  // of all parameters, written by every backward graph
    std::shared_ptr<ctorch::GraphPool> shared;

    ~ct_encoder_s() {
        for (auto &[shape, entry] : entries) shared->release(entry->forward), shared->release(entry->backward);
    }

    std::vector<at::Tensor> all_parameters() const {
        std::vector<at::Tensor> all = tables;
        for (const auto &layer : parameters) all.insert(all.end(), layer.begin(), layer.end());
        return all;
    }
};

namespace ctorch {

// Allocates a shape's memory and the inputs of its forward and backward pass.
void prepare(const ct_encoder_s &encoder, Entry &entry, const Shape &shape);
// Copies a batch's numbers to the memory that the shape's graphs read.
void fill(const ct_encoder_s &encoder, Entry &entry, const Shape &shape, const Batch &batch);

}  // namespace ctorch
