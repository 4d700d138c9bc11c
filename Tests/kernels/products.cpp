// Matrix products of packed operands: exact where no sum is rounded, at every remainder of rows, columns and lengths.

#include "kernels/table.h"
#include "kernels/training.h"
#include "support.h"

namespace k = ctorch::kernels;

namespace test {
namespace {

// Sizes around those of registers, tiles and panels.
const int64_t lengths[] = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 70};
const int64_t columns_of[] = {1, 7, 15, 16, 17, 31, 32, 33, 64, 65, 100};
constexpr int64_t most_rows = 29;

// Whole numbers of 7 bits, which bfloat16 holds.
std::vector<float> whole(uint32_t seed, int64_t count) {
    std::vector<float> values = numbers(seed, count, 100);
    for (float &value : values) value = std::floor(value);
    return values;
}

struct Packed {
    Packed(bool bfloat16, const std::vector<float> &weight, int64_t columns, int64_t length)
        : words(static_cast<size_t>(k::table().packed_words(bfloat16, columns, length))) {
        k::table().pack(bfloat16, true, weight.data(), columns, length, words.data());
    }
    std::vector<uint32_t> words;
};

std::vector<float> product(bool bfloat16, const float *left, int64_t rows, int64_t length, const Packed &right, int64_t columns) {
    std::vector<float> result(static_cast<size_t>(rows * columns));
    k::table().product(bfloat16, left, rows, length, right.words.data(), columns, result.data());
    return result;
}

void exact(bool bfloat16) {
    for (int64_t length : lengths)
        for (int64_t columns : columns_of) {
            std::vector<float> left = whole(1, most_rows * length), right = whole(2, columns * length);
            Packed packed(bfloat16, right, columns, length);
            std::vector<float> expected;
            for (int64_t row = 0; row < most_rows; ++row)
                for (int64_t column = 0; column < columns; ++column) {
                    double sum = 0;
                    for (int64_t i = 0; i < length; ++i) sum += double(left[row * length + i]) * right[column * length + i];
                    expected.push_back(static_cast<float>(sum));
                }
            for (int64_t rows = 1; rows <= most_rows; ++rows) {
                std::vector<float> some(expected.begin(), expected.begin() + rows * columns);
                expect(product(bfloat16, left.data(), rows, length, packed, columns) == some,
                       "product of " + std::to_string(rows) + " × " + std::to_string(length) + " × " + std::to_string(columns) +
                           (bfloat16 ? " in bfloat16" : " in float32"));
            }
        }
}

// Sums of rounded products stay near those of float64, and a row's bits do not depend on the rows beside it; nor on what multiplies many.
void rounded(bool bfloat16) {
    constexpr int64_t rows = 131, length = 515, columns = 130;
    std::vector<float> left = numbers(3, rows * length), right = numbers(4, columns * length);
    if (bfloat16)
        for (auto *values : {&left, &right})
            for (float &value : *values) value = float_of(bf16_of(value));
    Packed packed(bfloat16, right, columns, length);
    std::vector<float> all = product(bfloat16, left.data(), rows, length, packed, columns);
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t column = 0; column < columns; ++column) {
            double sum = 0, size = 0;
            for (int64_t i = 0; i < length; ++i) {
                double term = double(left[row * length + i]) * right[column * length + i];
                sum += term;
                size += std::fabs(term);
            }
            expect(std::fabs(all[row * columns + column] - sum) < 2e-6 * size, "a rounded product");
        }
    for (int64_t count : {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 14, 15, 31, 32, 33, 63, 64, 65, 100, 131})
        for (int64_t first : {int64_t{0}, rows - count}) {
            std::vector<float> same(all.begin() + first * columns, all.begin() + (first + count) * columns);
            expect(same_bits(product(bfloat16, left.data() + first * length, count, length, packed, columns), same),
                   "the bits of " + std::to_string(count) + " rows from row " + std::to_string(first));
        }
}

// leftᵀ · right over the rows, whose operands are packed from columns: of the training kernels.
void gradients(bool bfloat16) {
    for (int64_t rows : {1, 2, 3, 7, 33})
        for (int64_t m : {1, 5, 6, 13, 50})
            for (int64_t n : {3, 32, 45}) {
                std::vector<float> left = whole(5, rows * m), right = whole(6, rows * n), to(static_cast<size_t>(m * n));
                std::vector<uint16_t> narrow_left = bf16_of(left), narrow_right = bf16_of(right);
                k::ProjectionGradient call = {.rows = rows, .left_columns = m, .right_columns = n, .left = left.data(),
                                              .right = right.data(), .to = to.data(), .left_sums = nullptr};
                if (bfloat16) call.left = narrow_left.data(), call.right = narrow_right.data();
                k::training().projection_gradient(bfloat16, call);
                bool equal = true;
                for (int64_t i = 0; i < m; ++i)
                    for (int64_t j = 0; j < n; ++j) {
                        double sum = 0;
                        for (int64_t row = 0; row < rows; ++row) sum += double(left[row * m + i]) * right[row * n + j];
                        equal = equal && to[i * n + j] == static_cast<float>(sum);
                    }
                expect(equal, "gradient of " + std::to_string(rows) + " rows, " + std::to_string(m) + " × " + std::to_string(n));
            }
}

}  // namespace

void products() {
    for (bool bfloat16 : {false, true}) {
        exact(bfloat16);
        rounded(bfloat16);
        gradients(bfloat16);
    }
}

}  // namespace test
