import Files
import Foundation
import TestSupport
import Testing
import Torch

@testable import Distillation

@Suite("A language model's kept hidden states")
struct TeacherStateCodingTests {
    private static let (rows, width, vocabulary) = (300, 24, 61)

    private func models(scale: Double = 2) throws -> (states: Tensor, head: Tensor) {
        (
            try Tensor.normal([Self.rows, Self.width], standardDeviation: scale, seed: 3),
            try Tensor.normal([Self.vocabulary, Self.width], seed: 4)
        )
    }

    @Test("float32 keeps every bit; float16 keeps the nearest, with the largest change of any logit")
    func rows() throws {
        let (states, head) = try models()
        #expect(try TeacherStateCoding.float32.rows(of: states, head: head).bytes() == states.bytes())
        let kept = try TeacherStateCoding.float16.rows(of: states, head: head)
        #expect(kept.shape == [Self.rows, Self.width + 1])
        let values: [Float] = try kept.array()
        let given: [Float] = try states.array()
        let weights: [Float] = try head.array()
        for row in 0..<Self.rows {
            let own = Array(values[row * (Self.width + 1)..<(row + 1) * (Self.width + 1)])
            let original = Array(given[row * Self.width..<(row + 1) * Self.width])
            #expect(own.dropLast().elementsEqual(original.map { Float(Float16($0)) }))
            // The same in double, logit by logit.
            var largest = 0.0
            for token in 0..<Self.vocabulary {
                var change = 0.0
                for column in 0..<Self.width {
                    let weight = Double(weights[token * Self.width + column])
                    change += weight * (Double(own[column]) - Double(original[column]))
                }
                largest = max(largest, abs(change))
            }
            #expect(abs(Double(own[Self.width]) - largest) <= 1e-5 * largest + 1e-9)
        }
    }

    @Test(
        "int8 is the nearest whole number of the block's scale, 612 bytes of SmolLM2's 576 dimensions and 4 for ε"
    )
    func int8() throws {
        let (states, head) = try models()
        let kept = try TeacherStateCoding.int8.rows(of: states, head: head)
        #expect(kept.shape == [Self.rows, Self.width + 1 + 1])
        #expect(OutputForm.states(576, .int8).rowBytes == 616)
        let values: [Float] = try kept.array()
        let given: [Float] = try states.array()
        let read: [Float] = try TeacherStateCoding.states(in: kept, .int8, width: Self.width).array()
        for row in 0..<Self.rows {
            let own = values[row * (Self.width + 2)..<(row + 1) * (Self.width + 2)]
            let scale = own[own.startIndex + Self.width]
            let largest = given[row * Self.width..<(row + 1) * Self.width].reduce(0) { max($0, abs($1)) }
            #expect(scale == Float(Float16(largest / 127)))
            for column in 0..<Self.width {
                let number = own[own.startIndex + column]
                #expect(number == number.rounded() && abs(number) <= 127)
                #expect(read[row * Self.width + column] == number * scale)
                // Half a step, and a little more where the scale was rounded down.
                #expect(abs(number * scale - given[row * Self.width + column]) <= 0.57 * scale)
            }
        }
        // 33 dimensions are a block and one more.
        for width in [1, 31, 32, 33, 64, 65, 576, 2048] {
            let row = TeacherStateCoding.int8.rowWidth(width)
            #expect(TeacherStateCoding.stateWidth(ofInt8Row: row) == width)
        }
    }

