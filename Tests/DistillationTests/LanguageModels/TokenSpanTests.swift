import Foundation
import TestSupport
import Testing

@testable import Distillation

@Suite("Spans of text at whose ends two tokenizers agree")
struct TokenSpanTests {
    private func spans(_ student: [[String]], _ teacher: [[String]]) -> [TokenSpan] {
        TokenSpan.spans(student: tokens(student), teacher: tokens(teacher))
    }

    /// Answers as their tokens; one of the form `<…>` stands for no bytes.
    private func tokens(_ answers: [[String]]) -> TrainedTokens {
        var (positions, bytes, position) = ([Int](), [[UInt8]](), 0)
        for answer in answers {
            position += 3
            for token in answer {
                positions.append(position)
                bytes.append(token.hasPrefix("<") ? [] : Array(token.utf8))
                position += 1
            }
        }
        return TrainedTokens(positions: positions, bytes: bytes)
    }

    private func span(_ student: Range<Int>, _ teacher: Range<Int>) -> TokenSpan {
        TokenSpan(student: student, teacher: teacher)
    }

    @Test("a span ends where both sides have come to the same byte")
    func ends() {
        #expect(
            spans([["it", " is", " fine"]], [["it", " i", "s", " ", "fi", "ne"]])
                == [span(0..<1, 0..<1), span(1..<2, 1..<3), span(2..<3, 3..<6)])
        #expect(spans([["ab", "cd", "e"]], [["a", "bc", "de"]]) == [span(0..<3, 0..<3)])
        // A character of several tokens.
        #expect(spans([["é", "x"]], [["éx"]]) == [span(0..<2, 0..<1)])
        #expect(spans([], []).isEmpty && spans([["a"]], [["b"]]).isEmpty)
    }

    @Test(
        "tokens that end an answer are a span of their own where both have one, and what only one side writes is none"
    )
    func answerEnds() {
        #expect(
            spans([["no", "<end>", "\n"]], [["n", "o", "<e>"]]) == [span(0..<1, 0..<2), span(1..<2, 2..<3)])
        #expect(spans([["no"]], [["no", "<e>"]]) == [span(0..<1, 0..<1)])
        // What only one has at a text's beginning is in no span, and neither is a token that holds it.
        #expect(
            spans([["no", "<end>", "\n"], ["yes"]], [[" no", "<e>"], [" ", "yes"]])
                == [span(1..<2, 1..<2), span(3..<4, 3..<4)])
        #expect(spans([["<end>"]], [["<e>"]]) == [span(0..<1, 0..<1)])
        #expect(spans([["a", "<s>", "b"]], [["a", "b"]]) == [span(0..<1, 0..<1), span(2..<3, 1..<2)])
    }

    @Test("where one has fewer answers, those that are alike are compared")
    func fewerAnswers() {
        #expect(spans([["a"], ["b"]], [["a"]]) == [span(0..<1, 0..<1)], "the last is cut")
        #expect(spans([["a"], ["b"]], [["b"]]) == [span(1..<2, 0..<1)], "the last turn alone is trained")
        #expect(spans([["a"], ["b"]], [["c"]]).isEmpty)
    }

    @Test("spans go on behind what only one side has, or has otherwise")
    func differences() {
        // A token without bytes for a character that the tokenizer does not know.
        let unknown = spans(
            [["so", "<unk>", " it", " is", " fine"]], [["so", "é", " it is", " fi", "ne"]])
        #expect(unknown == [span(0..<1, 0..<1), span(2..<4, 2..<3), span(4..<5, 3..<5)])
        // A tag that is one special token, and text.
        let tag = spans([["<t>", "well", ", no"]], [["[t", "]", "well", ", ", "no"]])
        #expect(tag == [span(1..<2, 2..<3), span(2..<3, 3..<5)])
        // The first token is never trained, which without a token that begins texts is one of text.
        #expect(
            spans([["lo", " wor", "ld"]], [["hel", "lo", " world"]]) == [
                span(0..<1, 1..<2), span(1..<3, 2..<3),
            ])
    }

    @Test(
        "whatever texts differ in, spans are in order, hold the same bytes on both sides, and nothing is left out of equal texts"
    )
    func anyTexts() {
        var generator = SeededGenerator(seed: 21)
        for _ in 0..<300 {
            let texts = (0..<2).map { _ in
                (0..<Int.random(in: 0...30, using: &generator)).map { _ -> [UInt8] in
                    // Empty ones are special tokens; bytes need not be characters.
                    (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                        UInt8.random(in: 0xF0...0xF1, using: &generator)
                    }
                }
            }
            func trained(_ bytes: [[UInt8]]) -> TrainedTokens {
                // Positions with gaps are several answers.
                TrainedTokens(positions: bytes.indices.map { $0 + $0 / 11 }, bytes: bytes)
            }
            let spans = TokenSpan.spans(student: trained(texts[0]), teacher: trained(texts[1]))
            for (span, next) in zip(spans, spans.dropFirst()) {
                #expect(span.student.upperBound <= next.student.lowerBound)
                #expect(span.teacher.upperBound <= next.teacher.lowerBound)
            }
            for span in spans {
                #expect(!span.student.isEmpty && !span.teacher.isEmpty)
                #expect(Array(texts[0][span.student].joined()) == Array(texts[1][span.teacher].joined()))
            }
            let same = TokenSpan.spans(student: trained(texts[0]), teacher: trained(texts[0]))
            #expect(same == texts[0].indices.map { span($0..<$0 + 1, $0..<$0 + 1) })
        }
    }

    @Test("spans are in order, hold the same bytes, and are as short as they can be")
    func properties() {
        var generator = SeededGenerator(seed: 9)
        func cut(_ text: [UInt8]) -> [[UInt8]] {
            var (parts, part) = ([[UInt8]](), [UInt8]())
            for byte in text {
                part.append(byte)
                if Int.random(in: 0..<3, using: &generator) == 0 {
                    parts.append(part)
                    part = []
                }
            }
            return part.isEmpty ? parts : parts + [part]
        }
        for _ in 0..<300 {
            let text = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
                UInt8.random(in: 97...100, using: &generator)
            }
            let sides = [cut(text), cut(text)].map { bytes in
                TrainedTokens(positions: Array(bytes.indices), bytes: bytes)
            }
            let spans = TokenSpan.spans(student: sides[0], teacher: sides[1])
            #expect(spans.flatMap(\.student) == Array(sides[0].bytes.indices))
            #expect(spans.flatMap(\.teacher) == Array(sides[1].bytes.indices))
            for span in spans {
                func bytes(_ side: Int, _ rows: Range<Int>) -> [UInt8] {
                    Array(sides[side].bytes[rows].joined())
                }
                #expect(bytes(0, span.student) == bytes(1, span.teacher))
                for first in span.student.dropLast() {
                    let head = bytes(0, span.student.lowerBound..<first + 1).count
                    #expect(
                        !span.teacher.dropLast().contains {
                            bytes(1, span.teacher.lowerBound..<$0 + 1).count == head
                        })
                }
            }
        }
    }
}
