// The kernels of language models: their launches and their part of the interface. The end of cuda_kernels.cu, whose launches by
// element type and width it uses.

#pragma once

#include "cuda_decoder.cuh"
#include "cuda_loss.cuh"

namespace {

template <class S>
int launch(void *stream, const RmsForward &call, int64_t) {
    auto kernel = rms_forward_kernel<S>;
    CK_LAUNCH(kernel, dim3(grid_size(row_blocks<S>(call.rows))), dim3(S::threads), stream, call);
    return launched();
}

template <class S>
int launch(void *stream, const RmsBackward &call, int64_t blocks) {
    auto kernel = rms_backward_kernel<S>;
    CK_LAUNCH(kernel, dim3(static_cast<unsigned>(blocks)), dim3(S::threads), stream, call);
    return launched();
}

// The thread blocks for an element-wise kernel on rows.
template <class Call>
unsigned piece_blocks(const Call &call) {
    return grid_size((call.rows * ((call.width + piece - 1) / piece) + activation_threads - 1) / activation_threads);
}

template <class S>
int launch_activation(void *stream, const GatedForward &call, int64_t) {
    auto kernel = gated_forward_kernel<S>;
    CK_LAUNCH(kernel, dim3(piece_blocks(call)), dim3(activation_threads), stream, call);
    return launched();
}

template <class S>
int launch_activation(void *stream, const GatedBackward &call, int64_t) {
    auto kernel = gated_backward_kernel<S>;
    CK_LAUNCH(kernel, dim3(piece_blocks(call)), dim3(activation_threads), stream, call);
    return launched();
}

template <class T>
int launch_rotation(void *stream, bool vector, const Rotation &call) {
    auto kernel = vector ? rotation_kernel<T, true> : rotation_kernel<T, false>;
    int64_t all = call.rows * call.heads * ((call.half + piece - 1) / piece);
    CK_LAUNCH(kernel, dim3(grid_size((all + rotation_threads - 1) / rotation_threads)), dim3(rotation_threads), stream, call);
    return launched();
}

template <class T, bool vector, bool single>
int launch_loss(void *stream, const VocabularyLoss &call) {
    auto kernel = call.teacher ? vocabulary_loss_kernel<T, vector, true, single> : vocabulary_loss_kernel<T, vector, false, single>;
    CK_LAUNCH(kernel, dim3(grid_size(call.rows)), dim3(loss_threads), stream, call);
    return launched();
}

template <class T>
int launch_loss(void *stream, bool vector, const VocabularyLoss &call) {
    if (call.temperatures == 1) return vector ? launch_loss<T, true, true>(stream, call) : launch_loss<T, false, true>(stream, call);
    return vector ? launch_loss<T, true, false>(stream, call) : launch_loss<T, false, false>(stream, call);
}

// The index of a temperature among the distinct ones, to which it is added.
int temperature_index(VocabularyLoss &call, float temperature) {
    int which = 0;
    while (which < call.temperatures && call.temperature[which] != temperature) ++which;
    if (which == call.temperatures) {
        call.temperature[which] = temperature, call.inverse[which] = 1.0f / temperature;
        ++call.temperatures;
    }
    return which;
}

// Adds a term; false if it is not one that the kernel knows.
bool add_term(VocabularyLoss &call, const ck_loss_term &term) {
    if (term.kind < CK_LOSS_CROSS_ENTROPY || term.kind > CK_LOSS_TVD || !(term.temperature > 0)) return false;
    if (term.kind != CK_LOSS_CROSS_ENTROPY && !call.teacher) return false;
    call.second_pass |= term.kind != CK_LOSS_CROSS_ENTROPY && term.kind != CK_LOSS_KL;
    call.temperature_of[call.terms] = temperature_index(call, term.temperature);
    call.term[call.terms++] = term;
    return true;
}

}  // namespace

