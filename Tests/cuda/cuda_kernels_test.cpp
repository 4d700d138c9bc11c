// Tests of the CUDA kernels' logic on the processor (emulation.h), against formulas in double. Run by
// `scripts/cuda.sh --emulate`; ends with a line `N passed, N failed`.
//
// Every case runs twice, with threads and thread blocks in order and shuffled, and must give the same bits.

#include "cuda/cuda_kernels.h"
#include "emulation.h"

#include <functional>
#include <random>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

using Values = std::vector<double>;

int passed = 0, failed = 0;
std::string problem;

// Keeps the first thing that went wrong in a case.
void wrong(const std::string &what) {
    if (problem.empty()) problem = what;
}

std::string text(const char *format, auto... values) {
    char buffer[256];
    snprintf(buffer, sizeof buffer, format, values...);
    return buffer;
}

double from_bfloat16(uint16_t bits) { return static_cast<double>(__uint_as_float(static_cast<uint32_t>(bits) << 16)); }

// Elements of a type, filled with NaN, in memory of their own that ends at a page nobody may touch. What lies between
// them and that page, and before them, must stay as it was. `aligned`: whether to 16 bytes.
class Buffer {
public:
    Buffer(int type, size_t count, bool aligned) : type_(type), count_(count) {
        size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), bytes = count * size();
        mapped_ = (bytes + 256 + page - 1) / page * page;
        memory_ = static_cast<unsigned char *>(
            mmap(nullptr, mapped_ + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (memory_ == MAP_FAILED || mprotect(memory_ + mapped_, page, PROT_NONE) != 0) abort();
        start_ = (mapped_ - bytes) / 16 * 16;
        if (!aligned) {
            size_t last = (mapped_ - bytes) / size() * size();
            start_ = last % 16 ? last : last - size();
        }
        memset(memory_, 0xff, mapped_);
    }
    Buffer(int type, const Values &values, bool aligned) : Buffer(type, values.size(), aligned) {
        for (size_t i = 0; i < values.size(); ++i) set(i, values[i]);
    }
    Buffer(Buffer &&other) noexcept
        : type_(other.type_), count_(other.count_), memory_(other.memory_), mapped_(other.mapped_), start_(other.start_) {
        other.memory_ = nullptr;
    }
    ~Buffer() {
        if (memory_) munmap(memory_, mapped_ + static_cast<size_t>(sysconf(_SC_PAGESIZE)));
    }
    size_t size() const { return type_ == CK_BFLOAT16 ? 2 : 4; }
    size_t count() const { return count_; }
    void *data() { return memory_ + start_; }
    float *floats() { return reinterpret_cast<float *>(data()); }
    void set(size_t i, double value) {
        auto single = static_cast<float>(value);
        if (type_ == CK_BFLOAT16)
            reinterpret_cast<uint16_t *>(data())[i] = emulated_bfloat16(single);
        else
            floats()[i] = single;
    }
    double get(size_t i) { return type_ == CK_BFLOAT16 ? from_bfloat16(reinterpret_cast<uint16_t *>(data())[i]) : static_cast<double>(floats()[i]); }
    Values values() {
        Values all(count_);
        for (size_t i = 0; i < count_; ++i) all[i] = get(i);
        return all;
    }
    std::vector<unsigned char> bytes() {
        return {memory_ + start_, memory_ + start_ + count_ * size()};
    }
    // Fills with NaN again.
    void reset() { memset(memory_, 0xff, mapped_); }
    bool intact() const {
        for (size_t i = 0; i < mapped_; ++i)
            if ((i < start_ || i >= start_ + count_ * size()) && memory_[i] != 0xff) return false;
        return true;
    }
    // Within `relative` of the expected values, plus half a unit in bfloat16's last place, plus `absolute`.
    void expect(const char *name, const Values &expected, double absolute, double relative = 2e-6) {
        if (expected.size() != count_) return wrong(text("%s: sizes differ", name));
        if (type_ == CK_BFLOAT16) relative += 1.0 / 256;
        for (size_t i = 0; i < count_; ++i) {
            double value = get(i), allowed = absolute + relative * std::fabs(expected[i]);
            if (!(std::fabs(value - expected[i]) <= allowed))
                return wrong(text("%s[%zu] is %.9g, expected %.9g", name, i, value, expected[i]));
        }
    }

private:
    int type_;
    size_t count_;
    unsigned char *memory_ = nullptr;
    size_t mapped_ = 0, start_ = 0;
};

// Runs a call in two orders of threads. The outputs must agree, nothing else may be written, and then `check` looks at
// them. Outputs that are inputs too are not among `outputs`.
void run_case(const std::string &name, std::vector<Buffer *> outputs, const std::function<int()> &call,
              const std::function<void()> &check) {
    problem.clear();
    std::vector<std::vector<unsigned char>> first;
    for (uint32_t order : {0u, 12345u}) {
        emulation::machine().order = order;
        for (Buffer *output : outputs) output->reset();
        int error = call();
        if (error != 0) wrong(text("error %d: %s", error, ck_error_text(error)));
        for (size_t i = 0; i < outputs.size(); ++i) {
            if (!outputs[i]->intact()) wrong(text("output %zu: memory beside it was written", i));
            if (order == 0)
                first.push_back(outputs[i]->bytes());
            else if (first[i] != outputs[i]->bytes())
                wrong(text("output %zu depends on the order of threads", i));
        }
    }
    emulation::machine().order = 0;
    check();
    problem.empty() ? ++passed : ++failed;
    printf("%s %s%s%s\n", problem.empty() ? "PASS" : "FAIL", name.c_str(), problem.empty() ? "" : ": ", problem.c_str());
}

std::mt19937 generator(7);

Values random_values(size_t count, double mean = 0, double deviation = 1) {
    std::normal_distribution<double> normal(mean, deviation);
    Values values(count);
    for (double &value : values) value = normal(generator);
    return values;
}

// ---- Formulas ----

// Philox4x32-10 as its paper has it.
void philox(uint32_t counter[4], uint32_t key0, uint32_t key1) {
    for (int round = 0; round < 10; ++round) {
        uint64_t left = uint64_t{counter[0]} * 0xD2511F53u, right = uint64_t{counter[2]} * 0xCD9E8D57u;
        uint32_t next[4] = {static_cast<uint32_t>(right >> 32) ^ counter[1] ^ key0, static_cast<uint32_t>(right),
                            static_cast<uint32_t>(left >> 32) ^ counter[3] ^ key1, static_cast<uint32_t>(left)};
        memcpy(counter, next, sizeof next);
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

Values factors(size_t rows, size_t width, const ck_mask &mask) {
    Values all(rows * width, 1.0);
    if (mask.threshold == 0) return all;
    for (size_t row = 0; row < rows; ++row)
        for (size_t column = 0; column < width; ++column) {
            uint64_t block = row * ((width + 7) / 8) + column / 8;
            uint32_t counter[4] = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                                   static_cast<uint32_t>(mask.offset), static_cast<uint32_t>(mask.offset >> 32)};
            philox(counter, static_cast<uint32_t>(mask.seed), static_cast<uint32_t>(mask.seed >> 32));
            uint32_t draw = counter[column % 8 / 2] >> (column % 2 * 16) & 0xffffu;
            all[row * width + column] = draw >= mask.threshold ? static_cast<double>(mask.scale) : 0.0;
        }
    return all;
}

struct Normalized {
    Values normalized, deviation;
};

Normalized normalize(const Values &z, size_t rows, size_t width, double epsilon) {
    Normalized result{Values(z.size()), Values(rows)};
    for (size_t row = 0; row < rows; ++row) {
        const double *from = &z[row * width];
        double mean = 0, variance = 0;
        for (size_t c = 0; c < width; ++c) mean += from[c] / static_cast<double>(width);
        for (size_t c = 0; c < width; ++c) variance += (from[c] - mean) * (from[c] - mean) / static_cast<double>(width);
        result.deviation[row] = 1 / std::sqrt(variance + epsilon);
        for (size_t c = 0; c < width; ++c)
            result.normalized[row * width + c] = (from[c] - mean) * result.deviation[row];
    }
    return result;
}

double activation(int kind, double u) {
    switch (kind) {
        case CK_GELU: return u * 0.5 * std::erfc(-u / std::sqrt(2.0));
        case CK_GELU_TANH: return 0.5 * u * (1 + std::tanh(std::sqrt(2 / M_PI) * (u + 0.044715 * u * u * u)));
        case CK_RELU: return u > 0 ? u : 0;
        default: return u / (1 + std::exp(-u));
    }
}

// By central differences: no second set of formulas to get wrong.
double slope(int kind, double u) {
    double step = 1e-5;
    if (kind == CK_RELU) return u > 0 ? 1 : 0;
    return (activation(kind, u + step) - activation(kind, u - step)) / (2 * step);
}

// ---- Cases ----

ck_mask mask_of(bool on) {
    if (!on) return {1, 2, 0, 7.0f, nullptr};
    return {0x123456789abcdef0u, 0xfedcba9876543210u, 6554, 65536.0f / (65536 - 6554), nullptr};
}

const char *name_of(int type) { return type == CK_BFLOAT16 ? "bfloat16" : "float32"; }

struct Case {
    int type;
    size_t rows, width;
    bool dropout, aligned;
    // Bit i: whether optional argument i is given.
    unsigned given = ~0u;
    int64_t blocks = 0;
    double mean = 0.5;

    std::string name(const char *function) const {
        std::string all = text("%s %s %zux%zu", function, name_of(type), rows, width);
        if (dropout) all += " dropout";
        if (!aligned) all += " unaligned";
        if (given != ~0u) all += text(" arguments %x", given);
        if (blocks) all += text(" blocks %d", static_cast<int>(blocks));
        if (mean != 0.5) all += text(" mean %g", mean);
        return all;
    }
    bool has(unsigned bit) const { return given >> bit & 1u; }
    size_t count() const { return rows * width; }
};

void test_forward(const Case &c) {
    int64_t rows = static_cast<int64_t>(c.rows), width = static_cast<int64_t>(c.width);
    ck_mask mask = mask_of(c.dropout);
    Buffer y(c.type, random_values(c.count()), c.aligned), residual(CK_FLOAT32, random_values(c.count(), c.mean), c.aligned);
    Buffer gamma(CK_FLOAT32, random_values(c.width, 1, 0.3), c.aligned), beta(CK_FLOAT32, random_values(c.width), c.aligned);
    Buffer out(CK_FLOAT32, c.count(), c.aligned), typed(c.type, c.count(), c.aligned);
    Buffer normalized(c.type, c.count(), c.aligned), deviation(CK_FLOAT32, c.rows, c.aligned);
    run_case(
        c.name("residual_norm_forward"), {&out, &typed, &normalized, &deviation},
        [&] {
            return ck_residual_norm_forward(nullptr, c.type, rows, width, y.data(), c.has(0) ? residual.floats() : nullptr,
                                            gamma.floats(), beta.floats(), 1e-5f, mask, c.has(1) ? out.floats() : nullptr,
                                            c.has(2) ? typed.data() : nullptr, c.has(3) ? normalized.data() : nullptr,
                                            c.has(4) ? deviation.floats() : nullptr);
        },
        [&] {
            Values z = y.values(), kept = factors(c.rows, c.width, mask);
            for (size_t i = 0; i < z.size(); ++i) z[i] = z[i] * kept[i] + (c.has(0) ? residual.get(i) : 0.0);
            Normalized expected = normalize(z, c.rows, c.width, 1e-5);
            Values result(z.size());
            for (size_t i = 0; i < z.size(); ++i)
                result[i] = gamma.get(i % c.width) * expected.normalized[i] + beta.get(i % c.width);
            double scale = std::max(1.0, std::fabs(c.mean));
            if (c.has(1)) out.expect("out", result, 4e-6 * scale);
            if (c.has(2)) typed.expect("out_typed", result, 4e-6 * scale);
            if (c.has(3)) normalized.expect("normalized", expected.normalized, 4e-6 * scale);
            if (c.has(4)) deviation.expect("deviation", expected.deviation, 0, 4e-6 * scale);
        });
}

void test_backward(const Case &c, bool after) {
    int64_t rows = static_cast<int64_t>(c.rows), width = static_cast<int64_t>(c.width);
    int64_t blocks = c.blocks ? c.blocks : ck_partial_blocks(rows);
    ck_mask mask = mask_of(c.dropout);
    Normalized normal = normalize(random_values(c.count()), c.rows, c.width, 1e-5);
    for (double &value : normal.deviation) value *= 1.5;
    Buffer gradient(CK_FLOAT32, random_values(c.count(), 0.2), c.aligned), more(c.type, random_values(c.count()), c.aligned);
    Buffer normalized(c.type, normal.normalized, c.aligned), deviation(CK_FLOAT32, normal.deviation, c.aligned);
    Buffer gamma(CK_FLOAT32, random_values(c.width, 1, 0.3), c.aligned);
    Buffer residual(CK_FLOAT32, c.count(), c.aligned), y(c.type, c.count(), c.aligned);
    Buffer partials(CK_FLOAT32, static_cast<size_t>(blocks) * 3 * c.width, c.aligned);
    run_case(
        c.name("residual_norm_backward") + (after ? " mask after norm" : ""), {&residual, &y, &partials},
        [&] {
            return ck_residual_norm_backward(nullptr, c.type, rows, width, c.has(0) ? gradient.floats() : nullptr,
                                             c.has(1) ? more.data() : nullptr, normalized.data(), deviation.floats(),
                                             gamma.floats(), mask, after, c.has(2) ? residual.floats() : nullptr,
                                             c.has(3) ? y.data() : nullptr, c.has(4) ? partials.floats() : nullptr, blocks);
        },
        [&] {
            Values kept = factors(c.rows, c.width, mask), g(c.count()), z(c.count()), to_y(c.count());
            double size = static_cast<double>(c.width);
            for (size_t row = 0; row < c.rows; ++row) {
                double mean = 0, mean_product = 0;
                for (size_t i = row * c.width; i < (row + 1) * c.width; ++i) {
                    g[i] = (c.has(0) ? gradient.get(i) : 0.0) + (c.has(1) ? more.get(i) : 0.0);
                    if (after) g[i] *= kept[i];
                    mean += g[i] * gamma.get(i % c.width) / size;
                    mean_product += g[i] * gamma.get(i % c.width) * normalized.get(i) / size;
                }
                for (size_t i = row * c.width; i < (row + 1) * c.width; ++i) {
                    z[i] = deviation.get(row) * (g[i] * gamma.get(i % c.width) - mean - normalized.get(i) * mean_product);
                    to_y[i] = after ? z[i] : z[i] * kept[i];
                }
            }
            if (c.has(2)) residual.expect("gradient_residual", z, 1e-5);
            if (c.has(3)) y.expect("gradient_y", to_y, 1e-5);
            if (!c.has(4)) return;
            // Block by block: rows go to groups of threads in turn, four groups a block up to 1024 columns.
            size_t groups = c.width <= 1024 ? 4 : 1;
            Values sums(partials.count());
            for (size_t i = 0; i < c.count(); ++i) {
                size_t column = i % c.width, block = i / c.width / groups % static_cast<size_t>(blocks);
                double *to = &sums[block * 3 * c.width + column];
                to[0] += g[i] * normalized.get(i);
                to[c.width] += g[i];
                to[2 * c.width] += to_y[i];
            }
            partials.expect("partials", sums, 4e-5, 1e-5);
        });
}

void test_embeddings(const Case &c) {
    int64_t rows = static_cast<int64_t>(c.rows), width = static_cast<int64_t>(c.width);
    ck_mask mask = mask_of(c.dropout);
    std::vector<int32_t> ids(c.rows), positions(c.rows), types(c.rows);
    for (size_t row = 0; row < c.rows; ++row) {
        ids[row] = static_cast<int32_t>(generator() % 11);
        positions[row] = static_cast<int32_t>(generator() % 9);
        types[row] = static_cast<int32_t>(generator() % 2);
    }
    Buffer word(CK_FLOAT32, random_values(11 * c.width), c.aligned), position(CK_FLOAT32, random_values(9 * c.width), c.aligned);
    Buffer token_type(CK_FLOAT32, random_values(2 * c.width), c.aligned);
    Buffer gamma(CK_FLOAT32, random_values(c.width, 1, 0.3), c.aligned), beta(CK_FLOAT32, random_values(c.width), c.aligned);
    Buffer out(CK_FLOAT32, c.count(), c.aligned), typed(c.type, c.count(), c.aligned);
    Buffer normalized(c.type, c.count(), c.aligned), deviation(CK_FLOAT32, c.rows, c.aligned);
    run_case(
        c.name("embeddings_forward"), {&out, &typed, &normalized, &deviation},
        [&] {
            return ck_embeddings_forward(nullptr, c.type, rows, width, ids.data(), positions.data(),
                                         c.has(0) ? types.data() : nullptr, word.floats(), position.floats(),
                                         token_type.floats(), gamma.floats(), beta.floats(), 1e-12f, mask,
                                         c.has(1) ? out.floats() : nullptr, c.has(2) ? typed.data() : nullptr,
                                         c.has(3) ? normalized.data() : nullptr, c.has(4) ? deviation.floats() : nullptr);
        },
        [&] {
            Values z(c.count()), kept = factors(c.rows, c.width, mask), result(c.count());
            for (size_t i = 0; i < z.size(); ++i) {
                size_t row = i / c.width, column = i % c.width;
                auto at = [&](int32_t id) { return static_cast<size_t>(id) * c.width + column; };
                z[i] = word.get(at(ids[row])) + token_type.get(at(c.has(0) ? types[row] : 0)) + position.get(at(positions[row]));
            }
            Normalized expected = normalize(z, c.rows, c.width, 1e-12);
            for (size_t i = 0; i < z.size(); ++i)
                result[i] = kept[i] * (gamma.get(i % c.width) * expected.normalized[i] + beta.get(i % c.width));
            if (c.has(1)) out.expect("out", result, 4e-6);
            if (c.has(2)) typed.expect("out_typed", result, 4e-6);
            if (c.has(3)) normalized.expect("normalized", expected.normalized, 4e-6);
            if (c.has(4)) deviation.expect("deviation", expected.deviation, 0, 4e-6);
        });
}

void test_activation(const Case &c, int kind) {
    int64_t rows = static_cast<int64_t>(c.rows), width = static_cast<int64_t>(c.width);
    int64_t blocks = c.blocks ? c.blocks : ck_partial_blocks(rows);
    Values inputs = random_values(c.count(), 0, 2.5);
    if (c.count() > 4) inputs[0] = 30, inputs[1] = -30, inputs[2] = 100, inputs[3] = -100, inputs[4] = -6;
    Buffer u(c.type, inputs, c.aligned), gradient(c.type, random_values(c.count()), c.aligned);
    Buffer forward(c.type, c.count(), c.aligned), to_u(c.type, c.count(), c.aligned), again(c.type, c.count(), c.aligned);
    Buffer partials(CK_FLOAT32, static_cast<size_t>(blocks) * c.width, c.aligned);
    run_case(
        c.name("activation") + text(" kind %d", kind), {&forward, &to_u, &again, &partials},
        [&] {
            int error = ck_activation_forward(nullptr, c.type, kind, rows * width, u.data(), forward.data());
            if (error) return error;
            return ck_activation_backward(nullptr, c.type, kind, rows, width, u.data(), gradient.data(), to_u.data(),
                                          c.has(0) ? again.data() : nullptr, c.has(1) ? partials.floats() : nullptr, blocks);
        },
        [&] {
            Values result(c.count()), back(c.count()), sums(partials.count());
            for (size_t i = 0; i < c.count(); ++i) {
                result[i] = activation(kind, u.get(i));
                back[i] = gradient.get(i) * slope(kind, u.get(i));
                size_t block = i / c.width / 8 % static_cast<size_t>(blocks);
                sums[block * c.width + i % c.width] += back[i];
            }
            forward.expect("out", result, 1e-6);
            to_u.expect("gradient_u", back, 2e-6);
            if (c.has(0)) again.expect("out again", result, 1e-6);
            if (c.has(1)) partials.expect("partials", sums, 2e-5, 1e-5);
        });
}

void test_column_sums(int64_t blocks, int64_t columns, bool aligned) {
    Buffer partials(CK_FLOAT32, random_values(static_cast<size_t>(blocks * columns)), aligned);
    Buffer out(CK_FLOAT32, static_cast<size_t>(columns), aligned);
    run_case(
        text("column_sums %dx%d", static_cast<int>(blocks), static_cast<int>(columns)), {&out},
        [&] { return ck_column_sums(nullptr, partials.floats(), blocks, columns, out.floats()); },
        [&] {
            Values sums(static_cast<size_t>(columns));
            for (size_t i = 0; i < partials.count(); ++i) sums[i % sums.size()] += partials.get(i);
            out.expect("sums", sums, 2e-5);
        });
}

void test_mask(size_t rows, size_t width, bool dropout) {
    Buffer out(CK_FLOAT32, rows * width, true);
    ck_mask mask = mask_of(dropout);
    run_case(
        text("mask_factors %zux%zu%s", rows, width, dropout ? " dropout" : ""), {&out},
        [&] { return ck_mask_factors(nullptr, static_cast<int64_t>(rows), static_cast<int64_t>(width), mask, out.floats()); },
        [&] {
            // Known answers of the Random123 library for counters and keys of zeros and of ones.
            uint32_t zeros[4] = {}, ones[4] = {~0u, ~0u, ~0u, ~0u};
            philox(zeros, 0, 0);
            philox(ones, ~0u, ~0u);
            uint32_t of_zeros[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
            uint32_t of_ones[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
            if (memcmp(zeros, of_zeros, 16) || memcmp(ones, of_ones, 16)) wrong("the test's Philox is wrong");
            out.expect("factors", factors(rows, width, mask), 0, 0);
        });
}

// A mask whose state lies in memory: the same bits as with the same numbers by value, in every kernel with a mask.
void test_state(int type, size_t rows, size_t width, bool aligned) {
    int64_t r = static_cast<int64_t>(rows), w = static_cast<int64_t>(width);
    size_t count = rows * width;
    // The offsets' sum does not fit 64 bits.
    uint64_t state[2] = {0x0f1e2d3c4b5a6978u, 0x8000000000000123u};
    ck_mask pointed = mask_of(true);
    pointed.state = state;
    ck_mask plain = {state[0], pointed.offset + state[1], pointed.threshold, pointed.scale, nullptr};
    Buffer y(type, random_values(count), aligned), residual(CK_FLOAT32, random_values(count), aligned);
    Buffer gamma(CK_FLOAT32, random_values(width), aligned), beta(CK_FLOAT32, random_values(width), aligned);
    Buffer table(CK_FLOAT32, random_values(width), aligned), deviation_in(CK_FLOAT32, Values(rows, 0.7), aligned);
    std::vector<int32_t> zeros(rows);
    std::vector<Buffer> outputs;
    std::vector<Buffer *> pointers;
    outputs.reserve(11);
    auto output = [&](int of_type, size_t size) { outputs.emplace_back(of_type, size, aligned); };
    output(CK_FLOAT32, count), output(type, count), output(type, count), output(CK_FLOAT32, rows);
    for (int i = 0; i < 2; ++i) output(CK_FLOAT32, count), output(type, count), output(CK_FLOAT32, 2 * 3 * width);
    output(CK_FLOAT32, count);
    for (Buffer &each : outputs) pointers.push_back(&each);
    auto run = [&](const ck_mask &mask) {
        int error = ck_residual_norm_forward(nullptr, type, r, w, y.data(), residual.floats(), gamma.floats(), beta.floats(),
                                             1e-5f, mask, outputs[0].floats(), nullptr, outputs[1].data(), nullptr);
        error |= ck_embeddings_forward(nullptr, type, r, w, zeros.data(), zeros.data(), nullptr, table.floats(), table.floats(),
                                       table.floats(), gamma.floats(), beta.floats(), 1e-5f, mask, nullptr, outputs[2].data(),
                                       nullptr, outputs[3].floats());
        for (size_t after : {0, 1})
            error |= ck_residual_norm_backward(nullptr, type, r, w, residual.floats(), nullptr, y.data(), deviation_in.floats(),
                                               gamma.floats(), mask, static_cast<int>(after), outputs[4 + 3 * after].floats(),
                                               outputs[5 + 3 * after].data(), outputs[6 + 3 * after].floats(), 2);
        return error | ck_mask_factors(nullptr, r, w, mask, outputs[10].floats());
    };
    run_case(
        text("mask's state %s %zux%zu%s", name_of(type), rows, width, aligned ? "" : " unaligned"), pointers,
        [&] { return run(pointed); },
        [&] {
            std::vector<std::vector<unsigned char>> with_state;
            for (Buffer &each : outputs) with_state.push_back(each.bytes());
            outputs[10].expect("factors", factors(rows, width, plain), 0, 0);
            for (Buffer &each : outputs) each.reset();
            if (run(plain)) wrong("an error without state");
            for (size_t i = 0; i < outputs.size(); ++i)
                if (outputs[i].bytes() != with_state[i]) wrong(text("output %zu differs from that by value", i));
            // No dropout: the state is not looked at.
            ck_mask off = mask_of(false);
            off.state = reinterpret_cast<const uint64_t *>(16);
            if (run(off)) wrong("an error without dropout");
            outputs[10].expect("factors without dropout", Values(count, 1.0), 0, 0);
        });
}

// 32-bit numbers that end at a page nobody may touch, as nothing beyond them may be read.
Buffer numbers(const std::vector<int32_t> &values) {
    Buffer all(CK_FLOAT32, values.size(), false);
    if (!values.empty()) memcpy(all.data(), values.data(), values.size() * sizeof(int32_t));
    return all;
}
const int32_t *integers(Buffer &buffer) { return static_cast<const int32_t *>(buffer.data()); }

// `sizes`: the groups' tokens. The sums are those of a loop in float32, to the bit.
void test_rows_gradient(size_t width, const std::vector<size_t> &sizes, size_t extra, bool aligned) {
    std::vector<int32_t> order, starts{0}, rows;
    size_t tokens = 0;
    for (size_t size : sizes) tokens += size;
    for (size_t token = 0; token < tokens; ++token) order.push_back(static_cast<int32_t>(token));
    std::shuffle(order.begin(), order.end(), generator);
    size_t table = 2 * sizes.size() + 1;
    for (size_t row = 0; row < table; ++row) rows.push_back(static_cast<int32_t>(row));
    std::shuffle(rows.begin(), rows.end(), generator);
    rows.resize(sizes.size());
    for (size_t size : sizes) starts.push_back(starts.back() + static_cast<int32_t>(size));
    Buffer gradient(CK_FLOAT32, random_values(tokens * width), aligned), out(CK_FLOAT32, table * width, aligned);
    Buffer in_order = numbers(order), at = numbers(starts), of_row = numbers(rows);
    Buffer count = numbers({static_cast<int32_t>(sizes.size())});
    run_case(
        text("rows_gradient width %zu, %zu groups of %zu tokens%s%s", width, sizes.size(), tokens, extra ? ", more blocks" : "",
             aligned ? "" : " unaligned"),
        {&out},
        [&] {
            memset(out.data(), 0, out.count() * 4);
            return ck_rows_gradient(nullptr, static_cast<int64_t>(width), gradient.floats(), integers(in_order), integers(at),
                                    integers(of_row), integers(count), static_cast<int64_t>(sizes.size() + extra), out.floats());
        },
        [&] {
            std::vector<float> sums(table * width);
            for (size_t group = 0; group < sizes.size(); ++group)
                for (auto i = static_cast<size_t>(starts[group]); i < static_cast<size_t>(starts[group + 1]); ++i)
                    for (size_t c = 0; c < width; ++c)
                        sums[static_cast<size_t>(rows[group]) * width + c] +=
                            gradient.floats()[static_cast<size_t>(order[i]) * width + c];
            out.expect("out", Values(sums.begin(), sums.end()), 0, 0);
        });
}

// `lengths`: the sequences' tokens; those beyond the table's end are left out.
void test_position_gradient(size_t width, const std::vector<size_t> &lengths, size_t first_row, size_t table, bool aligned) {
    std::vector<int32_t> starts{0};
    for (size_t length : lengths) starts.push_back(starts.back() + static_cast<int32_t>(length));
    auto tokens = static_cast<size_t>(starts.back());
    Buffer gradient(CK_FLOAT32, random_values(tokens * width), aligned), out(CK_FLOAT32, table * width, aligned);
    Buffer at = numbers(starts);
    run_case(
        text("position_gradient width %zu, %zu sequences of %zu tokens, rows %zu to %zu%s", width, lengths.size(), tokens,
             first_row, table, aligned ? "" : " unaligned"),
        {&out},
        [&] {
            return ck_position_gradient(nullptr, static_cast<int64_t>(width), gradient.floats(), integers(at),
                                        static_cast<int64_t>(lengths.size()), static_cast<int64_t>(first_row),
                                        static_cast<int64_t>(table), out.floats());
        },
        [&] {
            std::vector<float> sums(table * width);
            for (size_t b = 0; b < lengths.size(); ++b)
                for (size_t p = 0; p < lengths[b] && first_row + p < table; ++p)
                    for (size_t c = 0; c < width; ++c)
                        sums[(first_row + p) * width + c] += gradient.floats()[(static_cast<size_t>(starts[b]) + p) * width + c];
            out.expect("out", Values(sums.begin(), sums.end()), 0, 0);
        });
}

void test_tables(size_t width, bool aligned) {
    std::vector<size_t> sizes{1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 100};
    test_rows_gradient(width, sizes, 0, aligned);
    test_rows_gradient(width, {600, 1, 1, 2, 0, 3, 250}, 5, aligned);
    test_rows_gradient(width, {}, 3, aligned);
    test_rows_gradient(width, {}, 0, aligned);
    test_position_gradient(width, {5, 0, 3, 40, 1, 0, 17}, 0, 41, aligned);
    test_position_gradient(width, {5, 0, 3, 40, 1, 0, 17}, 2, 30, aligned);
    test_position_gradient(width, {0, 0}, 1, 3, aligned);
    test_position_gradient(width, {}, 1, 3, aligned);
    // More sequences than a thread block looks at in a turn, whatever the width.
    std::vector<size_t> many;
    for (size_t b = 0; b < 600; ++b) many.push_back(generator() % 4);
    test_position_gradient(width, many, 1, 5, aligned);
}

// Outputs over inputs, as cuda_kernels.h allows: the same bits as apart.
void test_in_place(int type, size_t rows, size_t width) {
    int64_t r = static_cast<int64_t>(rows), w = static_cast<int64_t>(width);
    size_t count = rows * width;
    ck_mask mask = mask_of(true);
    Values some = random_values(count), others = random_values(count);
    Buffer gamma(CK_FLOAT32, random_values(width), true), beta(CK_FLOAT32, random_values(width), true);
    Buffer deviation(CK_FLOAT32, Values(rows, 0.7), true);
    Buffer out(CK_FLOAT32, count, true), typed(type, count, true);
    auto same = [](const char *what, Buffer &one, Buffer &two) {
        if (one.bytes() != two.bytes()) wrong(text("%s differs in place", what));
    };
    run_case(
        text("in place %s %zux%zu", name_of(type), rows, width), {},
        [&] {
            int error = 0;
            {
                Buffer y(type, some, true), residual(CK_FLOAT32, others, true);
                error |= ck_residual_norm_forward(nullptr, type, r, w, y.data(), residual.floats(), gamma.floats(), beta.floats(),
                                                  1e-5f, mask, out.floats(), typed.data(), nullptr, nullptr);
                error |= ck_residual_norm_forward(nullptr, type, r, w, y.data(), residual.floats(), gamma.floats(), beta.floats(),
                                                  1e-5f, mask, residual.floats(), y.data(), nullptr, nullptr);
                same("out", out, residual);
                same("out_typed", typed, y);
            }
            {
                Buffer gradient(CK_FLOAT32, some, true), more(type, others, true), normalized(type, some, true);
                error |= ck_residual_norm_backward(nullptr, type, r, w, gradient.floats(), more.data(), normalized.data(),
                                                   deviation.floats(), gamma.floats(), mask, 0, out.floats(), typed.data(), nullptr, 2);
                error |= ck_residual_norm_backward(nullptr, type, r, w, gradient.floats(), more.data(), normalized.data(),
                                                   deviation.floats(), gamma.floats(), mask, 0, gradient.floats(), more.data(), nullptr, 2);
                same("gradient_residual", out, gradient);
                same("gradient_y", typed, more);
            }
            {
                Buffer u(type, some, true), gradient(type, others, true);
                error |= ck_activation_backward(nullptr, type, CK_GELU, r, w, u.data(), gradient.data(), typed.data(), nullptr, nullptr, 2);
                error |= ck_activation_backward(nullptr, type, CK_GELU, r, w, u.data(), gradient.data(), gradient.data(), nullptr, nullptr, 2);
                same("gradient_u", typed, gradient);
                error |= ck_activation_forward(nullptr, type, CK_GELU, r * w, u.data(), typed.data());
                error |= ck_activation_forward(nullptr, type, CK_GELU, r * w, u.data(), u.data());
                same("activation", typed, u);
            }
            return error;
        },
        [] {});
}

void test_edges() {
    Buffer one(CK_FLOAT32, Values(8, 1.0), true), partials(CK_FLOAT32, 2 * 3 * 8, true);
    float *f = one.floats();
    ck_mask none{};
    run_case(
        "no rows", {&partials},
        [&] {
            int error = ck_residual_norm_forward(nullptr, 0, 0, 8, f, f, f, f, 1, none, f, f, f, f);
            error |= ck_embeddings_forward(nullptr, 0, 0, 8, nullptr, nullptr, nullptr, f, f, f, f, f, 1, none, f, f, f, f);
            error |= ck_activation_forward(nullptr, 0, 0, 0, f, f);
            error |= ck_mask_factors(nullptr, 0, 8, none, f);
            error |= ck_rows_gradient(nullptr, 8, nullptr, nullptr, nullptr, nullptr, nullptr, 0, nullptr);
            error |= ck_position_gradient(nullptr, 8, nullptr, nullptr, 0, 0, 0, nullptr);
            error |= ck_residual_norm_backward(nullptr, 0, 0, 8, f, f, f, f, f, none, 0, f, f, partials.floats(), 2);
            return error;
        },
        [&] { partials.expect("partials", Values(2 * 3 * 8, 0.0), 0); });
    run_case(
        "bad arguments", {},
        [&] {
            if (!ck_residual_norm_forward(nullptr, 2, 1, 8, f, f, f, f, 1, none, f, f, f, f)) wrong("unknown type");
            if (!ck_residual_norm_forward(nullptr, 0, 1, 8200, f, f, f, f, 1, none, f, f, f, f)) wrong("too wide");
            if (!ck_activation_forward(nullptr, 0, 4, 8, f, f)) wrong("unknown activation");
            if (!ck_residual_norm_backward(nullptr, 0, 1, 8, f, f, f, f, f, none, 0, f, f, nullptr, 0)) wrong("no blocks");
            if (!ck_rows_gradient(nullptr, 0, f, nullptr, nullptr, nullptr, nullptr, 1, f)) wrong("no columns");
            if (!ck_rows_gradient(nullptr, 8, f, nullptr, nullptr, nullptr, nullptr, -1, f)) wrong("groups");
            if (!ck_position_gradient(nullptr, 8, f, nullptr, -1, 0, 1, f)) wrong("sequences");
            if (!ck_position_gradient(nullptr, 8, f, nullptr, 0, -1, 1, f)) wrong("first row");
            if (ck_abi_version() != CK_ABI_VERSION) wrong("version");
            if (ck_partial_blocks(0) != 1 || ck_partial_blocks(9) != 2 || ck_partial_blocks(1 << 20) != 396) wrong("blocks");
            return 0;
        },
        [] {});
}

}  // namespace

#include "language_model_cases.h"

int main() {
    test_edges();
    test_language_models();
    for (bool dropout : {false, true}) {
        test_mask(3, 20, dropout);
        test_mask(70, 312, dropout);
    }
    for (int64_t blocks : {1, 5, 33, 396, 1000})
        for (int64_t columns : {1, 31, 100}) test_column_sums(blocks, columns, columns != 31);
    for (size_t width : {1, 20, 312, 384, 768, 1000, 1028})
        for (bool aligned : {true, false}) test_tables(width, aligned);
    for (int type : {CK_FLOAT32, CK_BFLOAT16})
        for (size_t width : {20, 384, 768, 1000, 1536, 2056})
            for (bool aligned : {true, false}) test_state(type, 5, width, aligned);
    for (int type : {CK_FLOAT32, CK_BFLOAT16}) {
        size_t turn = 0;
        for (size_t width : {1, 8, 20, 32, 312, 384, 768, 1000, 1024, 1028, 1536, 4096, 8192}) {
            // Each width has one large case, and small ones of all kinds.
            for (bool dropout : {false, true})
                for (bool aligned : {true, false}) {
                    size_t rows = width > 2000 ? 2 : std::vector<size_t>{1, 3, 5, 9, 14}[turn++ % 5];
                    Case c{type, rows, width, dropout, aligned};
                    test_forward(c);
                    test_embeddings(c);
                    test_backward(c, false);
                    test_backward(c, true);
                    if (width <= 1028)
                        for (int kind : {CK_GELU, CK_GELU_TANH, CK_RELU, CK_SILU}) test_activation(c, kind);
                }
            if (width > 2000) continue;
            Case large{type, 70, width, true, true};
            test_forward(large);
            large.blocks = 3;
            test_backward(large, turn % 2);
            test_activation(large, CK_GELU);
        }
        for (size_t width : {20, 384, 1536})
            for (unsigned given = 0; given < 32; ++given) {
                Case c{type, 3, width, (given & 3) != 1, true, given};
                test_forward(c);
                test_embeddings(c);
                test_backward(c, given & 1);
                if (given < 4) test_activation(c, CK_SILU);
            }
        for (size_t width : {24, 1536}) {
            test_in_place(type, 9, width);
            // More thread blocks than rows, and a mean far from zero, which a one-pass variance does not survive.
            test_backward({type, 3, width, true, true, ~0u, 7}, false);
            test_forward({type, 3, width, false, true, ~0u, 0, 300});
        }
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed ? 1 : 0;
}
