// Cases of the language models' kernels, a part of cuda_kernels_test.cpp: against formulas in double.

#pragma once

namespace {

// Bit 0: a branch; bit 1: its sum is wanted; bit 2: a residual gradient, and a float32 gradient instead of a typed one.
void test_rms(const Case &c) {
    auto rows = static_cast<int64_t>(c.rows), width = static_cast<int64_t>(c.width);
    double offset = c.has(0) ? 1 : 0, epsilon = 1e-3;
    Buffer x(CK_FLOAT32, random_values(c.count(), c.mean), c.aligned), branch(c.type, random_values(c.count()), c.aligned);
    Buffer weight(CK_FLOAT32, random_values(c.width, 1, 0.3), c.aligned);
    Buffer sum(CK_FLOAT32, c.count(), c.aligned), out(CK_FLOAT32, c.count(), c.aligned), typed(c.type, c.count(), c.aligned);
    Buffer deviation(CK_FLOAT32, c.rows, c.aligned);
    Values total(c.count()), inverse(c.rows), normalized(c.count()), result(c.count());
    for (size_t row = 0; row < c.rows; ++row) {
        double squares = 0;
        for (size_t i = row * c.width; i < (row + 1) * c.width; ++i) {
            total[i] = x.get(i) + (c.has(0) ? branch.get(i) : 0.0);
            squares += total[i] * total[i];
        }
        inverse[row] = 1 / std::sqrt(squares / static_cast<double>(c.width) + static_cast<double>(static_cast<float>(epsilon)));
        for (size_t i = row * c.width; i < (row + 1) * c.width; ++i) {
            normalized[i] = total[i] * inverse[row];
            result[i] = normalized[i] * (weight.get(i % c.width) + offset);
        }
    }
    run_case(
        c.name("rms_forward"), {&sum, &out, &typed, &deviation},
        [&] {
            return ck_rms_forward(nullptr, c.type, rows, width, x.floats(), c.has(0) ? branch.data() : nullptr, weight.floats(),
                                  static_cast<float>(epsilon), static_cast<float>(offset), c.has(1) ? sum.floats() : nullptr, out.floats(),
                                  typed.data(), deviation.floats());
        },
        [&] {
            if (c.has(1)) sum.expect("sum", total, 1e-6);
            out.expect("out", result, 4e-6);
            typed.expect("out_typed", result, 4e-6);
            deviation.expect("deviation", inverse, 0, 4e-6);
        });

    int64_t blocks = c.blocks ? c.blocks : ck_partial_blocks(rows);
    Buffer input(CK_FLOAT32, total, c.aligned), scale(CK_FLOAT32, inverse, c.aligned);
    Buffer gradient(CK_FLOAT32, random_values(c.count()), c.aligned), more(c.type, random_values(c.count()), c.aligned);
    Buffer residual(CK_FLOAT32, random_values(c.count()), c.aligned);
    Buffer to_x(CK_FLOAT32, c.count(), c.aligned), to_branch(c.type, c.count(), c.aligned);
    Buffer partials(CK_FLOAT32, static_cast<size_t>(blocks) * c.width, c.aligned);
    run_case(
        c.name("rms_backward"), {&to_x, &to_branch, &partials},
        [&] {
            return ck_rms_backward(nullptr, c.type, rows, width, c.has(2) ? gradient.floats() : nullptr, c.has(2) ? nullptr : more.data(),
                                   input.floats(), scale.floats(), weight.floats(), static_cast<float>(offset),
                                   c.has(2) ? residual.floats() : nullptr, to_x.floats(), to_branch.data(), partials.floats(), blocks);
        },
        [&] {
            Values wanted(c.count()), sums(partials.count());
            size_t groups = c.width <= 1024 ? 4 : 1;
            for (size_t row = 0; row < c.rows; ++row) {
                double mean = 0;
                auto g = [&](size_t i) { return c.has(2) ? gradient.get(i) : more.get(i); };
                for (size_t i = row * c.width; i < (row + 1) * c.width; ++i)
                    mean += g(i) * (weight.get(i % c.width) + offset) * normalized[i] / static_cast<double>(c.width);
                for (size_t i = row * c.width; i < (row + 1) * c.width; ++i) {
                    wanted[i] = inverse[row] * (g(i) * (weight.get(i % c.width) + offset) - normalized[i] * mean) +
                                (c.has(2) ? residual.get(i) : 0.0);
                    sums[row / groups % static_cast<size_t>(blocks) * c.width + i % c.width] += g(i) * normalized[i];
                }
            }
            to_x.expect("gradient_x", wanted, 1e-5);
            to_branch.expect("gradient_branch", wanted, 1e-5);
            partials.expect("partials", sums, 4e-5, 1e-5);
        });
}

// Rows with more columns than are rotated, rotated and back.
void test_rotate(int type, size_t rows, size_t heads, size_t half, bool aligned) {
    size_t stride = heads * 2 * half + 16;
    Values values = random_values(rows * stride), angles = random_values(11 * half);
    std::vector<int32_t> positions(rows);
    for (int32_t &position : positions) position = static_cast<int32_t>(generator() % 11);
    Buffer cosine(CK_FLOAT32, 11 * half, aligned), sine(CK_FLOAT32, 11 * half, aligned), x(type, values.size(), aligned);
    for (size_t i = 0; i < angles.size(); ++i) cosine.set(i, std::cos(angles[i])), sine.set(i, std::sin(angles[i]));
    for (bool backwards : {false, true})
        run_case(
            text("rotate %s %zux%zux%zu%s%s", name_of(type), rows, heads, half, aligned ? "" : " unaligned", backwards ? " backwards" : ""),
            {&x},
            [&] {
                for (size_t i = 0; i < values.size(); ++i) x.set(i, values[i]);
                return ck_rotate(nullptr, type, static_cast<int64_t>(rows), static_cast<int64_t>(stride), static_cast<int64_t>(heads),
                                 static_cast<int64_t>(half), positions.data(), cosine.floats(), sine.floats(), backwards, x.data());
            },
            [&] {
                Buffer start(type, values, aligned);
                Values wanted = start.values();
                for (size_t row = 0; row < rows; ++row)
                    for (size_t head = 0; head < heads; ++head)
                        for (size_t i = 0; i < half; ++i) {
                            size_t low = row * stride + head * 2 * half + i, at = static_cast<size_t>(positions[row]) * half + i;
                            double a = start.get(low), b = start.get(low + half), s = backwards ? -sine.get(at) : sine.get(at);
                            wanted[low] = a * cosine.get(at) - b * s;
                            wanted[low + half] = b * cosine.get(at) + a * s;
                        }
                x.expect("x", wanted, 1e-6);
            });
}

void test_gated(const Case &c, int kind) {
    auto rows = static_cast<int64_t>(c.rows), width = static_cast<int64_t>(c.width);
    Buffer joint(c.type, random_values(2 * c.count()), c.aligned), gradient(c.type, random_values(c.count()), c.aligned);
    Buffer out(c.type, c.count(), c.aligned), again(c.type, c.count(), c.aligned), to_joint(c.type, 2 * c.count(), c.aligned);
    Values product(c.count()), wanted(2 * c.count());
    for (size_t i = 0; i < c.count(); ++i) {
        size_t gate = i / c.width * 2 * c.width + i % c.width, up = gate + c.width;
        product[i] = activation(kind, joint.get(gate)) * joint.get(up);
        wanted[gate] = gradient.get(i) * joint.get(up) * slope(kind, joint.get(gate));
        wanted[up] = gradient.get(i) * activation(kind, joint.get(gate));
    }
    run_case(
        c.name("gated_forward") + text(" kind %d", kind), {&out},
        [&] { return ck_gated_forward(nullptr, c.type, kind, rows, width, joint.data(), out.data()); },
        [&] { out.expect("out", product, 2e-6, 4e-6); });
    run_case(
        c.name("gated_backward") + text(" kind %d", kind), {&again, &to_joint},
        [&] {
            return ck_gated_backward(nullptr, c.type, kind, rows, width, joint.data(), gradient.data(), to_joint.data(),
                                     c.has(0) ? again.data() : nullptr);
        },
        [&] {
            if (c.has(0)) again.expect("out", product, 2e-6, 4e-6);
            to_joint.expect("gradient_joint", wanted, 4e-6, 1e-5);
        });
}

struct Distributions {
    Values log_p, log_q;
};

Values log_softmax(const Values &logits, double temperature) {
    double largest = -INFINITY, sum = 0;
    for (double x : logits) largest = std::max(largest, x / temperature);
    for (double x : logits) sum += std::exp(x / temperature - largest);
    Values result;
    for (double x : logits) result.push_back(x / temperature - largest - std::log(sum));
    return result;
}

double loss_of(const ck_loss_term &term, const Values &student, const Values &teacher, size_t target) {
    double t = static_cast<double>(term.temperature), a = static_cast<double>(term.parameter), sum = 0;
    Values log_q = log_softmax(student, t), log_p = term.kind == CK_LOSS_CROSS_ENTROPY ? log_q : log_softmax(teacher, t);
    if (term.kind == CK_LOSS_CROSS_ENTROPY) return -log_q[target];
    for (size_t i = 0; i < log_q.size(); ++i) {
        double p = std::exp(log_p[i]), q = std::exp(log_q[i]), m = a * p + (1 - a) * q, n = (1 - a) * p + a * q;
        switch (term.kind) {
            case CK_LOSS_KL: sum += p * (log_p[i] - log_q[i]); break;
            case CK_LOSS_REVERSE_KL: sum += q * (log_q[i] - log_p[i]); break;
            case CK_LOSS_JENSEN_SHANNON: sum += a * p * (log_p[i] - std::log(m)) + (1 - a) * q * (log_q[i] - std::log(m)); break;
            case CK_LOSS_SKEW_KL: sum += p * (log_p[i] - std::log(m)); break;
            case CK_LOSS_SKEW_REVERSE_KL: sum += q * (log_q[i] - std::log(n)); break;
            default: sum += 0.5 * std::fabs(p - q);
        }
    }
    return sum;
}

void check_statistics(Buffer &statistics, Buffer &student, Buffer &teacher, const std::vector<int64_t> &targets, size_t rows, size_t vocabulary,
                      bool taught) {
    for (size_t row = 0; row < rows; ++row) {
        Values own(vocabulary), other(vocabulary);
        for (size_t i = 0; i < vocabulary; ++i) own[i] = student.get(row * vocabulary + i), other[i] = teacher.get(row * vocabulary + i);
        Values log_q = log_softmax(own, 1), log_p = log_softmax(other, 1);
        auto target = static_cast<size_t>(targets[row]);
        auto first = [](const Values &x) { return static_cast<size_t>(std::max_element(x.begin(), x.end()) - x.begin()); };
        double entropy = 0, teacher_entropy = 0, divergence = 0;
        for (size_t i = 0; i < vocabulary; ++i) {
            entropy -= std::exp(log_q[i]) * log_q[i], teacher_entropy -= std::exp(log_p[i]) * log_p[i];
            divergence += std::exp(log_p[i]) * (log_p[i] - log_q[i]);
        }
        double agreement = first(own) == first(other) ? 1 : 0, correctness = first(own) == target ? 1 : 0;
        double wanted[8] = {-log_q[target], -log_p[target], divergence, agreement, entropy, teacher_entropy, correctness, std::exp(log_q[first(own)])};
        for (size_t k = 0; k < 8; ++k) {
            double value = statistics.get(k * rows + row);
            bool untold = !taught && (k == CK_TOKEN_TEACHER_SURPRISAL || k == CK_TOKEN_DIVERGENCE || k == CK_TOKEN_AGREEMENT || k == CK_TOKEN_TEACHER_ENTROPY);
            if (untold ? value == value : !(std::fabs(value - wanted[k]) <= 2e-5 + 1e-5 * std::fabs(wanted[k])))
                wrong(text("statistic %zu is %.9g, expected %.9g", k, value, wanted[k]));
        }
    }
}

void test_loss(int type, size_t rows, size_t vocabulary, const std::vector<ck_loss_term> &terms, bool aligned, bool with_gradient) {
    bool taught = false;
    for (const ck_loss_term &term : terms) taught |= term.kind != CK_LOSS_CROSS_ENTROPY;
    Values weights = random_values(rows, 1, 0.2);
    Buffer student(CK_FLOAT32, random_values(rows * vocabulary, 3, 2), aligned), teacher(CK_FLOAT32, random_values(rows * vocabulary, -5, 2), aligned);
    Buffer row_weights(CK_FLOAT32, weights, aligned), values(CK_FLOAT32, rows * terms.size(), aligned);
    Buffer gradient(type, rows * vocabulary, aligned), statistics(CK_FLOAT32, 8 * rows, aligned);
    std::vector<int64_t> targets(rows);
    for (int64_t &target : targets) target = static_cast<int64_t>(generator() % vocabulary);
    std::string name = text("vocabulary_loss %s %zux%zu%s%s terms", name_of(type), rows, vocabulary, aligned ? "" : " unaligned",
                            with_gradient ? "" : " no gradient");
    for (const ck_loss_term &term : terms) name += text(" %d", term.kind);
    run_case(
        name, {&values, &gradient, &statistics},
        [&] {
            return ck_vocabulary_loss(nullptr, type, static_cast<int64_t>(rows), static_cast<int64_t>(vocabulary), student.floats(),
                                      taught ? teacher.floats() : nullptr, targets.data(), row_weights.floats(), terms.data(),
                                      static_cast<int64_t>(terms.size()), values.floats(), with_gradient ? gradient.data() : nullptr,
                                      with_gradient ? statistics.floats() : nullptr, static_cast<int64_t>(rows));
        },
        [&] {
            Values wanted(values.count()), slopes(gradient.count());
            for (size_t row = 0; row < rows; ++row) {
                Values own(vocabulary), other(vocabulary);
                for (size_t i = 0; i < vocabulary; ++i) own[i] = student.get(row * vocabulary + i), other[i] = teacher.get(row * vocabulary + i);
                auto target = static_cast<size_t>(targets[row]);
                for (size_t k = 0; k < terms.size(); ++k) {
                    double factor = static_cast<double>(terms[k].factor) * row_weights.get(row);
                    wanted[k * rows + row] = factor * loss_of(terms[k], own, other, target);
                    if (!with_gradient || vocabulary > 300) continue;
                    // By central differences: no second set of formulas to get wrong.
                    for (size_t i = 0; i < vocabulary; ++i) {
                        double kept = own[i], step = 1e-4;
                        own[i] = kept + step;
                        double above = loss_of(terms[k], own, other, target);
                        own[i] = kept - step;
                        double below = loss_of(terms[k], own, other, target);
                        own[i] = kept;
                        slopes[row * vocabulary + i] += static_cast<double>(terms[k].weight) * factor * (above - below) / (2 * step);
                    }
                }
            }
            values.expect("values", wanted, 1e-5, 1e-5);
            if (with_gradient) check_statistics(statistics, student, teacher, targets, rows, vocabulary, taught);
            if (with_gradient && vocabulary <= 300) gradient.expect("gradient", slopes, 4e-6, 2e-5);
        });
}

void test_language_models() {
    for (int type : {CK_FLOAT32, CK_BFLOAT16})
        for (size_t width : {8, 20, 576, 1000, 1536, 2048}) {
            for (bool aligned : {true, false})
                for (unsigned given : {0u, 1u, 3u, 7u}) test_rms({type, width > 1000 ? 2u : 9u, width, false, aligned, given});
            test_rms({type, 3, width, false, true, 7, 5});
            for (bool aligned : {true, false})
                for (int kind : {CK_GELU, CK_GELU_TANH, CK_RELU, CK_SILU}) test_gated({type, 3, width, false, aligned, width % 3 ? ~0u : 0u}, kind);
        }
    for (int type : {CK_FLOAT32, CK_BFLOAT16})
        for (size_t half : {3, 8, 32}) {
            test_rotate(type, 5, 3, half, true);
            test_rotate(type, 70, 2, half, false);
        }
    for (int type : {CK_FLOAT32, CK_BFLOAT16})
        for (size_t vocabulary : {1, 5, 61, 64, 260, 5000})
            for (bool aligned : {true, false}) {
                size_t rows = vocabulary > 300 ? 2 : 4;
                for (int kind = CK_LOSS_CROSS_ENTROPY; kind <= CK_LOSS_TVD; ++kind)
                    test_loss(type, rows, vocabulary, {{kind, 0.7f, 1.5f, 0.3f, 2.25f}}, aligned, true);
                test_loss(type, rows, vocabulary, {{CK_LOSS_KL, 0.7f, 1, 0, 1}, {CK_LOSS_CROSS_ENTROPY, 0.3f, 1, 0, 1}}, aligned, vocabulary != 64);
                test_loss(type, rows, vocabulary,
                          {{CK_LOSS_KL, 0.7f, 2, 0, 4}, {CK_LOSS_CROSS_ENTROPY, 0.3f, 1, 0, 1}, {CK_LOSS_REVERSE_KL, 0.1f, 2, 0, 4}, {CK_LOSS_JENSEN_SHANNON, 0.1f, 3, 0.5f, 1}},
                          aligned, true);
            }
}

}  // namespace
