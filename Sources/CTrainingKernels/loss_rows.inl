// One token's loss from its logits: the terms' values, statistics, and the gradient in place of the student's logits.

// A row of logits with its greatest element.
struct LogitRow {
    const float *values = nullptr;
    float top = 0;
    int64_t place = 0;  // of the first of the greatest
};

inline LogitRow logit_row(const float *values, int64_t count) {
    vf best = splat(-std::numeric_limits<float>::infinity());
    vi places = vi{};
    const vi lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    each_vector(0, count, [&](int64_t c, int64_t left) {
        vf x = only_first(load_part(values + c, left), left, -std::numeric_limits<float>::infinity());
        places = x > best ? lane + static_cast<int32_t>(c) : places;
        best = maximum(x, best);
    });
    LogitRow row{values, best[0], places[0]};
    for (int i = 1; i < 16; ++i) {
        bool better = best[i] > row.top || (best[i] == row.top && places[i] < row.place);
        if (better) {
            row.top = best[i];
            row.place = places[i];
        }
    }
    return row;
}

// The distributions at one temperature: log q(i) = (z(i) − top) / T − log_sum, and what one pass over them tells.
struct Softened {
    float inverse;  // 1 / T
    float student_top, teacher_top;
    double student_log_sum, teacher_log_sum;
    double student_entropy, teacher_entropy, kl, reverse_kl;

    // −log of an element's probability.
    double student_surprisal(float logit) const { return student_log_sum - static_cast<double>(logit - student_top) * inverse; }
    double teacher_surprisal(float logit) const { return teacher_log_sum - static_cast<double>(logit - teacher_top) * inverse; }

    template <bool with_teacher>
    __attribute__((always_inline)) Probabilities at(const float *student, const float *teacher, int64_t left) const {
        Probabilities x{};
        x.log_q = (load_part(student, left) - student_top) * inverse - static_cast<float>(student_log_sum);
        x.q = exponential(x.log_q);
        if constexpr (with_teacher) {
            x.log_p = (load_part(teacher, left) - teacher_top) * inverse - static_cast<float>(teacher_log_sum);
            x.p = exponential(x.log_p);
        }
        return x;
    }
};

template <bool with_teacher>
Softened soften(const LogitRow &student, const LogitRow &teacher, int64_t count, float temperature) {
    const float inverse = 1.0f / temperature;
    // Σ e^z, Σ e^z · z, Σ e^z · (z − t), and the same of the teacher.
    LongSum z_sum, z_mean, z_gap, t_sum, t_mean, t_gap;
    each_piece(
        count,
        [&](int64_t c, int64_t left) {
            vf z = (load_part(student.values + c, left) - student.top) * inverse;
            vf ez = only_first(exponential(z), left, 0);
            z_sum.part += ez;
            z_mean.part += ez * z;
            if constexpr (with_teacher) {
                vf t = (load_part(teacher.values + c, left) - teacher.top) * inverse;
                vf et = only_first(exponential(t), left, 0);
                t_sum.part += et;
                t_mean.part += et * t;
                t_gap.part += et * (t - z);
                z_gap.part += ez * (z - t);
            }
        },
        [&] {
            for (LongSum *each : {&z_sum, &z_mean, &z_gap, &t_sum, &t_mean, &t_gap}) each->settle();
        });
    double z_log = std::log(z_sum.total), t_log = with_teacher ? std::log(t_sum.total) : 0;
    Softened result{};
    result.inverse = inverse;
    result.student_top = student.top;
    result.teacher_top = teacher.top;
    result.student_log_sum = z_log;
    result.teacher_log_sum = t_log;
    result.student_entropy = z_log - z_mean.total / z_sum.total;
    if constexpr (with_teacher) {
        result.teacher_entropy = t_log - t_mean.total / t_sum.total;
        result.kl = t_gap.total / t_sum.total - t_log + z_log;
        result.reverse_kl = z_gap.total / z_sum.total - z_log + t_log;
    }
    return result;
}

// A term on its way through a row: which temperature's distributions it reads, its value, and its derivative's mean under q.
struct RowTerm {
    int64_t softened;
    double value, mean;
    double forward;  // of an adaptive divergence: the part of KL(p ‖ q)
};

