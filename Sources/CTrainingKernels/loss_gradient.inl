// One token's whole loss: its terms, its statistics, and the gradient in place of the student's logits.

// A row's distributions at every temperature of its terms, and at 1.
struct RowSoftened {
    Softened at[most_loss_terms + 1];
    float temperatures[most_loss_terms + 1];
    int64_t count = 0;

    template <bool with_teacher>
    int64_t place(const LogitRow &student, const LogitRow &teacher, int64_t width, float temperature) {
        for (int64_t i = 0; i < count; ++i)
            if (temperatures[i] == temperature) return i;
        temperatures[count] = temperature;
        at[count] = soften<with_teacher>(student, teacher, width, temperature);
        return count++;
    }
};

// Writes the logits' gradient, `scale` times that of Σ over terms of weight × value.
template <bool with_teacher>
void write_gradient(const FusedLoss &call, const RowSoftened &soft, const RowTerm *rows, const float *teacher, int64_t target,
                    float scale, float *logits) {
    struct Step {
        const LossTerm *term;
        float scale, mean;
    };
    LinearGradient linear[most_loss_terms + 1];
    Step steps[most_loss_terms];
    int64_t first_step[most_loss_terms + 2] = {0}, step_count = 0;
    float at_target = 0;
    for (int64_t s = 0; s < soft.count; ++s) {
        for (int64_t k = 0; k < call.term_count; ++k) {
            const LossTerm &term = call.terms[k];
            if (rows[k].softened != s) continue;
            float size = scale * term.weight * term.factor * soft.at[s].inverse;
            linear[s].add(term, soft.at[s], rows[k], size);
            if (term.kind == LossKind::cross_entropy) at_target += size;
            if (is_elementwise(term.kind)) steps[step_count++] = {&term, size, static_cast<float>(rows[k].mean)};
        }
        first_step[s + 1] = step_count;
    }
    each_vector(0, call.vocabulary, [&](int64_t c, int64_t left) {
        vf gradient = vf{};
        for (int64_t s = 0; s < soft.count; ++s) {
            Probabilities x = soft.at[s].template at<with_teacher>(logits + c, with_teacher ? teacher + c : nullptr, left);
            if constexpr (with_teacher) {
                gradient += x.q * (linear[s].level + linear[s].tilt * (x.log_q - x.log_p)) + linear[s].pull * x.p;
                for (int64_t i = first_step[s]; i < first_step[s + 1]; ++i) {
                    Divergence d = divergence(steps[i].term->kind, steps[i].term->parameter, x);
                    gradient += steps[i].scale * x.q * (d.derivative - steps[i].mean);
                }
            } else {
                gradient += linear[s].level * x.q;
            }
        }
        store_part(logits + c, gradient, left);
    });
    logits[target] -= at_target;
}

// A teacher of whom some outcomes and the mass of the rest are known, as log-probabilities of all tokens: the rest is divided as
// the student divides it. Of all such teachers this one is nearest to the student. A divergence of the form Σ q · f(p / q) from it,
// and its derivative by q, are those of the known outcomes and the rest as one outcome, as p / q is the same throughout the rest:
// by the log-sum inequality a lower bound of the divergence from the teacher itself (Cover and Thomas, "Elements of Information
// Theory", theorem 2.7.1).
inline void complete_outcomes(const FusedLoss &call, int64_t row, const float *student, float *teacher) {
    const int64_t count = call.outcome_count, vocabulary = call.vocabulary;
    const float *ids = call.outcomes + row * (2 * count + 1), *logs = ids + count, left_log = logs[count];
    each_vector(0, vocabulary, [&](int64_t c, int64_t left) { store_part(teacher + c, load_part(student + c, left), left); });
    constexpr float none = -std::numeric_limits<float>::infinity();
    for (int64_t i = 0; i < count && ids[i] >= 0; ++i) teacher[static_cast<int64_t>(ids[i])] = none;
    float top = logit_row(teacher, vocabulary).top;
    LongSum rest;
    each_piece(
        vocabulary, [&](int64_t c, int64_t left) { rest.part += only_first(exponential(load_part(teacher + c, left) - top), left, 0); },
        [&] { rest.settle(); });
    const float shift = left_log - top - static_cast<float>(std::log(rest.total));
    each_vector(0, vocabulary, [&](int64_t c, int64_t left) { store_part(teacher + c, load_part(teacher + c, left) + shift, left); });
    for (int64_t i = 0; i < count && ids[i] >= 0; ++i) teacher[static_cast<int64_t>(ids[i])] = logs[i];
}

