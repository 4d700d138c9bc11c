import CTorch

/// A language model's loss from its last hidden states, without the logits of all tokens ever being in memory.
///
/// The output layers and the loss are computed for blocks of tokens, and the gradients with them (as Liger Kernel does on
/// GPUs: Hsu et al., arXiv 2410.10989): memory does not depend on the number of tokens. On the CPU the bits do not depend on the
/// number of threads, and a token's statistics and its hidden state's gradient not on the other tokens.
public struct FusedLoss {
    /// What a model's output layer reads and is.
    public struct Head {
        public let hidden: Tensor
        public let weight: Tensor

        /// - Parameters:
        ///   - hidden: (R, H) the last hidden states of the tokens that count.
        ///   - weight: (V, H) the output layer, which may be the token embedding table.
        public init(hidden: Tensor, weight: Tensor) {
            self.hidden = hidden
            self.weight = weight
        }
    }

    /// Σ over terms of weight × Σ over tokens of the token's weight × value: a number to divide, then `backward()`.
    public let loss: Tensor
    /// (terms) each term's sum over tokens, without the term's weight; float64 on the CPU.
    public let sums: Tensor
    /// What was asked for of each token.
    public let statistics: TokenStatistics?

    /// Computes the loss, and its gradients where the student's hidden states or weight require them.
    ///
    /// Where the vocabularies differ, as by rows that pad a table, the tokens that only one model has have no mass.
    ///
    /// - Parameters:
    ///   - student: Hidden states float32 or bfloat16, weight float32.
    ///   - teacher: Hidden states and weight float32, bfloat16 or float16, of any width; `nil` if no term needs one.
    ///   - outcomes: (R, 2 k + 1) float32 in the teacher's place, or `nil`: of each token the ids of k outcomes, −1 for none behind
    ///     them, their log-probabilities, and the logarithm of the mass that is left. All other tokens are one outcome, so that
    ///     divergences are those of k + 1 outcomes: lower bounds of the whole ones, as merging outcomes lowers every
    ///     f-divergence (for KL the log-sum inequality). At a temperature of 1, and not for `adaptiveKL`.
    ///   - targets: (R) int64, the tokens that came.
    ///   - tokenWeights: (R) float32; `nil` for 1.
    ///   - terms: What is summed; at least one.
    ///   - dtype: The type that matrices are multiplied in, float32 or bfloat16; sums are float32. `nil` for the student's
    ///     hidden states'.
    ///   - wantsStatistics: True for ``statistics`` of each token.
    /// - Throws: ``TorchError`` for shapes, types or values that do not fit.
    public init(
        student: Head, teacher: Head? = nil, outcomes: Tensor? = nil, targets: Tensor,
        tokenWeights: Tensor? = nil, terms: [LossTerm],
        dtype: DType? = nil, statistics wantsStatistics: Bool = false
    ) throws {
        let inputs = [
            student.hidden, student.weight, teacher?.hidden, teacher?.weight, outcomes, targets, tokenWeights,
        ]
        let dtype = dtype ?? student.hidden.dtype
        guard dtype == .float32 || dtype == .bfloat16 else {
            throw TorchError(kind: .operation, "fused_loss: cannot multiply in \(dtype)")
        }
        var (loss, sums, statistics): (ct_tensor?, ct_tensor?, ct_tensor?)
        try withExtendedLifetime(inputs) {
            try terms.map(\.raw).withUnsafeBufferPointer { terms in
                let call = ct_fused_loss_call(
                    hidden: student.hidden.handle, weight: student.weight.handle,
                    teacher_hidden: teacher?.hidden.handle, teacher_weight: teacher?.weight.handle,
                    teacher_outcomes: outcomes?.handle,
                    targets: targets.handle, row_weights: tokenWeights?.handle, terms: terms.baseAddress,
                    term_count: terms.count, bfloat16: dtype == .bfloat16, kernels: PackedKernels.areEnabled,
                    statistics: wantsStatistics)
                try check(ct_fused_loss(call, &loss, &sums, &statistics))
            }
        }
        guard let loss, let sums else {
            throw TorchError(kind: .internal, "an operation returned no tensor")
        }
        self.loss = Tensor(owning: loss)
        self.sums = Tensor(owning: sums)
        self.statistics = statistics.map {
            TokenStatistics(rows: Tensor(owning: $0), hasTeacher: teacher != nil || outcomes != nil)
        }
    }
}

extension Tensor {
    /// The most probable outcomes of logits, as a ``FusedLoss`` takes them for a teacher: (R, V) → (R, 2 count + 1) float32.
    ///
    /// - Parameter count: At least 1, and below V.
    /// - Throws: ``TorchError`` for another shape or count.
    public func topOutcomes(_ count: Int) throws -> Tensor {
        try .make { ct_top_outcomes(handle, Int64(count), $0) }
    }
}
