import Tokenizers
import Torch

/// A language model's teacher with a tokenizer of its own: the same texts in its tokens, with the spans at whose ends both tokenizers
/// divide them.
struct TeacherSpans: Sendable {
    /// The tokens that both vocabularies have.
    let shared: SharedTokens
    private let student: EncodedDataset
    /// The tokens that came at the teacher's rows.
    private let teacherTargets: [Int32]
    /// What each of the student's texts is compared with.
    private let texts: [Text]

    /// A text of the student's.
    private struct Text {
        /// Rows are counted from the first of the text, and from the first of the teacher's below.
        var spans: [TokenSpan] = []
        /// The teacher's rows from the first span's to the last's, among all.
        var teacher = 0..<0
    }

    /// - Parameters:
    ///   - student: The training texts in the student's tokens.
    ///   - teacher: The same records in the teacher's. Documents may be cut into other pieces.
    ///   - tokenizers: That of the student, and that of the teacher.
    /// - Throws: `TokenizerError` where a tokenizer's decoder is not known.
    init(
        _ student: EncodedDataset, _ teacher: EncodedDataset,
        _ tokenizers: (student: Tokenizer, teacher: Tokenizer)
    ) throws {
        let own = try VocabularyBytes(tokenizers.student)
        let theirs = try VocabularyBytes(tokenizers.teacher)
        self.student = student
        teacherTargets = teacher.targets(of: Array(0..<teacher.count)).classes.map(Int32.init)
        var texts = [Text](repeating: Text(), count: student.count)
        var ends = SpecialPairs()
        for (record, other) in zip(student.sentences, teacher.sentences) {
            let sides = (TrainedTokens(student, record, own), TrainedTokens(teacher, other, theirs))
            let spans = TokenSpan.spans(student: sides.0, teacher: sides.1)
            ends.add(spans, sides.0, sides.1, student, record, teacher, other)
            Self.divide(
                spans, student, record, firstTeacherRow: teacher.rows(of: other.lowerBound).lowerBound,
                into: &texts)
        }
        self.texts = texts
        shared = SharedTokens(student: own, teacher: theirs, ends: ends.counts)
    }

    private init(
        _ shared: SharedTokens, _ student: EncodedDataset, _ teacherTargets: [Int32], _ texts: [Text]
    ) {
        (self.shared, self.student, self.teacherTargets, self.texts) = (
            shared, student, teacherTargets, texts
        )
    }

    /// Gives the spans of a record to the texts that it was cut into; one that reaches from one into the next is left out.
    private static func divide(
        _ spans: [TokenSpan], _ student: EncodedDataset, _ record: Range<Int>, firstTeacherRow: Int,
        into texts: inout [Text]
    ) {
        let first = student.rows(of: record.lowerBound).lowerBound
        var rest = spans[...]
        for index in record {
            let rows = student.rows(of: index)
            let own = rows.lowerBound - first..<rows.upperBound - first
            rest = rest.drop { $0.student.lowerBound < own.lowerBound }
            let inside = rest.prefix { $0.student.upperBound <= own.upperBound }
            rest = rest.dropFirst(inside.count)
            guard let start = inside.first?.teacher.lowerBound, let end = inside.last?.teacher.upperBound
            else { continue }
            texts[index].teacher = firstTeacherRow + start..<firstTeacherRow + end
            texts[index].spans = inside.map {
                TokenSpan(
                    student: $0.student.shifted(by: -own.lowerBound), teacher: $0.teacher.shifted(by: -start))
            }
        }
    }

    /// The same of some of the texts, beside the teacher's outputs of their rows alone.
    func subset(_ indices: [Int]) -> TeacherSpans {
        var first = 0
        let own = indices.map { index in
            var text = texts[index]
            text.teacher = first..<first + text.teacher.count
            first += text.teacher.count
            return text
        }
        return TeacherSpans(
            shared, student.subset(indices), teacherRows(of: indices).map { teacherTargets[$0] }, own)
    }

    /// The rows of the teacher's outputs that some texts are compared with.
    func teacherRows(of indices: [Int]) -> [Int] { indices.flatMap { Array(texts[$0].teacher) } }

    /// The fraction of the student's trained tokens that are in a span.
    var coverage: Double {
        let covered = texts.reduce(0) { $0 + $1.spans.reduce(0) { $0 + $1.student.count } }
        return Double(covered) / Double(max(1, student.rowCount))
    }

    /// The fraction of the spans that are one token on either side.
    var agreement: Double {
        let single = texts.reduce(0) { sum, text in
            sum + text.spans.count { $0.student.count == 1 && $0.teacher.count == 1 }
        }
        return Double(single) / Double(max(1, texts.reduce(0) { $0 + $1.spans.count }))
    }

    /// The spans of a batch of texts, among the rows of the batch.
    ///
    /// - Parameter head: The teacher's hidden states at ``teacherRows(of:)``, and its output layer.
    func batch(_ indices: [Int], teacher head: FusedLoss.Head) -> SpanBatch {
        var batch = SpanBatch(
            teacher: head, shared: shared, studentTargets: student.targets(of: indices).classes,
            teacherTargets: teacherRows(of: indices).map { Int(teacherTargets[$0]) })
        var first = (0, 0)
        for index in indices {
            let own = texts[index]
            // A text's loss is the mean over its spans, a batch's that over its texts.
            let weight = 1 / Double(max(1, own.spans.count) * indices.count)
            for span in own.spans {
                batch.spans.append(
                    TokenSpan(
                        student: span.student.shifted(by: first.0), teacher: span.teacher.shifted(by: first.1)
                    ))
                batch.weights.append(Float(weight))
            }
            first = (first.0 + student.rows(of: index).count, first.1 + own.teacher.count)
        }
        return batch
    }
}

/// How often two special tokens stand at the same place of both models' texts.
private struct SpecialPairs {
    private(set) var counts: [SharedTokens.Pair: Int] = [:]

    mutating func add(
        _ spans: [TokenSpan], _ own: TrainedTokens, _ theirs: TrainedTokens, _ student: EncodedDataset,
        _ record: Range<Int>, _ teacher: EncodedDataset, _ other: Range<Int>
    ) {
        var targets: (own: [Int], theirs: [Int])?
        for span in spans
        where span.student.count == 1 && span.teacher.count == 1 && own.bytes[span.student.lowerBound].isEmpty
        {
            let all =
                targets
                ?? (student.targets(of: Array(record)).classes, teacher.targets(of: Array(other)).classes)
            targets = all
            let pair = SharedTokens.Pair(
                student: all.own[span.student.lowerBound], teacher: all.theirs[span.teacher.lowerBound])
            counts[pair, default: 0] += 1
        }
    }
}

extension TrainedTokens {
    /// The tokens of a record, whose texts are pieces that follow one another.
    fileprivate init(_ data: EncodedDataset, _ record: Range<Int>, _ vocabulary: VocabularyBytes) {
        var (positions, start) = ([Int](), 0)
        for index in record {
            positions += (data.rowPositions(of: index) ?? []).map { start + Int($0) }
            // Neighbors share a token.
            start += data.length(of: index) - 1
        }
        self.init(
            positions: positions,
            bytes: data.targets(of: Array(record)).classes.map { vocabulary.bytes[$0] })
    }
}

extension Range<Int> {
    fileprivate func shifted(by count: Int) -> Range<Int> { lowerBound + count..<upperBound + count }
}