// What outcomes tell of a token: one of the rest has the mass of all of it.
inline void tell_outcomes(const FusedLoss &call, int64_t row, const LogitRow &student, int64_t target) {
    const float *ids = call.outcomes + row * (2 * call.outcome_count + 1), *logs = ids + call.outcome_count;
    float target_log = logs[call.outcome_count], top = -std::numeric_limits<float>::infinity(), place = -1;
    double entropy = -std::exp(static_cast<double>(target_log)) * static_cast<double>(target_log);
    for (int64_t i = 0; i < call.outcome_count && ids[i] >= 0; ++i) {
        entropy -= std::exp(static_cast<double>(logs[i])) * static_cast<double>(logs[i]);
        if (static_cast<int64_t>(ids[i]) == target) target_log = logs[i];
        if (logs[i] > top) {
            top = logs[i];
            place = ids[i];
        }
    }
    const TokenStatistics &to = call.statistics;
    if (to.teacher_surprisal) to.teacher_surprisal[row] = -target_log;
    if (to.teacher_entropy) to.teacher_entropy[row] = static_cast<float>(entropy);
    if (to.agreement) to.agreement[row] = student.place == static_cast<int64_t>(place);
}

inline void tell(const TokenStatistics &to, const Softened &soft, const LogitRow &student, const LogitRow &teacher, int64_t target,
                 int64_t row) {
    auto write = [row](float *where, double value) {
        if (where) where[row] = static_cast<float>(value);
    };
    write(to.student_surprisal, soft.student_surprisal(student.values[target]));
    write(to.student_entropy, soft.student_entropy);
    write(to.correctness, student.place == target);
    write(to.confidence, std::exp(-soft.student_log_sum));
    if (!teacher.values) return;
    write(to.teacher_surprisal, soft.teacher_surprisal(teacher.values[target]));
    write(to.teacher_entropy, soft.teacher_entropy);
    write(to.divergence, soft.kl);
    write(to.agreement, student.place == teacher.place);
}

CT_INLINE bool wants_statistics(const TokenStatistics &to) {
    return to.student_surprisal || to.teacher_surprisal || to.divergence || to.agreement || to.student_entropy ||
           to.teacher_entropy || to.correctness || to.confidence;
}

// The loss of token `row` from its logits; `values` are of each term.
template <bool with_teacher>
void token_loss(const FusedLoss &call, int64_t row, float *logits, const float *teacher_logits, double *values) {
    LogitRow student = logit_row(logits, call.vocabulary), teacher;
    if constexpr (with_teacher) teacher = logit_row(teacher_logits, call.vocabulary);
    RowSoftened soft;
    RowTerm rows[most_loss_terms];
    int64_t target = call.targets[row];
    for (int64_t k = 0; k < call.term_count; ++k) {
        const LossTerm &term = call.terms[k];
        rows[k].softened = soft.place<with_teacher>(student, teacher, call.vocabulary, term.temperature);
        evaluate(term, soft.at[rows[k].softened], student, teacher, call.vocabulary, target, rows[k]);
        values[k] = static_cast<double>(term.factor) * rows[k].value;
    }
    int64_t temperatures = soft.count;
    if (wants_statistics(call.statistics)) {
        int64_t plain = soft.place<with_teacher>(student, teacher, call.vocabulary, 1.0f);
        tell(call.statistics, soft.at[plain], student, teacher, target, row);
        if (call.outcomes) tell_outcomes(call, row, student, target);
    }
    soft.count = temperatures;
    if (call.hidden_gradient || call.weight_gradient)
        write_gradient<with_teacher>(call, soft, rows, teacher_logits, target, call.row_weights[row], logits);
}
