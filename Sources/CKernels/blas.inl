// Large float32 products by the system's BLAS (blas.h), where it is faster than the kernels and gives the very bits that they give: then
// a row's result depends neither on the rows beside it nor on which of the two computed it. Both are found out when a length is first
// multiplied, in a few milliseconds, for calls of one size alone: 64 rows, padded with zeros, by 32 columns.

constexpr int64_t blas_rows = 64;
// Shorter sums and fewer columns are left to the kernels.
constexpr int64_t least_blas_length = 256, least_blas_panels = 4;
// The share of the kernels' time that it may take.
#if CT_BLAS_ALWAYS
constexpr double blas_share = std::numeric_limits<double>::infinity();
#else
constexpr double blas_share = 0.9;
#endif

// The rows of `count` panels of a left operand from panel `first` on, beside each other: (length, 64).
CT_INLINE void join_panels(const uint32_t *left, const RowPanels<float> &panels, int64_t length, int64_t first, int64_t count, float *to) {
    std::fill(to, to + length * blas_rows, 0.0f);
    for (int64_t i = 0; i < count; ++i) {
        const uint32_t *panel = left + (first + i) * length * panels.height;
        size_t bytes = sizeof(float) * static_cast<size_t>(panels.rows_of(first + i));
        for (int64_t w = 0; w < length; ++w) __builtin_memcpy(to + w * blas_rows + i * panels.height, panel + w * panels.height, bytes);
    }
}

// Whether BLAS gives the kernels' bits for sums of `length` products, in less time.
inline bool measure_blas(int64_t length) {
    constexpr int64_t panels_of_columns = 2, tile = blas_rows * 32;
    const RowPanels<float> panels(blas_rows / panel_rows<float> * panel_rows<float>);
    std::vector<float> left(static_cast<size_t>(panels.rows * length)), right(static_cast<size_t>(panels_of_columns * 32 * length)),
        joined(static_cast<size_t>(blas_rows * length)), own(panels_of_columns * tile), other(own.size());
    // Numbers from -1 to 1 of many digits, whose sums are rounded at every step.
    uint32_t state = 1;
    for (auto *values : {&left, &right})
        for (float &value : *values) value = static_cast<float>(static_cast<int32_t>(state = state * 1664525u + 1013904223u)) * 0x1p-31f;
    const uint32_t *words = reinterpret_cast<const uint32_t *>(left.data()), *columns = reinterpret_cast<const uint32_t *>(right.data());
    double times[2] = {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
    for (int round = 0; round < 6; ++round) {
        auto start = std::chrono::steady_clock::now();
        if (round % 2 == 0) {
            for (int64_t p = 0; p < panels_of_columns; ++p)
                for (int64_t i = 0; i < panels.count; ++i)
                    multiply_tile<float>(panels.height, length, words + i * length * panels.height, panels.height, columns + p * length * 32,
                                         own.data() + p * tile + i * panels.height * 32);
        } else {
            join_panels(words, panels, length, 0, panels.count, joined.data());
            for (int64_t p = 0; p < panels_of_columns; ++p)
                blas_product(blas_rows, length, joined.data(), right.data() + p * length * 32, other.data() + p * tile);
        }
        double &best = times[round % 2];
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    for (int64_t p = 0; p < panels_of_columns; ++p)
        if (__builtin_memcmp(own.data() + p * tile, other.data() + p * tile, sizeof(float) * static_cast<size_t>(panels.rows * 32)) != 0) return false;
    return times[1] < blas_share * times[0];
}

// The same, remembered: of more lengths than models have, the last are left to the kernels.
inline bool uses_blas(int64_t length) {
    constexpr int64_t most = 32;
    static struct {
        int64_t length;
        bool pays;
    } known[most];
    static std::atomic<int64_t> count{0};
    static std::mutex measuring;
    auto find = [&](int64_t from) {
        int64_t end = count.load(std::memory_order_acquire);
        while (from < end && known[from].length != length) ++from;
        return from;
    };
    int64_t place = find(0);
    if (place < count.load(std::memory_order_acquire)) return known[place].pays;
    std::lock_guard<std::mutex> lock(measuring);
    place = find(0);
    int64_t end = count.load(std::memory_order_relaxed);
    if (place < end) return known[place].pays;
    if (end == most) return false;
    known[end] = {length, may_use_blas() && measure_blas(length)};
    count.store(end + 1, std::memory_order_release);
    return known[end].pays;
}

// Panels first…last of the right operand by all rows: as many panels of rows at a time as 64 rows hold, what remains by the kernels.
template <class Take>
CT_INLINE void multiply_by_blas(const uint32_t *left, int64_t rows, int64_t length, const uint32_t *right, int64_t columns, int64_t first,
                                int64_t last, Take &&take) {
    RowPanels<float> panels(rows);
    float *joined = scratch<float>(Slot::blas_left, length * blas_rows), *tile = scratch<float>(Slot::blas_tile, blas_rows * 32);
    int64_t group = blas_rows / panels.height;
    for (int64_t i = 0; i < panels.count; i += group) {
        int64_t count = std::min(group, panels.count - i);
        if (count * panels.height < blas_rows / 2) {
            multiply_panels<float>(left, panels, i, panels.count, length, right, columns, first, last, 0, length, take);
            return;
        }
        join_panels(left, panels, length, i, count, joined);
        for (int64_t p = first; p < last; ++p) {
            blas_product(blas_rows, length, joined, reinterpret_cast<const float *>(right + p * length * 32), tile);
            for (int64_t j = 0; j < count; ++j)
                take((i + j) * panels.height, p * 32, panels.rows_of(i + j), std::min<int64_t>(32, columns - p * 32),
                     tile + j * panels.height * 32);
        }
    }
}
