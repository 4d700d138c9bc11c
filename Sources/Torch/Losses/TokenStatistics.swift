import CTorch

/// What a ``FusedLoss`` tells of each of its R tokens, at a temperature of 1: tensors (R) float32 without gradients.
public struct TokenStatistics {
    let rows: Tensor
    let hasTeacher: Bool

    private func row(_ index: Int) throws -> Tensor { try rows[index..<index + 1].reshaped([-1]) }
    private func taughtRow(_ index: Int) throws -> Tensor? { hasTeacher ? try row(index) : nil }

    /// −log q(target), whose mean's exponential is the student's perplexity.
    public var studentSurprisal: Tensor { get throws { try row(CT_TOKEN_STUDENT_SURPRISAL) } }
    /// −log p(target).
    public var teacherSurprisal: Tensor? { get throws { try taughtRow(CT_TOKEN_TEACHER_SURPRISAL) } }
    /// KL(p ‖ q).
    public var divergence: Tensor? { get throws { try taughtRow(CT_TOKEN_DIVERGENCE) } }
    /// 1 where student and teacher hold the same token for the most probable, otherwise 0.
    public var agreement: Tensor? { get throws { try taughtRow(CT_TOKEN_AGREEMENT) } }
    /// −Σ q · log q.
    public var studentEntropy: Tensor { get throws { try row(CT_TOKEN_STUDENT_ENTROPY) } }
    /// −Σ p · log p.
    public var teacherEntropy: Tensor? { get throws { try taughtRow(CT_TOKEN_TEACHER_ENTROPY) } }
    /// 1 where the student holds the target for the most probable token, otherwise 0.
    public var correctness: Tensor { get throws { try row(CT_TOKEN_CORRECTNESS) } }
    /// The student's probability of its most probable token.
    public var confidence: Tensor { get throws { try row(CT_TOKEN_CONFIDENCE) } }

    /// The numbers of a token in ``table``, in the order of its columns.
    public enum Column: Int, CaseIterable, Sendable {
        case studentSurprisal, teacherSurprisal, divergence, agreement, studentEntropy, teacherEntropy
        case correctness, confidence
    }

    /// (R, columns) All of them; those that need a teacher are NaN without one.
    public var table: Tensor { get throws { try rows.transposed(0, 1).contiguous() } }
}
