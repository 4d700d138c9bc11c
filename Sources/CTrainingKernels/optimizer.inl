// AdamW (Loshchilov and Hutter, arXiv 1711.05101), on sixteen elements at a time.

CT_INLINE void update(const AdamWStep &step, vf &parameter, vf &first, vf &second, vf gradient) {
    first = first * step.beta1 + gradient * step.rest1;
    second = second * step.beta2 + gradient * gradient * step.rest2;
    vf denominator = square_root(second) / step.root + step.epsilon;
    parameter = parameter * step.decay - first / denominator * step.size;
}

inline void adamw(const AdamWStep &step, float *parameter, float *first, float *second, const float *gradient,
                  int64_t count) {
    for (int64_t i = 0; i < count; i += 16) {
        int64_t left = count - i;
        vf p = load_part(parameter + i, left), m = load_part(first + i, left), v = load_part(second + i, left);
        update(step, p, m, v, load_part(gradient + i, left));
        store_part(parameter + i, p, left);
        store_part(first + i, m, left);
        store_part(second + i, v, left);
    }
}

inline void adamw_idle(const AdamWStep *steps, int64_t step_count, float *parameter, float *first, float *second,
                       int64_t count) {
    for (int64_t i = 0; i < count; i += 16) {
        int64_t left = count - i;
        vf p = load_part(parameter + i, left), m = load_part(first + i, left), v = load_part(second + i, left);
        if (largest(maximum(maximum(m, -m), v)) == 0.0f) {
            // Rows that no gradient has reached yet only decay.
            for (int64_t s = 0; s < step_count; ++s) p = p * steps[s].decay;
            store_part(parameter + i, p, left);
            continue;
        }
        for (int64_t s = 0; s < step_count; ++s) update(steps[s], p, m, v, vf{});
        store_part(parameter + i, p, left);
        store_part(first + i, m, left);
        store_part(second + i, v, left);
    }
}

// Summed in blocks of fixed size, in double.
inline double sum_of_squares(const float *values, int64_t count) {
    double total = 0;
    for (int64_t start = 0; start < count; start += 1024) {
        vf lanes = vf{};
        for (int64_t i = start; i < std::min(count, start + 1024); i += 16) {
            vf x = load_part(values + i, count - i);
            lanes += x * x;
        }
        total += sum(lanes);
    }
    return total;
}

inline void scale(float *values, float factor, int64_t count) {
    for (int64_t i = 0; i < count; i += 16) store_part(values + i, load_part(values + i, count - i) * factor, count - i);
}
