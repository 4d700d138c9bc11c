import Tokenizers
import Torch

/// A language model's teacher with a tokenizer of its own: the same texts in its tokens, with the spans at whose ends both tokenizers divide
/// them.
struct TeacherSpans: Sendable {
    /// The tokens that both vocabularies have.
    let shared: SharedTokens
    private let student: EncodedDataset
    private let teacher: EncodedDataset
    /// The spans of each of the student's texts.
    private let spans: [[TokenSpan]]

    /// - Parameters:
    ///   - student: The training texts in the student's tokens.
    ///   - teacher: The same texts in the teacher's.
    ///   - tokenizers: That of the student, and that of the teacher.
    /// - Throws: `FileError` where the texts cannot be read.
    init(
        _ student: EncodedDataset, _ teacher: EncodedDataset,
        _ tokenizers: (student: Tokenizer, teacher: Tokenizer)
    ) throws {
        let own = try VocabularyBytes(tokenizers.student)
        let theirs = try VocabularyBytes(tokenizers.teacher)
        shared = SharedTokens(student: own, teacher: theirs)
        (self.student, self.teacher) = (student, teacher)
        spans = (0..<student.count).map { index in
            TokenSpan.spans(
                student: TrainedTokens(student, index, own), teacher: TrainedTokens(teacher, index, theirs))
        }
    }

    private init(_ shared: SharedTokens, _ student: EncodedDataset, _ teacher: EncodedDataset, _ spans: [[TokenSpan]]) {
        (self.shared, self.student, self.teacher, self.spans) = (shared, student, teacher, spans)
    }

    /// The same of some of the texts.
    func subset(_ indices: [Int]) -> TeacherSpans {
        TeacherSpans(shared, student.subset(indices), teacher.subset(indices), indices.map { spans[$0] })
    }

    /// The rows of the teacher's outputs of some texts.
    func teacherRows(of indices: [Int]) -> [Int] { indices.flatMap { teacher.rows(of: $0) } }

    /// The fraction of the student's trained tokens that are in a span.
    var coverage: Double {
        let covered = spans.joined().reduce(0) { $0 + $1.student.count }
        return Double(covered) / Double(max(1, student.rowCount))
    }

    /// The fraction of the spans that are one token on either side.
    var agreement: Double {
        let single = spans.joined().count { $0.student.count == 1 && $0.teacher.count == 1 }
        return Double(single) / Double(max(1, spans.joined().count))
    }

    /// The spans of a batch of texts, among the rows of the batch.
    func batch(_ indices: [Int], teacher head: FusedLoss.Head) -> SpanBatch {
        var batch = SpanBatch(
            teacher: head, shared: shared, studentTargets: student.targets(of: indices).classes,
            teacherTargets: teacher.targets(of: indices).classes)
        var first = (0, 0)
        for index in indices {
            let own = spans[index]
            // A text's loss is the mean over its spans, a batch's that over its texts.
            let weight = 1 / Double(max(1, own.count) * indices.count)
            for span in own {
                batch.spans.append(
                    TokenSpan(
                        student: first.0 + span.student.lowerBound..<first.0 + span.student.upperBound,
                        teacher: first.1 + span.teacher.lowerBound..<first.1 + span.teacher.upperBound))
                batch.weights.append(Float(weight))
            }
            first = (first.0 + student.rows(of: index).count, first.1 + teacher.rows(of: index).count)
        }
        return batch
    }
}

/// The bytes of a vocabulary's tokens.
struct VocabularyBytes {
    /// By token; none for special tokens.
    let bytes: [[UInt8]]
    /// The content of each special token, by its number.
    let special: [Int: [UInt8]]

    init(bytes: [[UInt8]], special: [Int: [UInt8]]) { (self.bytes, self.special) = (bytes, special) }

    /// - Throws: `TokenizerError` where the tokenizer's decoder is not known.
    init(_ tokenizer: Tokenizer) throws {
        let counts = try tokenizer.byteCounts()
        var special: [Int: [UInt8]] = [:]
        bytes = counts.enumerated().map { id, count in
            let own = tokenizer.bytes(ofToken: Int32(id)) ?? []
            if count == 0, !own.isEmpty { special[id] = own }
            return count == 0 ? [] : own
        }
        self.special = special
    }
}

extension SharedTokens {
    /// Tokens are the same where they stand for the same bytes, and special ones where they are written alike. Of several of a vocabulary
    /// with the same bytes the last counts, so that characters go before the tokens of bytes.
    init(student: VocabularyBytes, teacher: VocabularyBytes) {
        let own = Self.byContent(student)
        let theirs = Self.byContent(teacher)
        let pairs = theirs.compactMap { content, id in own[content].map { (student: $0, teacher: id) } }
            .sorted { $0.teacher < $1.teacher }
        self.student = pairs.map(\.student)
        self.teacher = pairs.map(\.teacher)
        let (both, other) = (Set(self.student), Set(self.teacher))
        studentAlone = student.bytes.indices.filter { !both.contains($0) }
        teacherAlone = teacher.bytes.indices.filter { !other.contains($0) }
    }

    private static func byContent(_ vocabulary: VocabularyBytes) -> [[UInt8]: Int] {
        var tokens: [[UInt8]: Int] = [:]
        for (id, bytes) in vocabulary.bytes.enumerated() {
            // A special token is not the text that it looks like.
            if let content = vocabulary.special[id] {
                tokens[[0xFF] + content] = id
            } else if !bytes.isEmpty {
                tokens[bytes] = id
            }
        }
        return tokens
    }
}

extension TrainedTokens {
    fileprivate init(_ data: EncodedDataset, _ index: Int, _ vocabulary: VocabularyBytes) {
        self.init(
            positions: data.rowPositions(of: index) ?? [],
            bytes: data.targets(of: [index]).classes.map { vocabulary.bytes[$0] })
    }
}
