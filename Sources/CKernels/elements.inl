// Rows normalized, and activations, by themselves: for heads and for tables in int8.

inline void normalize(const Normalize &call) {
    constexpr int64_t block = 16;
    parallel_tasks((call.rows + block - 1) / block, element_cost(2 * block * call.width), [&](int64_t task) {
        for (int64_t r = task * block; r < std::min(call.rows, (task + 1) * block); ++r)
            normalize_row(call.input + r * call.width, call.width, call.weight, call.bias, call.epsilon, nullptr,
                          call.output + r * call.width);
    });
}

inline void activate_all(Activation activation, float *values, int64_t count) {
    for (int64_t c = 0; c < count; c += 16)
        store_part(values + c, activate(activation, load_part(values + c, count - c)), count - c);
}
