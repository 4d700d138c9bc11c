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
    var positions: [Int]
    /// The bytes of text of each token; none of special tokens.
    var bytes: [[UInt8]]

    /// The rows of each answer.
    var answers: [Range<Int>] {
        var (answers, start) = ([Range<Int>](), 0)
        for row in positions.indices
        where row + 1 == positions.count || positions[row + 1] != positions[row] + 1 {
            answers.append(start..<row + 1)
            start = row + 1
        }
        return answers
    }
}

extension TokenSpan {
    /// The spans of a text: as far as both sides have the same bytes, they are walked by the offset at which tokens end, and where both
    /// have come to the same one, a span ends (as TRL's GOLD aligns them). Tokens of no bytes, such as those that end an answer, are a
    /// span where both have one at the same place.
    ///
    /// The first answer of one is compared with the first of the other, or where one has fewer, since it is cut or its template lets
    /// less be trained, the last with the last, whichever covers more.
    static func spans(student: TrainedTokens, teacher: TrainedTokens) -> [TokenSpan] {
        let (own, theirs) = (student.answers, teacher.answers)
        func paired(_ own: some Sequence<Range<Int>>, _ theirs: some Sequence<Range<Int>>) -> [TokenSpan] {
            zip(own, theirs).flatMap { spans(Answer(student.bytes, $0), Answer(teacher.bytes, $1)) }
        }
        let first = paired(own, theirs)
        guard own.count != theirs.count else { return first }
        let count = min(own.count, theirs.count)
        let last = paired(own.suffix(count), theirs.suffix(count))
        func covered(_ spans: [TokenSpan]) -> Int { spans.reduce(0) { $0 + $1.student.count } }
        return covered(first) >= covered(last) ? first : last
    }

    /// An answer's tokens by the offsets of bytes at which they end.
    private struct Answer {
        let rows: Range<Int>
        /// Where each token begins, and the number of all bytes.
        var offsets = [0]
        var bytes: [UInt8] = []

        init(_ tokens: [[UInt8]], _ rows: Range<Int>) {
            self.rows = rows
            for row in rows {
                bytes += tokens[row]
                offsets.append(bytes.count)
            }
        }

        var count: Int { rows.count }
        /// True if a token stands for no bytes.
        func isEmpty(_ token: Int) -> Bool { offsets[token] == offsets[token + 1] }
    }

    private static func spans(_ student: Answer, _ teacher: Answer) -> [TokenSpan] {
        var (spans, place) = ([TokenSpan](), (0, 0))
        for run in ByteRun.runs(student.bytes, teacher.bytes) {
            walk(student, teacher, run, &place) { own, theirs in
                spans.append(
                    TokenSpan(
                        student: student.rows.lowerBound + own.lowerBound..<student.rows.lowerBound
                            + own.upperBound,
                        teacher: teacher.rows.lowerBound + theirs.lowerBound..<teacher.rows.lowerBound
                            + theirs.upperBound))
            }
        }
        return spans
    }

    /// Gives the spans of a run, and goes to the first tokens that are in none.
    private static func walk(
        _ student: Answer, _ teacher: Answer, _ run: ByteRun, _ place: inout (Int, Int),
        _ found: (Range<Int>, Range<Int>) -> Void
    ) {
        func start(_ side: Answer, _ token: Int, _ first: Int) -> Int { side.offsets[token] - first }
        var first = place
        // True if both are at the beginning of a span.
        var isBetween = false
        while place.0 < student.count, place.1 < teacher.count {
            if !isBetween {
                let starts = (start(student, place.0, run.student), start(teacher, place.1, run.teacher))
                isBetween = starts.0 == starts.1 && starts.0 >= 0
                guard isBetween else {
                    if starts.0 <= starts.1 { place.0 += 1 } else { place.1 += 1 }
                    continue
                }
                first = place
            }
            let isStart = place == first
            let empty = (student.isEmpty(place.0), teacher.isEmpty(place.1))
            if isStart, empty.0 != empty.1 {
                // A token of no bytes that the other side does not have.
                if empty.0 { place.0 += 1 } else { place.1 += 1 }
                first = place
                continue
            }
            let ends = (
                start(student, place.0 + 1, run.student), start(teacher, place.1 + 1, run.teacher)
            )
            guard max(ends.0, ends.1) <= run.count else { break }
            if ends.0 <= ends.1 { place.0 += 1 }
            if ends.1 <= ends.0 { place.1 += 1 }
            guard ends.0 == ends.1 else { continue }
            found(first.0..<place.0, first.1..<place.1)
            first = place
        }
        place = first
    }
}

/// Bytes that two texts have alike.
struct ByteRun: Equatable {
    /// Where they begin in the student's text.
    var student: Int
    /// Where they begin in the teacher's.
    var teacher: Int
    var count: Int

    /// As many bytes must agree behind a difference, unless a text ends before.
    private static let least = 8
    /// As many bytes of either text are looked at for where they agree again.
    private static let reach = 64

    /// The bytes that two texts have alike, in order: all of them, where the texts are the same.
    ///
    /// Behind a difference (a space that one tokenizer puts before a text, a character that one does not know) it goes on where both
    /// agree again, with as few bytes left out as possible.
    static func runs(_ student: [UInt8], _ teacher: [UInt8]) -> [ByteRun] {
        var (runs, place) = ([ByteRun](), (0, 0))
        func agreement(_ own: Int, _ theirs: Int, most: Int = .max) -> Int {
            var count = 0
            while count < most, own + count < student.count, theirs + count < teacher.count,
                student[own + count] == teacher[theirs + count]
            { count += 1 }
            return count
        }
        func again() -> (Int, Int)? {
            guard place.0 < student.count, place.1 < teacher.count else { return nil }
            for left in 0...2 * reach {
                for own in max(0, left - reach)...min(left, reach) {
                    let next = (place.0 + own, place.1 + left - own)
                    let rest = min(student.count - next.0, teacher.count - next.1)
                    guard rest > 0 else { continue }
                    let needed = min(least, rest)
                    if agreement(next.0, next.1, most: needed) == needed { return next }
                }
            }
            return nil
        }
        // Texts of special tokens alone have none.
        if student.isEmpty, teacher.isEmpty { return [ByteRun(student: 0, teacher: 0, count: 0)] }
        // Texts that begin alike need not be alike for long.
        var start: (Int, Int)? = agreement(0, 0, most: 1) > 0 ? (0, 0) : again()
        while let next = start {
            let count = agreement(next.0, next.1)
            runs.append(ByteRun(student: next.0, teacher: next.1, count: count))
            place = (next.0 + count, next.1 + count)
            start = again()
        }
        return runs
    }
}