extern "C" {

int ck_rms_forward(void *stream, int type, int64_t rows, int64_t width, const float *x, const void *branch, const float *weight,
                   float epsilon, float offset, float *sum, float *out, void *out_typed, float *deviation) {
    if (!valid(type, rows, width)) return cudaErrorInvalidValue;
    if (rows == 0) return 0;
    RmsForward call{rows, static_cast<int>(width), x, branch, weight, epsilon, offset, sum, out, out_typed, deviation};
    return launch_rows(stream, type, width % piece == 0 && aligned({x, branch, weight, sum, out, out_typed}), call);
}

int ck_rms_backward(void *stream, int type, int64_t rows, int64_t width, const float *gradient, const void *gradient_typed,
                    const float *x, const float *deviation, const float *weight, float offset, const float *residual,
                    float *gradient_x, void *gradient_branch, float *partials, int64_t blocks) {
    if (!valid(type, rows, width) || blocks < 1 || blocks > INT32_MAX || !(gradient || gradient_typed)) return cudaErrorInvalidValue;
    if (rows == 0 && !partials) return 0;
    RmsBackward call{rows, static_cast<int>(width), gradient, gradient_typed, x, deviation, weight, offset, residual,
                     gradient_x, gradient_branch, partials};
    bool vector = width % piece == 0 &&
                  aligned({gradient, gradient_typed, x, weight, residual, gradient_x, gradient_branch, partials});
    return launch_rows(stream, type, vector, call, blocks);
}

int ck_rotate(void *stream, int type, int64_t rows, int64_t stride, int64_t heads, int64_t half, const int32_t *positions,
              const float *cosine, const float *sine, int backwards, void *x) {
    if (!known_type(type) || rows < 0 || half < 1 || half > CK_LARGEST_WIDTH || heads < 1 || heads > stride / (2 * half))
        return cudaErrorInvalidValue;
    if (rows == 0) return 0;
    Rotation call{rows, stride, static_cast<int>(heads), static_cast<int>(half), backwards ? -1.0f : 1.0f, positions, cosine, sine, x};
    bool vector = half % piece == 0 && stride % piece == 0 && aligned({cosine, sine, x});
    return type == CK_BFLOAT16 ? launch_rotation<Bfloat16>(stream, vector, call) : launch_rotation<float>(stream, vector, call);
}

int ck_gated_forward(void *stream, int type, int activation, int64_t rows, int64_t width, const void *joint, void *out) {
    if (!known_type(type) || rows < 0 || width < 1) return cudaErrorInvalidValue;
    if (rows == 0) return 0;
    GatedForward call{rows, width, joint, out};
    return launch_elements(stream, type, activation, width % piece == 0 && aligned({joint, out}), call);
}

int ck_gated_backward(void *stream, int type, int activation, int64_t rows, int64_t width, const void *joint, const void *gradient,
                      void *gradient_joint, void *out) {
    if (!known_type(type) || rows < 0 || width < 1) return cudaErrorInvalidValue;
    if (rows == 0) return 0;
    GatedBackward call{rows, width, joint, gradient, gradient_joint, out};
    return launch_elements(stream, type, activation, width % piece == 0 && aligned({joint, gradient, gradient_joint, out}), call);
}

int ck_vocabulary_loss(void *stream, int type, int64_t rows, int64_t vocabulary, const float *student, const float *teacher,
                       const int64_t *targets, const float *row_weights, const ck_loss_term *terms, int64_t count, float *values,
                       void *gradient, float *statistics, int64_t stride) {
    if (!known_type(type) || rows < 0 || vocabulary < 1 || vocabulary > 1 << 24 || count < 1 || count > CK_MOST_LOSS_TERMS) return cudaErrorInvalidValue;
    VocabularyLoss call{};
    call.rows = rows, call.vocabulary = vocabulary, call.student = student, call.teacher = teacher, call.targets = targets;
    call.row_weights = row_weights, call.values = values, call.gradient = gradient;
    for (int64_t i = 0; i < count; ++i)
        if (!add_term(call, terms[i])) return cudaErrorInvalidValue;
    call.statistics = statistics, call.statistics_stride = stride;
    if (statistics) call.plain = temperature_index(call, 1);
    if (rows == 0) return 0;
    bool vector = vocabulary % loss_piece == 0 && aligned({student, teacher, gradient});
    return type == CK_BFLOAT16 ? launch_loss<Bfloat16>(stream, vector, call) : launch_loss<float>(stream, vector, call);
}

}  // extern "C"