    @Test("the most probable tokens, their log-probabilities and what is left are 7 bytes each and 4")
    func outcomes() throws {
        let (states, head) = try models()
        let kept: [Float] = try TeacherStateCoding.topK(5).rows(of: states, head: head).array()
        let logs: [Float] = try states.linear(head).logSoftmax().array()
        #expect(OutputForm.states(576, .topK(64)).rowBytes == 64 * 7 + 4)
        for row in 0..<Self.rows {
            let own = logs[row * Self.vocabulary..<(row + 1) * Self.vocabulary]
            let top = Array(own).enumerated().sorted { $0.element > $1.element }.prefix(5)
            for (place, each) in top.enumerated() {
                #expect(kept[row * 11 + place] == Float(each.offset))
                #expect(abs(kept[row * 11 + 5 + place] - each.element) < 1e-5)
            }
            let left = 1 - top.reduce(0.0) { $0 + exp(Double($1.element)) }
            #expect(abs(exp(Double(kept[row * 11 + 10])) - left) < 1e-5)
        }
        let error = #expect(throws: DistillationError.self) {
            try TeacherStateCoding.topK(61).rows(of: states, head: head)
        }
        #expect(error?.description.contains("61 tokens") == true)
    }

    @Test("forms are read as they are written, and nothing else is")
    func names() {
        for coding in [TeacherStateCoding.float16, .float32, .int8, .topK(1), .topK(4096)] {
            #expect(TeacherStateCoding(coding.description) == coding)
        }
        for text in [
            "", "int4", "top-k", "top-k:", "top-k:0", "top-k:-1", "top-k:4097", "top-k:8 ", "Float16",
        ] {
            #expect(TeacherStateCoding(text) == nil, "\(text)")
        }
    }

    @Test(
        "the divergence of what is kept is at most ε² / 2", arguments: [0.5, 4, 60],
        [TeacherStateCoding.float16, .int8])
    func certificate(_ scale: Double, _ coding: TeacherStateCoding) throws {
        let (states, head) = try models(scale: scale)
        let kept = try coding.rows(of: states, head: head)
        let values: [Float] = try kept.array()
        let rounded = try TeacherStateCoding.states(in: kept, coding, width: Self.width)
        let (whole, own) = try (states.linear(head).logSoftmax(), rounded.linear(head).logSoftmax())
        let divergences: [Float] = try (whole.exp() * (whole - own)).sum(1).array()
        var largest = 0.0
        let width = coding.rowWidth(Self.width)
        for row in 0..<Self.rows {
            let epsilon = Double(coding.certificate(values[row * width..<(row + 1) * width]))
            // Float32 itself rounds the logits.
            #expect(Double(divergences[row]) <= epsilon * epsilon / 2 + 1e-6, "row \(row)")
            largest = max(largest, epsilon)
        }
        #expect(largest > 0)
    }

    @Test(
        "rows in a file are those that were kept",
        arguments: [TeacherStateCoding.float16, .float32, .int8, .topK(5)])
    func file(_ coding: TeacherStateCoding) throws {
        try withTemporaryDirectory { directory in
            let (states, head) = try models()
            let form = OutputForm.states(Self.width, coding)
            let values: [Float] = try coding.rows(of: states, head: head).array()
            let url = directory.appending(path: "a.logits")
            func row(_ index: Int) -> ArraySlice<Float> {
                values[index * form.width..<(index + 1) * form.width]
            }
            try FileSegment.write(
                to: url, teacher: "t", form: form, count: Self.rows,
                key: { ExampleKey(high: UInt64($0), low: 1) }, row: { $1 += row($0) })
            let segment = try FileSegment(url, teacher: "t", form: form)
            var read: [Float] = []
            for index in 0..<Self.rows { try segment.appendRow(index, to: &read) }
            #expect(read == values)
            #expect(form.rowBytes == [.float16: 52, .float32: 96, .int8: 30, .topK(5): 39][coding])
            // Another form's reader refuses the file.
            let other = OutputForm.states(Self.width, coding == .float16 ? .float32 : .float16)
            #expect(throws: ChecksummedFile.Problem.self) { try FileSegment(url, teacher: "t", form: other) }
            #expect(throws: ChecksummedFile.Problem.self) {
                try FileSegment(url, teacher: "t", form: .logits(form.width))
            }
        }
    }

    @Test("states that half precision cannot hold are an error that says what to do")
    func overflow() throws {
        let (states, head) = try models(scale: 1e6)
        let error = #expect(throws: DistillationError.self) {
            try TeacherStateCoding.float16.rows(of: states, head: head)
        }
        #expect(error?.description.contains("--teacher-states float32") == true)
        #expect(throws: Never.self) { try TeacherStateCoding.float32.rows(of: states, head: head) }
    }
}
