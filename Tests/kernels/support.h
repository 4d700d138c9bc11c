// What the tests of the kernels share: values of a safetensors file, numbers by a formula, and comparisons.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace test {

inline int failures = 0, checks = 0;
// FNV-1a of the results of int8 layers: one number on all instruction sets of an architecture.
inline uint64_t int8_digest = 0xcbf29ce484222325u;
inline void add_to_digest(const std::vector<float> &values) {
    for (float value : values) {
        uint32_t bits;
        std::memcpy(&bits, &value, 4);
        int8_digest = (int8_digest ^ bits) * 0x100000001b3u;
    }
}

inline void fail(const std::string &what) {
    std::fprintf(stderr, "FAILED %s\n", what.c_str());
    ++failures;
}
inline void expect(bool holds, const std::string &what) {
    ++checks;
    if (!holds) fail(what);
}

// The tensors of a safetensors file, by name.
class Golden {
  public:
    explicit Golden(const std::string &path) : path_(path) {
        std::ifstream file(path, std::ios::binary);
        bytes_.assign(std::istreambuf_iterator<char>(file), {});
        uint64_t length = 0;
        if (bytes_.size() < 8) fatal("cannot be read");
        std::memcpy(&length, bytes_.data(), 8);
        if (length > bytes_.size() - 8) fatal("is no safetensors file");
        header_ = bytes_.substr(8, length);
    }
    std::vector<float> floats(const std::string &name) const { return values<float>(name); }
    std::vector<int64_t> integers(const std::string &name) const { return values<int64_t>(name); }

  private:
    [[noreturn]] void fatal(const std::string &why) const {
        std::fprintf(stderr, "%s: %s\n", path_.c_str(), why.c_str());
        std::exit(2);
    }
    // The header's entry is `"name":{"dtype":…,"shape":[…],"data_offsets":[begin,end]}`.
    template <class T>
    std::vector<T> values(const std::string &name) const {
        size_t entry = header_.find("\"" + name + "\":{");
        if (entry == std::string::npos) fatal("has no tensor " + name);
        const std::string mark = "\"data_offsets\":[";
        size_t at = header_.find(mark, entry), begin = 0, end = 0;
        if (std::sscanf(header_.c_str() + at + mark.size(), "%zu,%zu", &begin, &end) != 2) fatal("has no offsets of " + name);
        size_t start = 8 + header_.size() + begin;
        if (end < begin || start + (end - begin) > bytes_.size()) fatal("is cut off in " + name);
        std::vector<T> result((end - begin) / sizeof(T));
        std::memcpy(result.data(), bytes_.data() + start, result.size() * sizeof(T));
        return result;
    }

    std::string path_, bytes_, header_;
};

// Numbers from -1 to 1 of 24 bits: the formula of scripts/fixtures/kernels.py.
inline std::vector<float> numbers(uint32_t seed, int64_t count, float factor = 1, float offset = 0) {
    std::vector<float> result(static_cast<size_t>(count));
    for (size_t i = 0; i < result.size(); ++i) {
        uint32_t x = static_cast<uint32_t>(i) * 0x9E3779B1u + seed * 0x85EBCA77u;
        x ^= x >> 15;
        x *= 0x2C1B3C6Du;
        x ^= x >> 12;
        x *= 0x297A2D39u;
        x ^= x >> 15;
        float value = static_cast<float>(static_cast<int32_t>(x >> 8) - (1 << 23)) / static_cast<float>(1 << 23);
        result[i] = value * factor + offset;
    }
    return result;
}

inline uint16_t bf16_of(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    return static_cast<uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}
inline float float_of(uint16_t bits) {
    uint32_t wide = uint32_t{bits} << 16;
    float value;
    std::memcpy(&value, &wide, 4);
    return value;
}
inline std::vector<uint16_t> bf16_of(const std::vector<float> &values) {
    std::vector<uint16_t> result;
    for (float value : values) result.push_back(bf16_of(value));
    return result;
}

// Each value within `tolerance`, or within it times the largest expected value where that is larger than one.
inline void expect_close(const std::vector<float> &actual, const std::vector<float> &expected, double tolerance, const std::string &what,
                         double mean_tolerance = 0) {
    ++checks;
    if (actual.size() != expected.size())
        return fail(what + ": " + std::to_string(actual.size()) + " values, not " + std::to_string(expected.size()));
    double most = 0, size = 1, sum = 0;
    for (size_t i = 0; i < actual.size(); ++i) {
        double difference = std::fabs(static_cast<double>(actual[i]) - expected[i]);
        if (!(difference <= most)) most = difference;
        size = std::fmax(size, std::fabs(expected[i]));
        sum += difference;
    }
    double mean = sum / static_cast<double>(actual.size());
    if (std::getenv("DISTILL_SHOW_MARGINS")) std::printf("%-40s largest %.2e of %.2e, mean %.2e\n", what.c_str(), most, tolerance * size, mean);
    if (!(most <= tolerance * size)) fail(what + ": differs by " + std::to_string(most) + " of " + std::to_string(size));
    if (mean_tolerance > 0 && !(mean <= mean_tolerance)) fail(what + ": differs by " + std::to_string(mean) + " on average");
}

template <class T>
bool same_bits(const std::vector<T> &a, const std::vector<T> &b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

void digests();
void products();
void linear_layers(const Golden &golden);
void elements(const Golden &golden);
void layers(const Golden &golden);
void prenorm_layers(const Golden &golden);
void checkpoints(const std::string &fixtures);
void blocks();
void decoders(const Golden &golden);
void decoder_layers(const Golden &golden);

}  // namespace test
