// The divergences of two distributions over a vocabulary, and their derivatives: an element at a time.
//
// A divergence Σ d(p, q) has the gradient q · (s − Σ q · s) / T with respect to the student's logits, where s = ∂d/∂q; a constant
// in s has no effect, and is left out.

struct Divergence {
    vf value, derivative;
};

// Logarithms and probabilities of an element, the teacher's and the student's.
struct Probabilities {
    vf log_p, log_q, p, q;
};

// The divergences that are no linear combination of KL(p ‖ q) and KL(q ‖ p).
CT_INLINE Divergence divergence(LossKind kind, float parameter, const Probabilities &x) {
    // Below the least number that has a logarithm here, nothing counts; `maximum` keeps a NaN on its right.
    constexpr float least = 1e-37f;
    const float rest = 1.0f - parameter;
    switch (kind) {
    case LossKind::jensen_shannon: {
        vf log_m = logarithm(maximum(splat(least), parameter * x.p + rest * x.q));
        vf from_student = x.log_q - log_m;
        return {parameter * x.p * (x.log_p - log_m) + rest * x.q * from_student, rest * from_student};
    }
    case LossKind::skew_kl: {
        vf m = maximum(splat(least), parameter * x.p + rest * x.q);
        return {x.p * (x.log_p - logarithm(m)), -rest * x.p / m};
    }
    case LossKind::skew_reverse_kl: {
        vf m = maximum(splat(least), rest * x.p + parameter * x.q);
        vf ratio = x.log_q - logarithm(m);
        return {x.q * ratio, ratio - parameter * x.q / m};
    }
    default: {
        vf difference = x.q - x.p;
        vf size = difference < 0.0f ? -difference : difference;
        vf sign = difference > 0.0f ? splat(0.5f) : difference < 0.0f ? splat(-0.5f) : splat(0.0f);
        return {0.5f * size, sign};
    }
    }
}

// The terms that `divergence` computes; the others need no pass of their own over the vocabulary.
CT_INLINE bool is_elementwise(LossKind kind) {
    return kind == LossKind::jensen_shannon || kind == LossKind::skew_kl || kind == LossKind::skew_reverse_kl || kind == LossKind::tvd;
}

// Calls `body(place, count)` for sixteen elements at a time, then for what is left.
template <class Body>
CT_INLINE void each_vector(int64_t begin, int64_t end, Body &&body) {
    int64_t c = begin;
    for (; c + 16 <= end; c += 16) body(c, 16);
    if (c < end) body(c, end - c);
}

// x in the first `count` lanes, otherwise `other`.
CT_INLINE vf only_first(vf x, int64_t count, float other) {
    if (count >= 16) return x;
    const vi lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return lane < static_cast<int32_t>(count) ? x : splat(other);
}

// A sum of many elements: in floats over a piece of a row, then in a double.
struct LongSum {
    vf part = vf{};
    double total = 0;
    __attribute__((always_inline)) void settle() {
        total += sum(part);
        part = vf{};
    }
};
constexpr int64_t piece_of_row = 2048;

// `body(place, count)` for all elements, with `settle()` after every piece.
template <class Body, class Settle>
CT_INLINE void each_piece(int64_t count, Body &&body, Settle &&settle) {
    for (int64_t begin = 0; begin < count; begin += piece_of_row) {
        each_vector(begin, std::min(count, begin + piece_of_row), body);
        settle();
    }
}