// The share of the teacher's head in the distance between both distributions (Wu et al., arXiv 2404.02657, section 4): the head
// are the most probable tokens that together have at most `mu`, and the first.
inline double head_share(const Softened &soft, const float *student, const LogitRow &teacher, int64_t count, float mu) {
    float *p = scratch<float>(Slot::loss_row, 2 * count), *gap = p + count;
    each_vector(0, count, [&](int64_t c, int64_t left) {
        Probabilities x = soft.at<true>(student + c, teacher.values + c, left);
        vf difference = x.p - x.q;
        store_part(p + c, x.p, left);
        store_part(gap + c, difference < 0.0f ? -difference : difference, left);
    });
    // The sum of `values` where p's bits, which ascend as p does, are at least `least`.
    auto sum_from = [&](const float *values, int32_t least) {
        LongSum total;
        each_piece(
            count,
            [&](int64_t c, int64_t left) {
                vf some = only_first(load_part(p + c, left), left, 0);
                total.part += (vi)some >= least ? load_part(values + c, left) : vf{};
            },
            [&] { total.settle(); });
        return total.total;
    };
    int32_t low = 0, high = 0x3F800001;  // above the bits of 1
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (sum_from(p, middle) <= static_cast<double>(mu)) high = middle;
        else low = middle + 1;
    }
    double head = sum_from(gap, high), all = sum_from(gap, 0), room = static_cast<double>(mu) - sum_from(p, high);
    // Of those that are equally probable, as many as there is room for.
    for (int64_t c = 0; c < count; ++c) {
        int32_t bits;
        __builtin_memcpy(&bits, p + c, sizeof bits);
        bool fits = bits == high - 1 && static_cast<double>(p[c]) <= room;
        if (fits) room -= static_cast<double>(p[c]);
        if (fits || (c == teacher.place && bits < high)) head += static_cast<double>(gap[c]);
    }
    return all > 0 ? head / all : all == 0 ? 0.5 : all;
}

// The value of a term, and what its gradient needs.
inline void evaluate(const LossTerm &term, const Softened &soft, const LogitRow &student, const LogitRow &teacher, int64_t count,
                     int64_t target, RowTerm &row) {
    switch (term.kind) {
    case LossKind::cross_entropy: row.value = soft.student_surprisal(student.values[target]); return;
    case LossKind::kl: row.value = soft.kl; return;
    case LossKind::reverse_kl: row.value = soft.reverse_kl; return;
    case LossKind::adaptive_kl:
        row.forward = head_share(soft, student.values, teacher, count, term.parameter);
        row.value = row.forward * soft.kl + (1 - row.forward) * soft.reverse_kl;
        return;
    default: break;
    }
    LongSum value, mean;
    each_piece(
        count,
        [&](int64_t c, int64_t left) {
            Probabilities x = soft.at<true>(student.values + c, teacher.values + c, left);
            Divergence d = divergence(term.kind, term.parameter, x);
            value.part += only_first(d.value, left, 0);
            mean.part += only_first(x.q * d.derivative, left, 0);
        },
        [&] {
            value.settle();
            mean.settle();
        });
    row.value = value.total;
    row.mean = mean.total;
}

// The gradient of the terms at one temperature that need no pass of their own: q · (level + tilt · (log q − log p)) + pull · p.
struct LinearGradient {
    float level = 0, tilt = 0, pull = 0;

    void add(const LossTerm &term, const Softened &soft, const RowTerm &row, float scale) {
        float forward = 0, reverse = 0;
        switch (term.kind) {
        case LossKind::cross_entropy: level += scale; return;
        case LossKind::kl: forward = scale; break;
        case LossKind::reverse_kl: reverse = scale; break;
        case LossKind::adaptive_kl:
            forward = scale * static_cast<float>(row.forward);
            reverse = scale - forward;
            break;
        default: return;
        }
        level += forward - reverse * static_cast<float>(soft.reverse_kl);
        tilt += reverse;
        pull -= forward;
    }
};
