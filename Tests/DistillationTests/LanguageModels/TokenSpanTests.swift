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
        var (positions, bytes, position) = ([Int32](), [[UInt8]](), Int32(0))
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

    @Test("tokens that end an answer are a span of their own where both have one, and what only one side writes is none")
    func answerEnds() {
        #expect(
            spans([["no", "<end>", "\n"]], [["n", "o", "<e>"]]) == [span(0..<1, 0..<2), span(1..<2, 2..<3)])
        #expect(spans([["no"]], [["no", "<e>"]]) == [span(0..<1, 0..<1)])
        // Each answer for itself, with the space that one tokenizer puts before it.
        #expect(
            spans([["no", "<end>", "\n"], ["yes"]], [[" no", "<e>"], [" ", "yes"]])
                == [span(0..<1, 0..<1), span(1..<2, 1..<2), span(3..<4, 2..<4)])
        #expect(spans([["a"], ["b"]], [["a"]]).isEmpty, "another number of answers")
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
                TrainedTokens(positions: bytes.indices.map(Int32.init), bytes: bytes)
            }
            let spans = TokenSpan.spans(student: sides[0], teacher: sides[1])
            #expect(spans.flatMap(\.student) == Array(sides[0].bytes.indices))
            #expect(spans.flatMap(\.teacher) == Array(sides[1].bytes.indices))
            for span in spans {
                func bytes(_ side: Int, _ rows: Range<Int>) -> [UInt8] { Array(sides[side].bytes[rows].joined()) }
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
