import Tokenizers

/// A part of a text that both of two tokenizers divide from the rest: as few trained tokens as possible of each, with the same bytes.
struct TokenSpan: Sendable, Equatable {
    /// The rows of the student's tokens, among those of the text.
    var student: Range<Int>
    /// The rows of the teacher's tokens, among those of the text.
    var teacher: Range<Int>
}

/// A text's trained tokens as one of two tokenizers has them.
struct TrainedTokens {
    /// The position of each token's row: those of an answer follow one another.
    var positions: [Int32]
    /// The bytes of text of each token; none of special tokens.
    var bytes: [[UInt8]]

    /// The rows of each answer.
    var answers: [Range<Int>] {
        var (answers, start) = ([Range<Int>](), 0)
        for row in positions.indices where row + 1 == positions.count || positions[row + 1] != positions[row] + 1 {
            answers.append(start..<row + 1)
            start = row + 1
        }
        return answers
    }
}

extension TokenSpan {
    /// The spans of a text: both sides are walked by the offset in bytes at which tokens end, and where both have come to the same one,
    /// a span ends (as TRL's GOLD aligns them). Tokens of no bytes, such as those that end an answer, are a span where both have one at
    /// the same place.
    ///
    /// Each answer is walked by itself, as far as the bytes agree: templates differ in what they write around answers, and a tokenizer
    /// may put a space before a text.
    ///
    /// - Returns: None where the texts have other numbers of answers.
    static func spans(student: TrainedTokens, teacher: TrainedTokens) -> [TokenSpan] {
        let (own, theirs) = (student.answers, teacher.answers)
        guard own.count == theirs.count else { return [] }
        return zip(own, theirs).flatMap { own, theirs in
            spans(
                Answer(student.bytes, own), Answer(teacher.bytes, theirs))
        }
    }

    /// An answer's tokens by the offsets of bytes at which they end.
    private struct Answer {
        let rows: Range<Int>
        var ends: [Int] = []
        var bytes: [UInt8] = []

        init(_ tokens: [[UInt8]], _ rows: Range<Int>) {
            self.rows = rows
            for row in rows {
                bytes += tokens[row]
                ends.append(bytes.count)
            }
        }

        /// The same without the space at its beginning.
        func withoutSpace() -> Answer {
            var answer = self
            answer.bytes.removeFirst()
            answer.ends = ends.map { max(0, $0 - 1) }
            return answer
        }
    }

    private static func spans(_ student: Answer, _ teacher: Answer) -> [TokenSpan] {
        var (student, teacher) = (student, teacher)
        let space = UInt8(ascii: " ")
        if student.bytes.first == space, teacher.bytes.first != space, !teacher.bytes.isEmpty {
            student = student.withoutSpace()
        } else if teacher.bytes.first == space, student.bytes.first != space, !student.bytes.isEmpty {
            teacher = teacher.withoutSpace()
        }
        let shared = zip(student.bytes, teacher.bytes).prefix { $0 == $1 }.count
        var (spans, first, place) = ([TokenSpan](), (0, 0), (0, 0))
        while place.0 < student.ends.count, place.1 < teacher.ends.count {
            let ends = (student.ends[place.0], teacher.ends[place.1])
            guard max(ends.0, ends.1) <= shared else { break }
            if ends.0 <= ends.1 { place.0 += 1 }
            if ends.1 <= ends.0 { place.1 += 1 }
            guard ends.0 == ends.1 else { continue }
            spans.append(
                TokenSpan(
                    student: student.rows.lowerBound + first.0..<student.rows.lowerBound + place.0,
                    teacher: teacher.rows.lowerBound + first.1..<teacher.rows.lowerBound + place.1))
            first = place
        }
        return spans
    }
}
